import { fields, word } from '../../src/conversation/fields.js';
import type { RowReader } from '../../src/conversation/fold.js';
import { createReader, type Reader } from '../../src/conversation/reader.js';
import { noted, type PlacedRow, type RowReading } from '../../src/conversation/row.js';
import { OpenCodeTurns } from './conversation/outline.js';
import {
  isPromptText,
  messageReading,
  type OpenCodeState,
  ownMessage,
  partReading,
  readState,
  sessionTells,
} from './conversation/rows.js';

/** A row of the database, with the lines that recorded its states. */
interface Told {
  readonly lines: number[];
  state: OpenCodeState;
  isDeleted: boolean;
}

const unknown = { isUser: false, isSummary: false, model: undefined };

/** The rows of one session, each as it was last seen: those deleted since were taken back. */
class OpenCodeRows implements RowReader {
  readonly #messages = new Map<string, Told>();
  readonly #parts = new Map<string, Told>();
  readonly #others: PlacedRow[] = [];
  #session: Told | undefined;

  get isSubagent(): boolean {
    return word(this.#session?.state.row.parent_id) !== undefined;
  }

  row(value: unknown, line: number): void {
    const state = readState(value);
    if (state.table === 'session') this.#session = seen(this.#session, state, line);
    else if (state.table === 'row' || state.id === '') {
      const reading = noted('row', { atMs: undefined, id: undefined });
      this.#others.push(placed(reading, [line], false));
    } else {
      const rows = state.table === 'message' ? this.#messages : this.#parts;
      rows.set(state.id, seen(rows.get(state.id), state, line));
    }
  }

  rows(): readonly PlacedRow[] {
    const parts = new Map<string, Told[]>();
    for (const [, part] of inOrder(this.#parts)) {
      const owner = part.state.messageId ?? '';
      const own = parts.get(owner);
      if (own === undefined) parts.set(owner, [part]);
      else own.push(part);
    }
    const rows: PlacedRow[] = [];
    for (const [id, message] of inOrder(this.#messages)) {
      rows.push(...this.#message(id, message, parts.get(id) ?? []));
      parts.delete(id);
    }
    const orphans = [...parts.values()].flat().flatMap((part) => this.#part(part, unknown, true));
    return [...this.#stateRow(), ...rows, ...orphans, ...this.#others];
  }

  #message(id: string, message: Told, parts: readonly Told[]): readonly PlacedRow[] {
    const isGone = message.isDeleted || this.#isReverted(id);
    const own = ownMessage(message.state.data);
    const texts = own.isUser ? parts.filter(({ state }) => isPromptText(state)) : [];
    const [first, ...more] = texts;
    const rows: PlacedRow[] = [];
    for (const part of parts) {
      if (more.includes(part)) continue;
      rows.push(...this.#part(part === first ? joinedTexts(part, more) : part, own, isGone));
    }
    return [...rows, placed(messageReading(message.state), message.lines, isGone)];
  }

  #part(part: Told, own: ReturnType<typeof ownMessage>, isGone: boolean): readonly PlacedRow[] {
    const origin = this.isSubagent ? 'agent' : 'human';
    return [placed(partReading(part.state, own, origin), part.lines, isGone || part.isDeleted)];
  }

  /** While a revert can still be undone, everything from its message on waits to be deleted. */
  #isReverted(id: string): boolean {
    const from = word(fields(this.#session?.state.row.revert).messageID);
    return from !== undefined && id >= from;
  }

  #stateRow(): readonly PlacedRow[] {
    if (this.#session === undefined) return [];
    const { lines, state } = this.#session;
    const reading = noted('session', { atMs: undefined, id: undefined }, sessionTells(state.row));
    return [placed({ ...reading, isState: true }, lines, false)];
  }
}

/** What a deleted row held is known only from its states before. */
function seen(known: Told | undefined, state: OpenCodeState, line: number): Told {
  if (known === undefined) return { lines: [line], state, isDeleted: state.isDeleted };
  known.lines.push(line);
  if (!state.isDeleted) known.state = state;
  known.isDeleted = state.isDeleted;
  return known;
}

function inOrder(rows: ReadonlyMap<string, Told>): readonly (readonly [string, Told])[] {
  return [...rows].sort(([left], [right]) => (left < right ? -1 : 1));
}

/** A prompt may come in several texts. */
function joinedTexts(first: Told, more: readonly Told[]): Told {
  const { state } = first;
  const text = [first, ...more].map((one) => String(one.state.data.text)).join('\n');
  const lines = [first, ...more].flatMap((one) => one.lines);
  return { ...first, lines, state: { ...state, data: { ...state.data, text } } };
}

function placed(reading: RowReading, lines: readonly number[], isAbandoned: boolean): PlacedRow {
  return { ...reading, lines, isInherited: false, isAbandoned };
}

/** One line by itself: whose a text is, only its message tells. */
function readLine(value: unknown): RowReading {
  const state = readState(value);
  if (state.table === 'part') return partReading(state, unknown, 'human');
  if (state.table === 'message') return messageReading(state);
  return noted(state.table, { atMs: undefined, id: undefined });
}

const bookkeeping = /^(?:session$|message|part )/;

/** opencode's sessions as conversations. */
export const openCodeReader: Reader = createReader('opencode', {
  rows: () => new OpenCodeRows(),
  turns: () => new OpenCodeTurns(),
  resumedTurns: (_place, state) => OpenCodeTurns.resumed(state),
  read: readLine,
  needsWhole: true,
  isBookkeeping: (name) => bookkeeping.test(name),
});
