import { BlockedError, NotFoundError, TimedOutError } from '../../errors.js';
import { acquire, type ClaimRequest, type WonClaim } from '../claims/claims.js';
import type { HolderFiles } from '../claims/holder-files.js';
import type { CoordinationContext } from '../context.js';
import { growingPauses } from '../pauses.js';
import { type Board, type BoardStep, readBoard } from './board.js';

export interface NextRequest extends Pick<ClaimRequest, 'ttlMs'> {
  /** Only steps that come at this priority or before. */
  readonly priority?: number | undefined;
  /** How long to wait until something is ready; `undefined`: not at all. */
  readonly timeoutMs?: number | undefined;
  /** After a step was won, at the same time as what is written then. */
  beside(step: string): Promise<unknown>;
  /** Told once, before the first pause. */
  onWaiting?(): void;
  /** After each look: whoever waits is alive. */
  onLook(): Promise<unknown>;
}

export interface NextClaim {
  readonly step: string;
  readonly won: WonClaim;
}

/**
 * Wins one of the steps that are ready: the first by priority, and any of equals, so that many who ask at once do not all try the
 * same. If there is none: `TimedOutError` while others work at what it waits for, `BlockedError` if only blocked ones are left,
 * `NotFoundError` if all is done.
 */
export async function claimNext(
  context: CoordinationContext,
  holders: HolderFiles,
  request: NextRequest,
): Promise<NextClaim> {
  const { clock } = context;
  const pauses = growingPauses(
    () => clock.monotonic(),
    (ms) => clock.sleep(ms),
    request.timeoutMs ?? 0,
  );
  for (;;) {
    const board = await readBoard(context);
    const next = await winOne(context, holders, board, request);
    if (next !== undefined) return next;
    const nothing = nothingReady(board, context.agent, request);
    if (!(nothing instanceof TimedOutError) || pauses.leftMs() <= 0) throw nothing;
    if (pauses.isFirst()) request.onWaiting?.();
    await request.onLook();
    await pauses.pause();
  }
}

async function winOne(
  context: CoordinationContext,
  holders: HolderFiles,
  board: Board,
  request: NextRequest,
): Promise<NextClaim | undefined> {
  const ready = board.steps.filter((one) => isFor(one, context.agent, request) && one.isReady);
  for (const { step } of inOrder(ready)) {
    const result = await acquire(context, holders, {
      step,
      ttlMs: request.ttlMs,
      reopen: false,
      isWaiting: true,
      beside: async (outcome) => (outcome === 'claimed' ? request.beside(step) : undefined),
    });
    if (result.outcome === 'claimed') return { step, won: result };
  }
  return undefined;
}

function isFor(
  { planned }: BoardStep,
  agent: string,
  { priority = 9 }: Pick<NextRequest, 'priority'>,
): boolean {
  return planned.priority <= priority && (planned.assign === null || planned.assign === agent);
}

function inOrder(ready: readonly BoardStep[]): BoardStep[] {
  return ready
    .map((one) => ({ one, random: Math.random() }))
    .sort(
      (left, right) =>
        left.one.planned.priority - right.one.planned.priority || left.random - right.random,
    )
    .map(({ one }) => one);
}

function nothingReady(
  { steps }: Board,
  agent: string,
  request: NextRequest,
): TimedOutError | BlockedError | NotFoundError {
  const open = steps.filter(({ view }) => view?.status !== 'complete');
  const mine = open.filter((one) => isFor(one, agent, request));
  if (mine.length === 0) {
    return new NotFoundError(steps.length === 0 ? 'no steps are planned' : 'all steps are done', {
      hint: 'See "tracecraft steps --graph"; "tracecraft step add" plans more.',
    });
  }
  const isStuck = ({ view, blockedBy }: BoardStep): boolean =>
    view?.status === 'blocked' || blockedBy !== undefined;
  const blocked = mine.find(isStuck);
  if (blocked !== undefined && mine.every(isStuck)) {
    const by = blocked.blockedBy ?? blocked.step;
    return new BlockedError(`nothing is ready: what is left waits for blocked step ${by}`, {
      hint: `See "tracecraft handoff ${by}".`,
    });
  }
  return new TimedOutError('nothing is ready: others are at work on what is needed first', {
    hint: 'Wait for it with --wait, or see "tracecraft steps --graph".',
  });
}
