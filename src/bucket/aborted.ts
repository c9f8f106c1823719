import { UnreachableError } from '../errors.js';

/** Thrown when the caller's own signal stopped a call. Whether the call was applied is unknown. */
export function stopped(signal: AbortSignal): UnreachableError {
  return new UnreachableError('stopped before the bucket answered', { cause: signal.reason });
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw stopped(signal);
}
