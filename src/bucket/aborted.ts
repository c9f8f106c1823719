import { UnreachableError } from '../errors.js';

/** What a call ends with when its own caller's signal stopped it. Whether it was applied is not known. */
export function stopped(signal: AbortSignal): UnreachableError {
  return new UnreachableError('stopped before the bucket answered', { cause: signal.reason });
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw stopped(signal);
}
