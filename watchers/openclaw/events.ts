import * as v from 'valibot';
import { messageOf, SourceError } from '../../src/errors.js';
import type { Chunk, FileSnapshot, Position, ReadLimit } from '../../src/mirror/stream.js';
import { hashOf } from '../files/line-window.js';
import { unpackWhole } from '../files/zstd-decoder.js';
import type { Reading } from '../sqlite/reading.js';
import type { Row } from '../sqlite/values.js';
import { lengthOf, Schema, type StoredSession } from './rows.js';

const eventCursorSchema = v.object({
  generation: v.string(),
  seq: v.pipe(v.number(), v.safeInteger()),
  tail: v.string(),
});
/**
 * What a position remembers: OpenClaw's own cursor (a generation of the transcript and the last event's number in it),
 * and a hash of that event. Kept on this machine only.
 */
type EventCursor = v.InferOutput<typeof eventCursorSchema>;

/** Where to continue, and how far. */
interface EventRange {
  readonly from: Position;
  readonly mark: EventCursor | undefined;
  readonly limit: ReadLimit;
}

interface Span {
  readonly after: number;
  readonly upTo: number;
}

interface Event {
  readonly seq: number;
  readonly line: Buffer;
}

/** The most rows to read together if no number of lines is requested. */
const mostRows = 16_384;
const firstPage = 256;
/** The most bytes that one packed event may unpack to. */
const largestEvent = 64 << 20;
/** And a whole transcript stored in one piece, which must fit into memory. */
const largestPiece = 256 << 20;
const newline = 0x0a;
const blank = 0x20;

export function eventCursorIn(from: Position): EventCursor | undefined | 'unreadable' {
  if (from.at === null) return undefined;
  const result = v.safeParse(eventCursorSchema, from.at);
  return result.success ? result.output : 'unreadable';
}

export function tokenOf({ generation, payload, lastSeq, count, bytes }: StoredSession): string {
  return [payload.kind, generation, lastSeq, count, bytes].join(':');
}

export function lookAt(held: StoredSession): FileSnapshot {
  return { token: tokenOf(held), size: held.bytes, modifiedAtMs: held.modifiedAtMs };
}

/** The next events of a session as lines; `place` names it if one cannot be unpacked. */
export class OpenClawEvents {
  readonly #reading: Reading;
  readonly #schema: Schema;
  readonly #held: StoredSession;
  readonly #place: string;

  constructor(reading: Reading, held: StoredSession, place: string) {
    this.#reading = reading;
    this.#schema = new Schema(reading);
    this.#held = held;
    this.#place = place;
  }

  read({ from, mark, limit }: EventRange): Chunk | 'moved' {
    if (mark !== undefined && !this.#holds(from, mark)) return 'moved';
    const after = mark?.seq ?? -1;
    const events = this.#events({ after, upTo: this.#lastFitting(after, limit) });
    const last = events.at(-1)?.seq ?? after;
    const lines = events.map(({ line }) => line);
    return chunkOf(this.#held, from, lines, last, last < this.#held.lastSeq);
  }

  /** Whether the event before a position is still there and unchanged, with as many before it. */
  #holds(from: Position, mark: EventCursor): boolean {
    const { generation, lastSeq, sessionId } = this.#held;
    if (mark.generation !== generation || mark.seq > lastSeq) return false;
    const [row] = this.#reading.all(
      'SELECT count(*) AS lines FROM transcript_events WHERE session_id = ? AND seq <= ?',
      sessionId,
      mark.seq,
    );
    if (Number(row?.lines) !== from.line) return false;
    const [event] = this.#events({ after: mark.seq - 1, upTo: mark.seq });
    return event !== undefined && hashOf(event.line) === mark.tail;
  }

  /** The number of the last event that fits, at least the next one; `after` if there is none. */
  #lastFitting(after: number, limit: ReadLimit): number {
    let last = after;
    let bytes = 0;
    let left = Math.max(1, limit.lines ?? mostRows);
    for (let page = firstPage; left > 0; page *= 4) {
      const wanted = Math.min(page, left);
      const rows = this.#reading.all(
        `SELECT seq, ${lengthOf(this.#schema)} + 1 AS bytes FROM transcript_events
         WHERE session_id = ? AND seq > ? ORDER BY seq LIMIT ?`,
        this.#held.sessionId,
        last,
        wanted,
      );
      for (const row of rows) {
        bytes += Number(row.bytes);
        if (last !== after && bytes > limit.bytes) return last;
        last = Number(row.seq);
      }
      if (rows.length < wanted) break;
      left -= wanted;
    }
    return last;
  }

  /** The events before one that cannot be unpacked; if that is the first, it fails. */
  #events({ after, upTo }: Span): readonly Event[] {
    const packed = this.#schema.has('transcript_events', 'event_zstd', 'event_utf8_bytes')
      ? 'event_zstd, event_utf8_bytes'
      : 'NULL AS event_zstd, NULL AS event_utf8_bytes';
    const rows = this.#reading.all(
      `SELECT seq, CAST(event_json AS BLOB) AS event_json, ${packed} FROM transcript_events
       WHERE session_id = ? AND seq > ? AND seq <= ? ORDER BY seq`,
      this.#held.sessionId,
      after,
      upTo,
    );
    const events: Event[] = [];
    for (const row of rows) {
      try {
        events.push({ seq: Number(row.seq), line: this.#lineOf(row) });
      } catch (error) {
        if (events.length === 0) throw error;
        break;
      }
    }
    return events;
  }

  /**
   * One event as a line. An event is JSON on one line; a line break that another program put between its values becomes
   * a blank, which means the same in JSON.
   */
  #lineOf({ seq, event_json: json, event_zstd: zstd, event_utf8_bytes: size }: Row): Buffer {
    const place = `event ${seq} of ${this.#place}`;
    const isPlain = json instanceof Uint8Array;
    const most = largestEvent;
    const text = unpacked(isPlain ? json : zstd, { isPacked: !isPlain, place, most });
    if (!isPlain && typeof size === 'number' && text.length !== size) {
      throw damaged(place, `${text.length} bytes where ${size} were packed`);
    }
    const line = Buffer.allocUnsafeSlow(text.length + 1);
    text.copy(line);
    line[text.length] = newline;
    for (let at = line.indexOf(newline); at < text.length; at = line.indexOf(newline, at + 1)) {
      line[at] = blank;
    }
    return line;
  }
}

/** The next lines of a transcript stored in one piece. */
export function readPiece(
  held: StoredSession,
  all: readonly Buffer[],
  { from, mark, limit }: EventRange,
): Chunk | 'moved' {
  if (mark !== undefined) {
    const before = all[from.line - 1];
    const isSame = mark.generation === held.generation && before !== undefined;
    if (!isSame || hashOf(before) !== mark.tail) return 'moved';
  }
  const lines: Buffer[] = [];
  let bytes = 0;
  for (const line of all.slice(from.line, from.line + Math.max(1, limit.lines ?? all.length))) {
    bytes += line.length;
    if (lines.length > 0 && bytes > limit.bytes) break;
    lines.push(line);
  }
  const end = from.line + lines.length;
  return chunkOf(held, from, lines, end - 1, end < all.length);
}

/** The lines of a transcript stored in one piece, each with its newline, even if the last one had none. */
export function linesIn(content: Buffer): readonly Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < content.length; ) {
    const end = content.indexOf(newline, start);
    if (end === -1) {
      lines.push(Buffer.concat([content.subarray(start), Buffer.from('\n')]));
      break;
    }
    lines.push(content.subarray(start, end + 1));
    start = end + 1;
  }
  return lines;
}

interface Packed {
  readonly isPacked: boolean;
  readonly place: string;
  /** The most bytes that it may unpack to. */
  readonly most?: number;
}

/** The content, unpacked if it was packed with zstd; fails with an error that names `place`. */
export function unpacked(bytes: unknown, { isPacked, place, most = largestPiece }: Packed): Buffer {
  if (!(bytes instanceof Uint8Array)) throw damaged(place, 'nothing is there');
  if (!isPacked) return bytesOf(bytes);
  try {
    return unpackWhole(bytes, most);
  } catch (error) {
    throw damaged(place, messageOf(error), error);
  }
}

function chunkOf(
  held: StoredSession,
  from: Position,
  lines: readonly Buffer[],
  seq: number,
  more: boolean,
): Chunk {
  const last = lines.at(-1);
  const { generation } = held;
  const next =
    last === undefined
      ? from
      : { line: from.line + lines.length, at: { generation, seq, tail: hashOf(last) } };
  const sourceBytes = lines.reduce((sum, line) => sum + line.length, 0);
  return { lines, next, snapshot: lookAt(held), sourceBytes, rest: 0, more };
}

function damaged(place: string, why: string, cause?: unknown): SourceError {
  return new SourceError('unreachable', `cannot unpack ${place}: ${why}`, {
    hint: 'The events before it are mirrored; the next sweep tries again.',
    cause,
  });
}

function bytesOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
