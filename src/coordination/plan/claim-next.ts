import { BlockedError, NotFoundError, TimedOutError } from '../../errors.js';
import type { DocumentError } from '../../protocol/documents.js';
import { acquire, type ClaimRequest, type WonClaim } from '../claims/claims.js';
import type { HolderFiles } from '../claims/holder-files.js';
import type { CoordinationContext } from '../context.js';
import { growingPauses } from '../pauses.js';
import { type Board, type BoardStep, isClaimable, readBoard } from './board.js';

export interface NextRequest extends Pick<ClaimRequest, 'ttlMs'> {
  /** Only steps of this priority or a higher one. */
  readonly priority?: number | undefined;
  /** How long to wait for a step to become ready; `undefined`: not at all. */
  readonly timeoutMs?: number | undefined;
  /** Runs after a step was won, alongside the writes that follow. */
  alongside(step: string): Promise<unknown>;
  /** Called once, before the first pause. */
  onWaiting?(): void;
  /** Called after each check: whoever waits is alive. */
  onLook(): Promise<unknown>;
}

export interface NextClaim {
  readonly step: string;
  readonly won: WonClaim;
  /** As it was when the step was found ready. */
  readonly plan: Board['plan'];
}

/**
 * Claims one of the ready steps: the first by priority, at random among equals, so that many
 * simultaneous callers do not all try the same one. If there is none: `TimedOutError` while others
 * work on its needs, `BlockedError` if only blocked steps are left, `NotFoundError` if everything
 * is done, `DocumentError` if nobody is at work and a claim cannot be read.
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
      alongside: async (outcome) => (outcome === 'claimed' ? request.alongside(step) : undefined),
    });
    if (result.outcome === 'claimed') return { step, won: result, plan: board.plan };
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

function nothingLeft(steps: readonly BoardStep[], open: readonly BoardStep[]): string {
  if (steps.length === 0) return 'no steps are planned';
  if (open.length === 0) return 'all steps are done';
  return 'nothing is left for you: the rest is assigned to others, or of a lower priority';
}

function nothingReady(
  { steps }: Board,
  agent: string,
  request: NextRequest,
): TimedOutError | BlockedError | NotFoundError | DocumentError {
  const open = steps.filter(({ view }) => view?.status !== 'complete');
  const mine = open.filter((one) => isFor(one, agent, request));
  if (mine.length === 0) {
    return new NotFoundError(nothingLeft(steps, open), {
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
  const unreadable = open.find((one) => one.unreadable !== undefined)?.unreadable;
  if (unreadable !== undefined && open.every(({ view }) => isClaimable(view))) return unreadable;
  const own = steps.find(({ view }) => view?.status === 'in_progress' && view.agent === agent);
  if (own !== undefined) {
    return new TimedOutError(`nothing else is ready, and you hold step ${own.step}`, {
      hint: `End it with "tracecraft complete ${own.step}", or wait for others with --wait.`,
    });
  }
  return new TimedOutError('nothing is ready: others are at work on what is needed first', {
    hint: 'Wait for it with --wait, or see "tracecraft steps --graph".',
  });
}
