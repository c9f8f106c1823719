import type { PromptOrigin } from '../../src/conversation/conversation.js';
import type { RowReader } from '../../src/conversation/fold.js';
import { createReader, type Reader } from '../../src/conversation/reader.js';
import { noted, type Piece, type PlacedRow } from '../../src/conversation/row.js';
import { HermesTurns } from './conversation/outline.js';
import {
  type HermesMessage,
  type HermesSession,
  readMessage,
  readSession,
  rowOf,
  sessionTells,
} from './conversation/rows.js';

/** A row of the database, with the lines that recorded its states. */
interface Told {
  readonly lines: number[];
  value: unknown;
}

const nameOfState = 'session';
const nameOfUsage = 'usage';

/** The rows of one session, reduced to their current state and in the database's order. */
class HermesRows implements RowReader {
  readonly #messages = new Map<number, Told>();
  /** Messages that were written to a file while the database was unavailable. */
  readonly #unnumbered: Told[] = [];
  readonly #session: Told = { lines: [], value: undefined };
  readonly #usage: Told = { lines: [], value: undefined };

  get isSubagent(): boolean {
    return this.#about.isSubagent;
  }

  get #about(): HermesSession {
    return readSession(this.#session.value);
  }

  row(value: unknown, line: number): void {
    const of = rowOf(value);
    if (of === undefined) this.#unnumbered.push({ lines: [line], value });
    else if (of === 'session') add(this.#session, value, line);
    else if (of === 'usage') add(this.#usage, value, line);
    else {
      const known = this.#messages.get(of);
      if (known === undefined) this.#messages.set(of, { lines: [line], value });
      else add(known, value, line);
    }
  }

  rows(): readonly PlacedRow[] {
    const origin: PromptOrigin = this.isSubagent ? 'agent' : 'human';
    const numbered = [...this.#messages].sort(([left], [right]) => left - right);
    const messages = [...numbered.map(([, told]) => told), ...this.#unnumbered].map(
      ({ value, lines }) => ({ message: readMessage(value, origin), lines }),
    );
    const isCopied = copied(messages.map(({ message }) => message));
    const open: string[] = [];
    const placed = messages.map(({ message, lines }) => {
      if (isCopied(message)) {
        return place(noted(`${message.name} superseded`, message), lines, false);
      }
      const pieces = message.pieces.map((piece) => joinedTo(open, piece));
      return place({ ...message, pieces }, lines, isRewound(message));
    });
    return [...this.#stateRow(), ...placed, ...this.#usageRow()];
  }

  #usageRow(): readonly PlacedRow[] {
    const { lines } = this.#usage;
    if (lines.length === 0) return [];
    return [place({ ...noted(nameOfUsage, untimed), isState: true }, lines, false)];
  }

  #stateRow(): readonly PlacedRow[] {
    const { lines } = this.#session;
    if (lines.length === 0) return [];
    const tells = sessionTells(this.#about);
    const reading = noted(nameOfState, untimed, tells);
    return [place({ ...reading, isState: true }, lines, false)];
  }
}

const untimed = { atMs: undefined, id: undefined };

function add(told: Told, value: unknown, line: number): void {
  told.lines.push(line);
  told.value = value;
}

function place(
  reading: Omit<PlacedRow, 'lines' | 'isInherited' | 'isAbandoned'>,
  lines: readonly number[],
  isAbandoned: boolean,
): PlacedRow {
  const { name, atMs, id, pieces, tells, isState } = reading;
  const row = { name, atMs, id, pieces, tells, lines, isInherited: false, isAbandoned };
  return isState === undefined ? row : { ...row, isState };
}

/** Neither active nor compacted: rewound. */
function isRewound({ isActive, isCompacted }: HermesMessage): boolean {
  return !isActive && !isCompacted;
}

/** A compaction writes the surviving messages again and silently deactivates the old rows. */
function copied(messages: readonly HermesMessage[]): (message: HermesMessage) => boolean {
  const lastLive = new Map<string, number>();
  const places = new Map<HermesMessage, number>();
  for (const [index, message] of messages.entries()) {
    places.set(message, index);
    if (message.isActive && !message.isDeleted) lastLive.set(message.contentKey, index);
  }
  return (message) =>
    isRewound(message) &&
    (lastLive.get(message.contentKey) ?? -1) > (places.get(message) ?? Number.POSITIVE_INFINITY);
}

/** The oldest results do not name their call: they belong to the first one still open. */
function joinedTo(open: string[], piece: Piece): Piece {
  if (piece.kind === 'call' && piece.callId !== undefined) open.push(piece.callId);
  if (piece.kind !== 'result') return piece;
  const callId = piece.callId ?? open[0];
  const index = callId === undefined ? -1 : open.indexOf(callId);
  if (index !== -1) open.splice(index, 1);
  return { ...piece, callId };
}

/** Hermes' sessions as conversations. */
export const hermesReader: Reader = createReader('hermes', {
  rows: () => new HermesRows(),
  turns: () => new HermesTurns(),
  resumedTurns: (_place, state) => HermesTurns.resumed(state),
  read: (row) => {
    const of = rowOf(row);
    if (of === 'session') return noted(nameOfState, untimed);
    return of === 'usage' ? noted(nameOfUsage, untimed) : readMessage(row, 'human');
  },
  isBookkeeping: (name) =>
    name === nameOfState || name === nameOfUsage || /^message(?: |$)/.test(name),
});
