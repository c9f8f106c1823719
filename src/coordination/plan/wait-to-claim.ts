import { TimedOutError } from '../../errors.js';
import { acquire, type ClaimRequest, type ClaimResult } from '../claims/claims.js';
import type { HolderFiles } from '../claims/holder-files.js';
import type { CoordinationContext } from '../context.js';
import { growingPauses } from '../pauses.js';
import { blockedNeedOf, needText, unmetNeedsOf, waitsForBlocked } from './needs.js';
import { readPlan } from './plan-document.js';

export interface PatientRequest extends ClaimRequest {
  readonly timeoutMs: number;
  /** Does not wait for what the step needs first. */
  readonly ignoresNeeds?: boolean;
  /** Called once, before the first pause, with what is being waited for. */
  onWaiting?(reason: string): void;
  /** Called after each check: whoever waits is alive. */
  onLook(): Promise<unknown>;
}

/**
 * Retries until the step is claimed, whoever holds it and whatever it needs first. Stops if the
 * step is done; `BlockedError` if a need is blocked, `TimedOutError` when time is up.
 */
export async function waitToAcquire(
  context: CoordinationContext,
  holders: HolderFiles,
  request: PatientRequest,
): Promise<ClaimResult> {
  const { clock } = context;
  const pauses = growingPauses(
    () => clock.monotonic(),
    (ms) => clock.sleep(ms),
    request.timeoutMs,
  );
  for (;;) {
    const look = await lookOnce(context, holders, request);
    if ('result' in look) return look.result;
    if (pauses.leftMs() <= 0) throw timedOut(request, look.reason);
    if (pauses.isFirst()) request.onWaiting?.(`Waiting for step ${request.step}: ${look.reason}.`);
    await request.onLook();
    await pauses.pause();
  }
}

async function lookOnce(
  context: CoordinationContext,
  holders: HolderFiles,
  request: PatientRequest,
): Promise<{ readonly result: ClaimResult } | { readonly reason: string }> {
  const reason = request.ignoresNeeds ? undefined : await waitingReason(context, request.step);
  if (reason !== undefined) return { reason };
  const result = await acquire(context, holders, { ...request, isWaiting: true });
  if (result.outcome === 'claimed' || result.reason !== 'held') return { result };
  return { reason: `claimed by ${result.holder.agent}` };
}

/** What the step still needs; `BlockedError` if waiting for that does not help. */
async function waitingReason(
  context: CoordinationContext,
  step: string,
): Promise<string | undefined> {
  const plan = await readPlan(context);
  const unmet = await unmetNeedsOf(context, step, plan);
  if (unmet.length === 0) return undefined;
  const blocked = await blockedNeedOf(context, plan.steps, step);
  if (blocked !== undefined) throw waitsForBlocked(step, blocked);
  return `it needs ${unmet.map(needText).join(', ')}`;
}

function timedOut({ step, timeoutMs }: PatientRequest, reason: string): TimedOutError {
  const seconds = Math.round(timeoutMs / 1000);
  return new TimedOutError(`step ${step} is not free after ${seconds} s: ${reason}`, {
    hint: 'Wait longer with --timeout, or take another one.',
  });
}
