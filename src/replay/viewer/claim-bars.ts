import type { Entries } from './entries.js';

export type BarEnd =
  | 'complete'
  | 'blocked'
  | 'needs_review'
  | 'released'
  | 'taken over'
  | 'expired'
  | 'held';

/** A claim from start to end. */
export interface ClaimBar {
  readonly step: string;
  readonly agent: string | undefined;
  /** The entry that started it. */
  readonly entry: number;
  /** The entry that ended it, if one did. */
  readonly endEntry: number | undefined;
  readonly fromMs: number;
  readonly toMs: number;
  readonly end: BarEnd;
}

const ends: Readonly<Record<string, BarEnd>> = {
  'step.completed': 'complete',
  'step.blocked': 'blocked',
  'step.needs_review': 'needs_review',
  'step.released': 'released',
};

/** `expiries`: milliseconds at which unfinished claims expired, by step; `nowMs`: where the other claims end. */
export function claimBars(
  entries: Entries,
  expiries: Readonly<Record<string, number>>,
  nowMs: number,
): readonly ClaimBar[] {
  const bars: ClaimBar[] = [];
  const open = new Map<string, number>();
  const close = (step: string, toMs: number, end: BarEnd, endEntry?: number): void => {
    const entry = open.get(step);
    if (entry === undefined) return;
    open.delete(step);
    bars.push({
      step,
      agent: entries.agent(entry),
      entry,
      endEntry,
      fromMs: entries.timeMs(entry),
      toMs,
      end,
    });
  };
  for (let index = 0; index < entries.count; index += 1) {
    const [step, type, ms] = [entries.step(index), entries.type(index), entries.timeMs(index)];
    if (step === undefined) continue;
    const end = Object.hasOwn(ends, type) ? ends[type] : undefined;
    if (end !== undefined) close(step, ms, end, index);
    if (type !== 'step.claimed' && type !== 'step.taken_over') continue;
    close(step, ms, 'taken over');
    open.set(step, index);
  }
  for (const step of [...open.keys()]) {
    const expiry = Object.hasOwn(expiries, step) ? expiries[step] : undefined;
    if (expiry === undefined) close(step, nowMs, 'held');
    else close(step, expiry, 'expired');
  }
  return bars.sort((left, right) => left.fromMs - right.fromMs);
}
