import type { Child, Conversation, Turn } from './conversation.js';
import { EntryAssembly } from './entries.js';
import { parsedLine } from './outline.js';
import { forkIn, type Place, spawnIn } from './place.js';
import { noted, type PlacedRow, type Tell } from './row.js';
import { named, type TitleCandidates, titleIn, withCommand, withPrompt } from './titles.js';
import { turnsOf } from './turns.js';

/** Interprets one harness's rows, one stream at a time. */
export interface RowReader {
  /** Takes the next row, parsed. */
  row(value: unknown, line: number): void;
  /** All rows so far, placed relative to one another, in reading order. */
  rows(): readonly PlacedRow[];
  /** The stream is a sub-agent's. */
  readonly isSubagent: boolean;
}

/** Builds a conversation row by row; the result so far is available at any time. */
export class ConversationFold {
  readonly #harness: string;
  readonly #place: Place;
  readonly #reader: RowReader;
  readonly #unread: PlacedRow[] = [];

  constructor(harness: string, place: Place, reader: RowReader) {
    this.#harness = harness;
    this.#place = place;
    this.#reader = reader;
  }

  /** Takes the next line, without its newline. Never fails: unreadable rows are counted. */
  row(line: string, number: number): void {
    this.take(parsedLine(line), number);
  }

  /** The same for a line that was parsed already; `undefined` stands for one that is not JSON. */
  take(value: unknown, number: number): void {
    if (value === undefined) {
      this.#unread.push(unread('not JSON', number));
      return;
    }
    try {
      this.#reader.row(value, number);
    } catch {
      // Too deeply nested to traverse.
      this.#unread.push(unread('not readable', number));
    }
  }

  state(): Conversation {
    const { session, stream } = this.#place;
    const rows = [...this.#reader.rows(), ...this.#unread];
    const assembly = new EntryAssembly();
    for (const row of rows) assembly.add(row);
    const { steps, bookkeeping } = assembly.finish();
    const turns = turnsOf(steps);
    const tells: Tell[] = [];
    const lines = new Set<number>();
    let stateRows = 0;
    for (const row of rows) {
      for (const tell of row.tells) tells.push(tell);
      for (const line of row.lines) lines.add(line);
      if (row.isState) stateRows += row.lines.length;
    }
    const title = titleIn(this.#candidates(turns, tells));
    return {
      harness: this.#harness,
      session,
      stream,
      ...(title === undefined ? {} : { title }),
      isSubagent: this.#reader.isSubagent,
      ...this.#lineage(tells),
      turns,
      bookkeeping,
      // Of some harnesses, one line may hold several rows.
      rows: lines.size,
      stateRows,
      children: childrenOf(tells),
    };
  }

  #candidates(turns: readonly Turn[], tells: readonly Tell[]): TitleCandidates {
    const task = this.#place.spawned?.description;
    let candidates = named(task === undefined ? {} : { task }, tells, this.#place);
    for (const { entries } of turns) {
      for (const entry of entries) {
        if (entry.kind === 'prompt') {
          candidates = withPrompt(candidates, entry, entry.isInherited === true);
        } else if (entry.kind === 'command') {
          candidates = withCommand(candidates, entry.name, entry.args);
        }
      }
    }
    return candidates;
  }

  #lineage(tells: readonly Tell[]): Pick<Conversation, 'spawnedBy' | 'forkedFrom'> {
    const spawnedBy = spawnIn(this.#place, tells);
    const forkedFrom = forkIn(tells);
    return {
      ...(spawnedBy === undefined ? {} : { spawnedBy }),
      ...(forkedFrom === undefined ? {} : { forkedFrom }),
    };
  }
}

function unread(name: string, line: number): PlacedRow {
  const row = noted(name, { atMs: undefined, id: undefined });
  return { ...row, lines: [line], isInherited: false, isAbandoned: false };
}

function childrenOf(tells: readonly Tell[]): readonly Child[] {
  const children = new Map<string, Child>();
  for (const tell of tells) if (tell.kind === 'child') children.set(tell.child.id, tell.child);
  return [...children.values()];
}
