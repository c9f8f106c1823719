import * as v from 'valibot';
import type { Fork, Spawn } from './conversation.js';
import { forkIn, type Place, spawnIn } from './place.js';
import type { RowReading, Tell } from './row.js';
import { joinedTallies, type Tally } from './tally.js';
import { named, type TitleCandidates, titleIn, withCommand, withName } from './titles.js';

/** The state kept of one harness's rows to count turns: bounded, however many rows there are. */
export interface TurnCounter {
  row(value: unknown, line: number): RowReading;
  /** Plain JSON, from which another counter can resume. */
  state(): unknown;
  tallies(): { readonly own: Tally; readonly inherited: Tally };
  /** What the rows say taken together rather than one by one. */
  tells(): readonly Tell[];
  readonly isSubagent: boolean;
}

const outlineSchema = v.object({
  v: v.literal(1),
  rows: v.number(),
  titles: v.object({
    named: v.exactOptional(v.string()),
    called: v.exactOptional(v.string()),
    command: v.exactOptional(v.string()),
  }),
  spawnedBy: v.exactOptional(
    v.object({
      session: v.string(),
      stream: v.exactOptional(v.string()),
      callId: v.exactOptional(v.string()),
    }),
  ),
  forkedFrom: v.exactOptional(
    v.object({ session: v.string(), rowId: v.exactOptional(v.string()) }),
  ),
  lastAtMs: v.exactOptional(v.number()),
  counter: v.unknown(),
});

/** The state an outline resumes from. Plain JSON. */
export type OutlineState = v.InferOutput<typeof outlineSchema>;

/** A summary of a conversation. */
export interface Outline {
  readonly rows: number;
  readonly title?: string;
  /** The last own prompt, on one line. */
  readonly lastPrompt?: string;
  /** Own prompts, and turns started by them or by something else. */
  readonly prompts: number;
  readonly turns: number;
  readonly inheritedTurns: number;
  /** First lines of the last turns, ascending, inherited ones included. */
  readonly turnStarts: readonly number[];
  /** The time of its newest row. */
  readonly lastAtMs?: number;
  readonly isSubagent: boolean;
  readonly spawnedBy?: Spawn;
  readonly forkedFrom?: Fork;
}

/**
 * Title, last prompt and number of turns of a stream, updated row by row in little space so that
 * they can be stored with a checkpoint. They match those of the whole conversation, except for what
 * only other sessions say.
 */
export class OutlineFold {
  readonly #place: Place;
  readonly #counter: TurnCounter;
  #rows = 0;
  #titles: TitleCandidates = {};
  #spawnedBy: Spawn | undefined;
  #forkedFrom: Fork | undefined;
  #lastAtMs: number | undefined;

  constructor(place: Place, counter: TurnCounter, from?: OutlineState) {
    this.#place = place;
    this.#counter = counter;
    if (from === undefined) return;
    this.#rows = from.rows;
    this.#titles = from.titles;
    this.#spawnedBy = from.spawnedBy;
    this.#forkedFrom = from.forkedFrom;
    this.#lastAtMs = from.lastAtMs;
  }

  /**
   * Takes the next line, without its newline, and returns what it says. Never fails: `undefined` if
   * it cannot be read.
   */
  row(line: string, number: number): RowReading | undefined {
    return this.take(parsedLine(line), number);
  }

  /** The same for a line that was parsed already; `undefined` stands for one that is not JSON. */
  take(value: unknown, number: number): RowReading | undefined {
    this.#rows += 1;
    if (value === undefined) return undefined;
    let reading: RowReading;
    try {
      reading = this.#counter.row(value, number);
    } catch {
      return undefined;
    }
    const { atMs } = reading;
    if (atMs !== undefined) this.#lastAtMs = Math.max(this.#lastAtMs ?? atMs, atMs);
    for (const piece of reading.pieces) {
      if (piece.kind !== 'command') continue;
      this.#titles = withCommand(this.#titles, piece.name, piece.args);
    }
    for (const tell of reading.tells) {
      if (tell.kind === 'title') this.#titles = withName(this.#titles, tell);
      else if (tell.kind === 'spawn') this.#spawnedBy = tell.by;
      else if (tell.kind === 'fork') this.#forkedFrom = tell.from;
    }
    return reading;
  }

  /** Turns so far, inherited ones included. */
  get turns(): number {
    const { own, inherited } = this.#counter.tallies();
    return own.turns + inherited.turns;
  }

  state(): OutlineState {
    return {
      v: 1,
      rows: this.#rows,
      titles: this.#titles,
      ...(this.#spawnedBy === undefined ? {} : { spawnedBy: this.#spawnedBy }),
      ...(this.#forkedFrom === undefined ? {} : { forkedFrom: this.#forkedFrom }),
      ...(this.#lastAtMs === undefined ? {} : { lastAtMs: this.#lastAtMs }),
      counter: this.#counter.state(),
    };
  }

  outline(): Outline {
    const { own, inherited } = this.#counter.tallies();
    const tells = this.#counter.tells();
    const title = this.#title(own, inherited, tells);
    const spawnedBy = spawnIn(this.#place, tells) ?? this.#spawnedBy;
    const forkedFrom = forkIn(tells) ?? this.#forkedFrom;
    return {
      rows: this.#rows,
      ...(title === undefined ? {} : { title }),
      ...(own.last === undefined ? {} : { lastPrompt: own.last }),
      prompts: own.prompts,
      turns: own.turns,
      inheritedTurns: inherited.turns,
      turnStarts: joinedTallies(inherited, own).starts,
      ...(this.#lastAtMs === undefined ? {} : { lastAtMs: this.#lastAtMs }),
      isSubagent: this.#counter.isSubagent,
      ...(spawnedBy === undefined ? {} : { spawnedBy }),
      ...(forkedFrom === undefined ? {} : { forkedFrom }),
    };
  }

  #title(own: Tally, inherited: Tally, tells: readonly Tell[]): string | undefined {
    const { spawned } = this.#place;
    const task = spawned?.description ?? own.task;
    return titleIn({
      ...named(this.#titles, tells, this.#place),
      ...(own.first === undefined ? {} : { own: own.first }),
      ...(inherited.first === undefined ? {} : { inherited: inherited.first }),
      ...(task === undefined ? {} : { task }),
    });
  }
}

/** `undefined` for what is not JSON. */
export function parsedLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** A saved state; `undefined` if the value is not one. */
export function outlineState(value: unknown): OutlineState | undefined {
  const result = v.safeParse(outlineSchema, value);
  return result.success ? result.output : undefined;
}
