import type { Entry, Turn, TurnState } from './conversation.js';
import type { Draft } from './drafts.js';
import type { Step } from './entries.js';

interface OpenTurn {
  readonly id: string;
  readonly origin: Turn['origin'];
  readonly entries: Entry[];
  readonly isAbandoned: boolean;
  end: TurnState | undefined;
}

/**
 * Splits entries into turns: each starts with a prompt, with something else that wakes the model,
 * or after a boundary.
 */
export function turnsOf(steps: readonly Step[]): readonly Turn[] {
  const ids = new UniqueIds();
  const turns: OpenTurn[] = [];
  for (const step of steps) {
    const last = turns.at(-1);
    if (!('draft' in step)) {
      if (last !== undefined) last.end = step.end;
      continue;
    }
    const entry = finished(step.draft, ids.of(nameOf(step.draft, step.rowId)));
    const isAbandoned = entry.isAbandoned === true;
    // A branch abandoned in the middle of a turn is not part of what continues.
    const isApart = last !== undefined && last.isAbandoned !== isAbandoned;
    if (last !== undefined && !step.opens && !isApart) last.entries.push(entry);
    else {
      const origin = step.opens ? originOf(entry) : 'none';
      turns.push({ id: entry.id, origin, entries: [entry], isAbandoned, end: undefined });
    }
  }
  const live = turns.findLast(({ isAbandoned }) => !isAbandoned);
  return turns.map((turn, index) => closed(turn, index + 1, turn === live));
}

/** The draft itself becomes the entry. */
function finished(draft: Draft, id: string): Entry {
  const { rows } = draft;
  draft.id = id;
  if (rows.length < 2) return draft;
  const distinct = [...new Set(rows)].sort((left, right) => left - right);
  rows.splice(0, rows.length, ...distinct);
  return draft;
}

function originOf(entry: Entry): Turn['origin'] {
  if (entry.kind === 'prompt') return entry.origin;
  return entry.kind === 'notice' ? 'notification' : 'none';
}

function closed(
  { id, origin, entries, isAbandoned, end }: OpenTurn,
  number: number,
  isLive: boolean,
): Turn {
  const startedAtMs = entries.find(({ atMs }) => atMs !== undefined)?.atMs;
  const [first] = entries;
  return {
    id,
    number,
    origin,
    ...(startedAtMs === undefined ? {} : { startedAtMs, endedAtMs: latest(entries, startedAtMs) }),
    state: stateOf(entries, end, { isAbandoned, isLive }),
    isInherited: first?.isInherited === true,
    isAbandoned,
    entries,
  };
}

function latest(entries: readonly Entry[], startMs: number): number {
  return entries.reduce((endMs, { atMs = startMs }) => Math.max(endMs, atMs), startMs);
}

function stateOf(
  entries: readonly Entry[],
  end: TurnState | undefined,
  { isAbandoned, isLive }: { readonly isAbandoned: boolean; readonly isLive: boolean },
): TurnState {
  if (entries.some((one) => one.kind === 'notice' && one.notice === 'interruption')) {
    return 'interrupted';
  }
  const last = entries.findLast(({ kind }) => kind !== 'context' && kind !== 'part');
  if (last?.kind === 'notice' && failures.has(last.notice)) return 'failed';
  if (end !== undefined) return end;
  const isUnanswered = last !== undefined && isWaiting(last);
  if (isUnanswered && isAbandoned) return 'interrupted';
  return isUnanswered && isLive ? 'open' : 'done';
}

const failures: ReadonlySet<string> = new Set(['error', 'retries', 'refusal']);

/** Whether more will follow it. */
function isWaiting({ kind }: Entry): boolean {
  return kind === 'prompt' || kind === 'call' || kind === 'plan' || kind === 'thinking';
}

/** Gives every entry a unique id, the same whenever the same rows are read. */
class UniqueIds {
  /** With the highest suffix used for each. */
  readonly #taken = new Map<string, number>();

  of(wanted: string): string {
    let count = this.#taken.get(wanted);
    if (count === undefined) {
      this.#taken.set(wanted, 0);
      return wanted;
    }
    let id = wanted;
    while (this.#taken.has(id)) {
      count += 1;
      id = `${wanted}~${count + 1}`;
    }
    this.#taken.set(wanted, count);
    this.#taken.set(id, Math.max(0, this.#taken.get(id) ?? 0));
    return id;
  }
}

function nameOf(draft: Draft, rowId: string | undefined): string {
  switch (draft.kind) {
    case 'call':
    case 'plan':
    case 'result':
      if (draft.callId !== undefined) return draft.callId;
      break;
    case 'answer':
    case 'thinking':
      if (draft.responseId !== undefined) return `${draft.responseId} ${draft.kind}`;
  }
  return rowId ?? `line ${draft.rows[0] ?? 0}`;
}
