import type { Entries } from './entries.js';

export type BarEnd =
  | 'complete'
  | 'blocked'
  | 'needs_review'
  | 'released'
  | 'taken over'
  | 'expired'
  | 'held'
  | 'planned';

/** A claim from start to end; or, with the end `planned`, a step from its plan to its first claim. */
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
  /** Of the review, if it had one. */
  readonly verdict?: 'approved' | 'rejected';
}

const ends: Readonly<Record<string, BarEnd>> = {
  'step.completed': 'complete',
  'step.blocked': 'blocked',
  'step.needs_review': 'needs_review',
  'step.released': 'released',
};

const verdicts: Readonly<Record<string, ClaimBar['verdict']>> = {
  'step.approved': 'approved',
  'step.rejected': 'rejected',
};

/** `expiries`: milliseconds at which unfinished claims expired, by step; `nowMs`: where the other claims end. */
export function claimBars(
  entries: Entries,
  expiries: Readonly<Record<string, number>>,
  nowMs: number,
): readonly ClaimBar[] {
  const bars = new Bars(entries);
  for (let index = 0; index < entries.count; index += 1) bars.add(index);
  return bars.closedAt(expiries, nowMs);
}

/** Those of the entries shown: a claim is hidden if its mark is filtered out. */
export function barsAmong(
  bars: readonly ClaimBar[],
  shown: readonly number[],
  entries: Entries,
): readonly ClaimBar[] {
  if (shown.length === entries.count) return bars;
  const present = new Set(shown);
  const steps = new Set(shown.map((index) => entries.step(index)));
  return bars.filter(({ entry, step }) => present.has(entry) || steps.has(step));
}

class Bars {
  readonly #entries: Entries;
  readonly #bars: ClaimBar[] = [];
  /** The entry that began what is still open, by step. */
  readonly #claimed = new Map<string, number>();
  readonly #planned = new Map<string, number>();
  /** The position of each step's last claim that ended. */
  readonly #last = new Map<string, number>();

  constructor(entries: Entries) {
    this.#entries = entries;
  }

  add(index: number): void {
    const [step, type] = [this.#entries.step(index), this.#entries.type(index)];
    if (step === undefined) return;
    const ms = this.#entries.timeMs(index);
    const end = Object.hasOwn(ends, type) ? ends[type] : undefined;
    if (end !== undefined) this.#close(step, ms, end, index);
    if (Object.hasOwn(verdicts, type)) this.#judge(step, verdicts[type]);
    if (type === 'step.planned') this.#plan(step, index);
    if (type === 'step.removed') this.#unplan(step, ms);
    if (type !== 'step.claimed' && type !== 'step.taken_over') return;
    this.#unplan(step, ms);
    this.#close(step, ms, 'taken over');
    this.#claimed.set(step, index);
  }

  closedAt(expiries: Readonly<Record<string, number>>, nowMs: number): readonly ClaimBar[] {
    for (const step of [...this.#claimed.keys()]) {
      const expiry = Object.hasOwn(expiries, step) ? expiries[step] : undefined;
      if (expiry === undefined) this.#close(step, nowMs, 'held');
      else this.#close(step, expiry, 'expired');
    }
    for (const step of [...this.#planned.keys()]) this.#unplan(step, nowMs);
    return this.#bars.sort((left, right) => left.fromMs - right.fromMs);
  }

  /** What was claimed before it was planned has a bar already. */
  #plan(step: string, index: number): void {
    if (!this.#claimed.has(step) && !this.#last.has(step)) this.#planned.set(step, index);
  }

  #unplan(step: string, toMs: number): void {
    const entry = this.#planned.get(step);
    if (entry === undefined) return;
    this.#planned.delete(step);
    this.#push({ step, entry, endEntry: undefined, toMs, end: 'planned' });
  }

  #close(step: string, toMs: number, end: BarEnd, endEntry?: number): void {
    const entry = this.#claimed.get(step);
    if (entry === undefined) return;
    this.#claimed.delete(step);
    this.#last.set(step, this.#bars.length);
    this.#push({ step, entry, endEntry, toMs, end });
  }

  #push(bar: Omit<ClaimBar, 'agent' | 'fromMs'>): void {
    const { entry } = bar;
    this.#bars.push({
      ...bar,
      agent: this.#entries.agent(entry),
      fromMs: this.#entries.timeMs(entry),
    });
  }

  #judge(step: string, verdict: ClaimBar['verdict']): void {
    const at = this.#last.get(step) ?? -1;
    const bar = this.#bars[at];
    if (bar?.end === 'needs_review' && verdict !== undefined) this.#bars[at] = { ...bar, verdict };
  }
}
