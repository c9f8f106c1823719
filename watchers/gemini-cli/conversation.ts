import * as v from 'valibot';
import { type Fields, fields, list, text, word } from '../../src/conversation/fields.js';
import type { RowReader } from '../../src/conversation/fold.js';
import type { TurnCounter } from '../../src/conversation/outline.js';
import type { Place } from '../../src/conversation/place.js';
import { createReader, type Reader } from '../../src/conversation/reader.js';
import { noted, type PlacedRow, type RowReading, type Tell } from '../../src/conversation/row.js';
import {
  noTurns,
  printOf,
  type Tally,
  tallySchema,
  withTurn,
} from '../../src/conversation/tally.js';
import { readMessage } from './conversation/messages.js';

interface Told {
  /** Of its own records. */
  readonly lines: number[];
  /** Of the copy of the whole history in which it first appeared, if that came before any record of its own. */
  readonly copiedAt: number | undefined;
  value: Fields;
}

interface Noted {
  readonly reading: RowReading;
  readonly line: number;
}

/**
 * The file is only appended to; its meaning is a fold. A message is recorded again when it changes, `$set` may repeat or
 * replace the whole history, and `$rewindTo` takes back a message and all that follow. What is not part of the history
 * any more was abandoned.
 */
class GeminiRows implements RowReader {
  readonly isSubagent: boolean;
  readonly #told = new Map<string, Told>();
  readonly #noted: Noted[] = [];
  #history = new Set<string>();

  constructor({ stream }: Place) {
    this.isSubagent = isAgent(stream);
  }

  row(value: unknown, line: number): void {
    const row = fields(value);
    const id = messageId(row);
    if (id !== undefined) {
      this.#record(id, row, line);
      return;
    }
    this.#noted.push({ reading: readRecord(row), line });
    const { messages } = fields(row.$set);
    if (Array.isArray(messages)) this.#replace(messages.map(fields), line);
    this.#rewind(word(row.$rewindTo));
  }

  rows(): readonly PlacedRow[] {
    const rows: PlacedRow[] = [];
    const spoken = new Set<number>();
    for (const [id, { value, lines, copiedAt }] of this.#told) {
      const reading = readMessage(value);
      const isSpoken = reading.pieces.length > 0;
      if (isSpoken && copiedAt !== undefined) spoken.add(copiedAt);
      const own = isSpoken && copiedAt !== undefined ? [copiedAt, ...lines] : lines;
      if (own.length > 0) rows.push(placed(reading, own, !this.#history.has(id)));
    }
    for (const { reading, line } of this.#noted) {
      // A copy in which something appears first is part of the conversation; what else it says still counts.
      const isCounted = !spoken.has(line);
      if (isCounted || reading.tells.length > 0)
        rows.push(placed(reading, isCounted ? [line] : [], false));
    }
    return rows;
  }

  #record(id: string, value: Fields, line: number): void {
    this.#history.add(id);
    const known = this.#told.get(id);
    if (known === undefined) {
      this.#told.set(id, { lines: [line], copiedAt: undefined, value });
      return;
    }
    known.lines.push(line);
    known.value = value;
  }

  #replace(messages: readonly Fields[], line: number): void {
    this.#history = new Set();
    for (const message of messages) {
      const id = messageId(message);
      if (id === undefined) continue;
      this.#history.add(id);
      if (!this.#told.has(id)) this.#told.set(id, { lines: [], copiedAt: line, value: message });
    }
  }

  #rewind(to: string | undefined): void {
    if (to === undefined || !this.#history.has(to)) return;
    const history = [...this.#history];
    this.#history = new Set(history.slice(0, history.indexOf(to)));
  }
}

function placed(reading: RowReading, lines: readonly number[], isAbandoned: boolean): PlacedRow {
  return { ...reading, lines, isInherited: false, isAbandoned };
}

function messageId(row: Fields): string | undefined {
  return row.type === undefined ? undefined : word(row.id);
}

/** Any record by itself. */
function readRecord(value: unknown): RowReading {
  const row = fields(value);
  if (messageId(row) !== undefined) return readMessage(row);
  const none = { atMs: undefined, id: undefined };
  if (row.type === 'tool-output') return noted('tool-output', none);
  if (row.$rewindTo !== undefined) return noted('$rewindTo', none);
  if (row.$set === undefined) return noted(row.sessionId === undefined ? 'row' : 'header', none);
  const summary = text(fields(row.$set).summary);
  const tells: readonly Tell[] =
    summary === undefined ? [] : [{ kind: 'title', by: 'harness', text: summary }];
  return noted('$set', none, tells);
}

const stateSchema = v.object({ own: tallySchema, seen: v.array(v.string()) });
type State = v.InferOutput<typeof stateSchema>;

/** Counts each user's message once, however often the history repeats it. */
class GeminiTurns implements TurnCounter {
  readonly isSubagent: boolean;
  readonly #seen: Set<string>;
  #own: Tally;

  constructor({ stream }: Place, from?: State) {
    this.isSubagent = isAgent(stream);
    this.#own = from?.own ?? noTurns;
    this.#seen = new Set(from?.seen);
  }

  static resumed(place: Place, state: unknown): GeminiTurns | undefined {
    const result = v.safeParse(stateSchema, state);
    return result.success ? new GeminiTurns(place, result.output) : undefined;
  }

  row(value: unknown, line: number): RowReading {
    const row = fields(value);
    for (const message of [row, ...list(fields(row.$set).messages).map(fields)]) {
      this.#count(message, line);
    }
    return readRecord(value);
  }

  state(): State {
    return { own: this.#own, seen: [...this.#seen] };
  }

  tallies(): { readonly own: Tally; readonly inherited: Tally } {
    return { own: this.#own, inherited: noTurns };
  }

  tells(): readonly Tell[] {
    return [];
  }

  #count(message: Fields, line: number): void {
    const id = messageId(message);
    if (id === undefined || message.type !== 'user' || this.#seen.has(printOf(id))) return;
    const prompt = readMessage(message).pieces.find((piece) => piece.kind === 'prompt');
    if (prompt?.kind !== 'prompt') return;
    this.#seen.add(printOf(id));
    this.#own = withTurn(this.#own, line, prompt);
  }
}

function isAgent(stream: string): boolean {
  return stream.startsWith('agents/');
}

const bookkeeping: ReadonlySet<string> = new Set([
  '$rewindTo',
  '$set',
  'header',
  'message gemini',
  'message user',
]);

/** Gemini CLI's records as conversations. */
export const geminiCliReader: Reader = createReader('gemini-cli', {
  rows: (place) => new GeminiRows(place),
  turns: (place) => new GeminiTurns(place),
  resumedTurns: (place, state) => GeminiTurns.resumed(place, state),
  read: readRecord,
  needsWhole: true,
  isBookkeeping: (name) => bookkeeping.has(name),
});
