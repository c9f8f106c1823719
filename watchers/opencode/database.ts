import { createHash } from 'node:crypto';
import type { Clock } from '../../src/clock.js';
import type { Io } from '../../src/io.js';
import type {
  FileSnapshot,
  Position,
  ReadLimit,
  RecordStream,
  Survey,
} from '../../src/mirror/stream.js';
import { comparedStream } from '../sqlite/compared-stream.js';
import { SqliteFile } from '../sqlite/file.js';
import { OncePerSurvey } from '../sqlite/once-per-survey.js';
import type { Reading } from '../sqlite/reading.js';
import { nothingShipped, RowComparison } from '../sqlite/row-comparison.js';
import type { Row } from '../sqlite/values.js';
import { openCode } from './description.js';
import { foldOpenCodeLine } from './facts.js';
import { decodeShipped, encodeShipped } from './position.js';
import { openCodeRows, parseLine, sessionColumns } from './rows.js';

interface HeldSession {
  /** Changes with its own row and with each event of opencode's; a row edited by hand may not change it. */
  readonly token: string;
  readonly modifiedAtMs: number;
}

const noSessions: ReadonlyMap<string, HeldSession> = new Map();
/** For this long after a change, every commit makes us compare a session's rows. */
const liveForMs = 3_600_000;
/** How often the rows of all others are compared. */
const compareAllMs = 600_000;
/** File events ask for the session that changed; a writer causes many a second. */
const askAgainMs = 250;

/** The database of opencode: a session's lines are the states its rows were seen in. */
export class OpenCodeDatabase {
  readonly path: string;
  readonly #clock: Clock;
  readonly #file: SqliteFile;
  readonly #asked = new OncePerSurvey(() => this.sessions());
  #held: ReadonlyMap<string, HeldSession> = noSessions;
  #token = '';
  #comparedAll = { token: '', atMs: Number.NEGATIVE_INFINITY };
  #lastChanged: string | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  /** Monotonic, of sessions that changed while this process was watching. */
  readonly #changedAtMs = new Map<string, number>();

  constructor(path: string, { io, clock }: { readonly io: Io; readonly clock: Clock }) {
    this.path = path;
    this.#clock = clock;
    this.#file = new SqliteFile(path, { io, clock });
  }

  sourceOf(sessionId: string): string {
    return `${this.path}#${sessionId}`;
  }

  /** Every session, read again if the database changed; the same map while it did not. */
  async sessions(): Promise<ReadonlyMap<string, HeldSession>> {
    const token = (await this.#file.snapshot())?.token ?? '';
    const atMs = this.#clock.monotonic();
    if (token !== this.#token) {
      const before = this.#held;
      this.#held = token === '' ? noSessions : await this.#file.read(heldSessions);
      this.#noteChanges(before, atMs);
      this.#token = token;
    }
    if (atMs - this.#comparedAll.atMs >= compareAllMs)
      this.#comparedAll = { token: this.#token, atMs };
    return this.#held;
  }

  /** The session that changed last, for events that report only a change of the database. */
  async lastChanged(): Promise<string | undefined> {
    const now = this.#clock.monotonic();
    if (now - this.#askedAtMs >= askAgainMs) {
      this.#askedAtMs = now;
      await this.sessions();
    }
    return this.#lastChanged;
  }

  stream(sessionId: string): RecordStream {
    return comparedStream(
      {
        session: { harness: openCode.name, id: sessionId },
        name: '',
        source: this.sourceOf(sessionId),
        read: (from, limit) => this.#read(sessionId, from, limit),
        facts: foldOpenCodeLine,
      },
      (survey) => this.#lookAt(sessionId, survey),
      { decode: decodeShipped, encode: encodeShipped, parseLine },
    );
  }

  async #lookAt(sessionId: string, survey?: Survey): Promise<FileSnapshot | undefined> {
    const held = (await this.#asked.in(survey)).get(sessionId);
    if (held === undefined) return undefined;
    const changedAtMs = this.#changedAtMs.get(sessionId) ?? Number.NEGATIVE_INFINITY;
    const isLive =
      this.#clock.monotonic() - changedAtMs < liveForMs ||
      this.#clock.now() - held.modifiedAtMs < liveForMs;
    const compared = isLive ? this.#token : this.#comparedAll.token;
    return { token: `${held.token}:${compared}`, size: 1, modifiedAtMs: held.modifiedAtMs };
  }

  async #read(sessionId: string, from: Position, limit: ReadLimit) {
    const snapshot = await this.#lookAt(sessionId);
    if (snapshot === undefined) return 'gone';
    if (decodeShipped(from.at) === undefined) return 'moved';
    const found = await this.#file.read((reading) => {
      const row = sessionRow(reading, sessionId);
      if (row === undefined) return undefined;
      // Decoded again for each attempt, because the comparison records in it what it takes.
      const shipped = decodeShipped(from.at) ?? nothingShipped<string>();
      const rows = openCodeRows(reading, sessionId, row);
      return { shipped, ...new RowComparison(rows, shipped, limit).run() };
    });
    if (found === undefined) return 'gone';
    const { lines, bytes, more } = found;
    const next = { line: from.line + lines.length, at: encodeShipped(found.shipped) };
    return { lines, next, snapshot, sourceBytes: bytes, rest: 0, more };
  }

  #noteChanges(before: ReadonlyMap<string, HeldSession>, atMs: number): void {
    const changed = [...this.#held].filter(([id, { token }]) => before.get(id)?.token !== token);
    for (const [id] of changed) if (before.has(id)) this.#changedAtMs.set(id, atMs);
    for (const id of this.#changedAtMs.keys())
      if (!this.#held.has(id)) this.#changedAtMs.delete(id);
    const [last] = changed.sort(([, left], [, right]) => right.modifiedAtMs - left.modifiedAtMs);
    if (last !== undefined) this.#lastChanged = last[0];
  }
}

function heldSessions(reading: Reading): ReadonlyMap<string, HeldSession> {
  const columns = columnsOf(reading, 'session');
  if (!columns.has('id') || columnsOf(reading, 'part').size === 0) return noSessions;
  const numbers = columnsOf(reading, 'event_sequence').has('seq');
  const wanted = ['id', 'time_updated', ...sessionColumns].filter((name) => columns.has(name));
  const seq = numbers
    ? '(SELECT seq FROM event_sequence WHERE aggregate_id = session.id)'
    : '(SELECT count(*) FROM message WHERE session_id = session.id)';
  const held = new Map<string, HeldSession>();
  for (const row of reading.all(`SELECT ${wanted.join(', ')}, ${seq} AS seq FROM session`)) {
    const { id } = row;
    if (typeof id !== 'string' || !/^[\w-]{1,128}$/.test(id)) continue;
    const text = JSON.stringify(Object.values(row).map(String));
    const token = createHash('sha256').update(text).digest('hex').slice(0, 16);
    held.set(id, { token, modifiedAtMs: Number(row.time_updated ?? row.time_created ?? 0) });
  }
  return held;
}

function sessionRow(reading: Reading, id: string): Row | undefined {
  const columns = columnsOf(reading, 'session');
  const wanted = ['id', ...sessionColumns].filter((name) => columns.has(name));
  if (!columns.has('id') || columnsOf(reading, 'part').size === 0) return undefined;
  return reading.all(`SELECT ${wanted.join(', ')} FROM session WHERE id = ?`, id)[0];
}

function columnsOf(reading: Reading, table: string): ReadonlySet<string> {
  const rows = reading.all('SELECT name FROM pragma_table_info(?)', table);
  return new Set(rows.map(({ name }) => String(name)));
}
