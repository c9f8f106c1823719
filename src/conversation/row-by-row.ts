import * as v from 'valibot';
import type { Fork } from './conversation.js';
import type { RowReader } from './fold.js';
import type { TurnCounter } from './outline.js';
import type { Place } from './place.js';
import { createReader, type Reader } from './reader.js';
import type { PlacedRow, RowReading, Tell } from './row.js';
import { noTurns, type Tally, tallySchema, withTurn } from './tally.js';

/** A row that can be read without the others, apart from its place among them. */
export interface LoneRow extends RowReading {
  /** Where the session was forked from; in its header, or in a row that was copied. */
  readonly fork?: Fork;
  readonly isSubagent?: true;
  /** Copied from the session that this one was forked from. */
  readonly isCopy?: true;
  /** The row before it, where rows form a tree; `null` at the root. */
  readonly parentId?: string | null;
  /** The sub-agent that it belongs to, where sub-agents write into their session's stream. */
  readonly agent?: string;
  /** This many prompts, the last ones, were taken back, with everything after them. */
  readonly takesBack?: number;
}

export interface LoneRowRules {
  /** `place` is missing where a row is read by itself, for search. */
  readonly read: (row: unknown, place?: Place) => LoneRow;
  /** Rows of this name are known to be bookkeeping. */
  readonly isBookkeeping: (name: string) => boolean;
  readonly needsWhole?: true;
  /** It cuts off the beginning of a transcript that grew long. */
  readonly dropsBeginnings?: true;
  /** Whether a stream is a sub-agent's. */
  readonly isAgent?: (stream: string) => boolean;
}

interface Lined {
  readonly row: LoneRow;
  readonly line: number;
}

/** A reader for transcripts whose rows can be read one by one. */
export function rowByRowReader(harness: string, rules: LoneRowRules): Reader {
  return createReader(harness, {
    rows: (place) => new LoneRows(place, rules),
    turns: (place) => new LoneTurns(place, rules),
    resumedTurns: (place, state) => LoneTurns.resumed(place, rules, state),
    read: (row) => rules.read(row),
    isBookkeeping: rules.isBookkeeping,
    ...(rules.needsWhole === undefined ? {} : { needsWhole: rules.needsWhole }),
    ...(rules.dropsBeginnings === undefined ? {} : { dropsBeginnings: rules.dropsBeginnings }),
  });
}

class LoneRows implements RowReader {
  readonly #place: Place;
  readonly #rules: LoneRowRules;
  readonly #rows: Lined[] = [];
  #isFork = false;
  #isSubagent: boolean;

  constructor(place: Place, rules: LoneRowRules) {
    this.#place = place;
    this.#rules = rules;
    this.#isSubagent = rules.isAgent?.(place.stream) === true;
  }

  get isSubagent(): boolean {
    return this.#isSubagent;
  }

  row(value: unknown, line: number): void {
    const row = this.#rules.read(value, this.#place);
    this.#rows.push({ row, line });
    if (row.fork !== undefined) this.#isFork = true;
    if (row.isSubagent) this.#isSubagent = true;
  }

  rows(): readonly PlacedRow[] {
    const abandoned = abandonedRows(this.#rows);
    return inReadingOrder(this.#rows).map(({ row, line }) => {
      const { name, atMs, id, pieces, isState } = row;
      return {
        name,
        atMs,
        id,
        pieces,
        ...(isState === undefined ? {} : { isState }),
        tells: tellsOf(row),
        lines: [line],
        isInherited: isInherited(row, this.#isFork, this.#place),
        isAbandoned: abandoned.has(row),
      };
    });
  }
}

function tellsOf({ tells, fork }: LoneRow): readonly Tell[] {
  return fork === undefined ? tells : [...tells, { kind: 'fork', from: fork }];
}

function isInherited({ isCopy, id }: LoneRow, isFork: boolean, { parentRowIds }: Place): boolean {
  return isCopy === true || (isFork && id !== undefined && parentRowIds?.has(id) === true);
}

/** Sub-agents run side by side: each is read in one piece, after the turn that started it. */
function inReadingOrder(rows: readonly Lined[]): readonly Lined[] {
  if (rows.every(({ row }) => row.agent === undefined)) return rows;
  const ordered: Lined[] = [];
  const agents = new Map<string, Lined[]>();
  const flush = (): void => {
    for (const own of agents.values()) ordered.push(...own);
    agents.clear();
  };
  for (const one of rows) {
    const { agent } = one.row;
    if (agent === undefined) {
      if (opensTurn(one.row)) flush();
      ordered.push(one);
      continue;
    }
    const own = agents.get(agent);
    if (own === undefined) agents.set(agent, [one]);
    else own.push(one);
  }
  flush();
  return ordered;
}

function opensTurn({ pieces }: LoneRow): boolean {
  return pieces.some(({ kind }) => kind === 'prompt');
}

function abandonedRows(rows: readonly Lined[]): ReadonlySet<LoneRow> {
  const abandoned = new Set<LoneRow>(leftBranches(rows));
  const starts: number[] = [];
  for (const [index, { row }] of rows.entries()) {
    if (opensTurn(row)) starts.push(index);
    const count = Math.min(row.takesBack ?? 0, starts.length);
    if (count <= 0) continue;
    const [start = index] = starts.splice(starts.length - count);
    for (const one of rows.slice(start, index)) abandoned.add(one.row);
  }
  return abandoned;
}

/**
 * Rows of a tree that are not on the path from the last thing said back to the root. A path that is broken, by damage or by a
 * missing row, decides nothing.
 */
function* leftBranches(rows: readonly Lined[]): Generator<LoneRow> {
  const byId = new Map<string, LoneRow>();
  for (const { row } of rows) {
    if (row.id !== undefined && row.parentId !== undefined) byId.set(row.id, row);
  }
  const isLeaf = ({ row }: Lined): boolean =>
    row.id !== undefined && row.parentId !== undefined && row.pieces.length > 0;
  const last = rows.findLast(isLeaf)?.row;
  const path = new Set<LoneRow>();
  let isWhole = false;
  for (let at = last; at !== undefined && !path.has(at); ) {
    path.add(at);
    isWhole = at.parentId === null;
    at = byId.get(at.parentId ?? '');
  }
  if (!isWhole) return;
  const reaches = new Map<LoneRow, boolean>([...path].map((row) => [row, true]));
  for (const { row } of rows) {
    if (row.parentId === undefined || row.id === undefined || path.has(row)) continue;
    if (reachesRoot(row, byId, reaches)) yield row;
  }
}

/** Whether a row's own path is unbroken. Results are kept: branches are long. */
function reachesRoot(
  start: LoneRow,
  byId: ReadonlyMap<string, LoneRow>,
  reaches: Map<LoneRow, boolean>,
): boolean {
  const way: LoneRow[] = [];
  const seen = new Set<LoneRow>();
  let found = false;
  for (let at: LoneRow | undefined = start; at !== undefined && !seen.has(at); ) {
    const known = reaches.get(at);
    if (known !== undefined || at.parentId === null) {
      found = known ?? true;
      break;
    }
    seen.add(at);
    way.push(at);
    at = byId.get(at.parentId ?? '');
  }
  for (const row of [...way, start]) reaches.set(row, found);
  return found;
}

const stateSchema = v.object({
  isFork: v.boolean(),
  isSubagent: v.boolean(),
  own: tallySchema,
  inherited: tallySchema,
  key: v.exactOptional(v.string()),
});
type State = v.InferOutput<typeof stateSchema>;

/** Counts the turns of a session. What a fork inherits is known only if its parent's rows are available. */
class LoneTurns implements TurnCounter {
  readonly #place: Place;
  readonly #rules: LoneRowRules;
  #state: State;

  constructor(place: Place, rules: LoneRowRules, from?: State) {
    this.#place = place;
    this.#rules = rules;
    const isSubagent = rules.isAgent?.(place.stream) === true;
    this.#state = from ?? { isFork: false, isSubagent, own: noTurns, inherited: noTurns };
  }

  static resumed(place: Place, rules: LoneRowRules, state: unknown): LoneTurns | undefined {
    const result = v.safeParse(stateSchema, state);
    return result.success ? new LoneTurns(place, rules, result.output) : undefined;
  }

  get isSubagent(): boolean {
    return this.#state.isSubagent;
  }

  row(value: unknown, line: number): RowReading {
    const row = this.#rules.read(value, this.#place);
    const state = { ...this.#state };
    this.#state = state;
    if (row.fork !== undefined) state.isFork = true;
    if (row.isSubagent) state.isSubagent = true;
    for (const piece of row.pieces) {
      if (piece.kind !== 'prompt' || (piece.key !== undefined && piece.key === state.key)) continue;
      if (piece.key !== undefined) state.key = piece.key;
      const isTheirs = isInherited(row, state.isFork, this.#place);
      if (isTheirs) state.inherited = withTurn(state.inherited, line, piece);
      else state.own = withTurn(state.own, line, piece);
    }
    return { ...row, tells: tellsOf(row) };
  }

  state(): State {
    return this.#state;
  }

  tallies(): { readonly own: Tally; readonly inherited: Tally } {
    return { own: this.#state.own, inherited: this.#state.inherited };
  }

  tells(): readonly Tell[] {
    return [];
  }
}
