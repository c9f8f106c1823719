import { TimedOutError } from '../../errors.js';
import type { CoordinationContext } from '../context.js';
import { acquire, type ClaimRequest, type ClaimResult, type RejectedClaim } from './claims.js';
import type { HolderFiles } from './holder-files.js';

export interface PatientRequest extends ClaimRequest {
  readonly timeoutMs: number;
  /** Told once, before the first pause. */
  onWaiting?(rejected: RejectedClaim): void;
  /** After each look: whoever waits is alive. */
  onLook(): Promise<unknown>;
}

const firstPauseMs = 500;
const longestPauseMs = 5_000;

/** Asks until the step is won, whoever holds it. What is done ends the waiting; `TimedOutError` when the time is up. */
export async function waitToAcquire(
  context: CoordinationContext,
  holders: HolderFiles,
  request: PatientRequest,
): Promise<ClaimResult> {
  const { clock } = context;
  const deadline = clock.monotonic() + request.timeoutMs;
  let pauseMs = firstPauseMs;
  for (;;) {
    const result = await acquire(context, holders, { ...request, isWaiting: true });
    if (result.outcome === 'claimed' || result.reason !== 'held') return result;
    const leftMs = deadline - clock.monotonic();
    if (leftMs <= 0) throw timedOut(request, result);
    if (pauseMs === firstPauseMs) request.onWaiting?.(result);
    await request.onLook();
    await clock.sleep(Math.min(pauseMs, leftMs));
    pauseMs = Math.min(pauseMs * 1.5, longestPauseMs);
  }
}

function timedOut({ step, timeoutMs }: PatientRequest, { holder }: RejectedClaim): TimedOutError {
  const seconds = Math.round(timeoutMs / 1000);
  return new TimedOutError(`step ${step} is still held by ${holder.agent} after ${seconds} s`, {
    hint: 'Wait longer with --timeout, or take another one.',
  });
}
