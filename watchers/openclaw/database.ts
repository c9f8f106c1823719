import { basename, dirname, join } from 'node:path';
import type { Clock } from '../../src/clock.js';
import type { Io } from '../../src/io.js';
import type {
  Chunk,
  FileSnapshot,
  LineStream,
  Position,
  ReadLimit,
  SessionRef,
  Survey,
} from '../../src/mirror/stream.js';
import { SqliteFile, type SqliteFileSettings } from '../sqlite/file.js';
import { OncePerSurvey } from '../sqlite/once-per-survey.js';
import { unreadable } from '../unreadable.js';
import {
  eventCursorIn,
  linesIn,
  lookAt,
  OpenClawEvents,
  readPiece,
  tokenOf,
  unpacked,
} from './events.js';
import { foldOpenClawEvent } from './facts.js';
import { sessionsFolder } from './layout.js';
import {
  runningSessions,
  Schema,
  type StoredSession,
  storedSession,
  storedSessions,
} from './rows.js';

interface Content {
  readonly token: string;
  readonly lines: readonly Buffer[];
}

interface Seen {
  readonly token: string;
  /** Monotonic. */
  readonly atMs: number;
  readonly tookMs: number;
}

const absent = '';
/** With thousands of sessions a scan takes tens of milliseconds: it rests this many times as long before the next. */
const restPerLook = 10;
const longestRestMs = 1_000;
const noSessions: ReadonlyMap<string, StoredSession> = new Map();

/**
 * An agent's database, as far as transcripts go. It is only read, and nothing else in it leaves the machine, because
 * it also holds credentials. An event is a line. Events are appended; a rewrite gives the transcript a new
 * generation, and then no earlier position holds (https://github.com/openclaw/openclaw,
 * src/config/sessions/session-accessor.sqlite-raw-delta-read.ts).
 */
export class OpenClawDatabase {
  readonly path: string;
  readonly #io: Io;
  readonly #clock: Clock;
  readonly #file: SqliteFile;
  readonly #asked = new OncePerSurvey(() => this.sessions());
  #held: ReadonlyMap<string, StoredSession> = noSessions;
  #seen: Seen = { token: absent, atMs: 0, tookMs: 0 };
  #looking:
    | { readonly token: string; readonly done: Promise<ReadonlyMap<string, StoredSession>> }
    | undefined;
  #lastChanged: string | undefined;
  /** The single-piece transcript that is being read. */
  #content: Content | undefined;

  constructor(path: string, settings: SqliteFileSettings) {
    this.path = path;
    this.#io = settings.io;
    this.#clock = settings.clock;
    this.#file = new SqliteFile(path, settings);
  }

  /** The source of the session that changed last, as far as known. */
  get lastChanged(): string | undefined {
    return this.#lastChanged;
  }

  sourceOf(sessionId: string): string {
    return `${this.path}#${sessionId}`;
  }

  /** Every session whose transcript it has; the same map while nothing changes. */
  async sessions(): Promise<ReadonlyMap<string, StoredSession>> {
    const token = (await this.#file.snapshot())?.token ?? absent;
    const { atMs, tookMs } = this.#seen;
    if (token === this.#seen.token) return this.#held;
    const restMs = Math.min(tookMs * restPerLook, longestRestMs);
    if (token !== absent && this.#clock.monotonic() - atMs < restMs) return this.#held;
    if (this.#looking?.token !== token) {
      const done = this.#readSessions(token).finally(() => {
        if (this.#looking?.done === done) this.#looking = undefined;
      });
      this.#looking = { token, done };
    }
    return this.#looking.done;
  }

  async #readSessions(token: string): Promise<ReadonlyMap<string, StoredSession>> {
    const atMs = this.#clock.monotonic();
    const before = this.#held;
    const held =
      token === absent
        ? noSessions
        : await this.#file.read((reading) => storedSessions(reading, before));
    this.#seen = { token, atMs, tookMs: this.#clock.monotonic() - atMs };
    const changed = [...held.values()].filter((one) => tokenOf(one) !== tokenIn(before, one));
    if (changed.length === 0 && held.size === before.size) return before;
    const latest = changed.sort((left, right) => right.modifiedAtMs - left.modifiedAtMs)[0];
    if (latest !== undefined) this.#lastChanged = this.sourceOf(latest.sessionId);
    this.#held = held;
    return held;
  }

  async running(sinceMs: number): Promise<readonly string[]> {
    if ((await this.#file.snapshot()) === undefined) return [];
    return this.#file.read((reading) => runningSessions(reading, sinceMs));
  }

  stream(session: SessionRef): LineStream {
    const { id } = session;
    return {
      kind: 'lines',
      session,
      name: '',
      source: this.sourceOf(id),
      changed: (since, survey) => this.#changed(id, since, survey),
      read: (from, limit) => this.#read(id, from, limit),
      facts: (line, before) => foldOpenClawEvent(line, before, this.#held.get(id)?.known ?? {}),
    };
  }

  async #changed(
    id: string,
    since: FileSnapshot | undefined,
    survey: Survey | undefined,
  ): Promise<FileSnapshot | undefined> {
    const held = await this.#guard(async () => (await this.#asked.in(survey)).get(id));
    if (held === undefined || tokenOf(held) === since?.token) return undefined;
    return lookAt(held);
  }

  #read(id: string, from: Position, limit: ReadLimit): Promise<Chunk | 'moved' | 'gone'> {
    return this.#guard(async () => {
      const before = (await this.sessions()).get(id);
      const mark = eventCursorIn(from);
      if (before === undefined) return 'gone';
      if (mark === 'unreadable') return 'moved';
      const asked = { from, mark, limit };
      if (before.payload.kind !== 'rows') {
        const chunk = readPiece(before, await this.#contentOf(before), asked);
        if (chunk === 'moved' || !chunk.more) this.#content = undefined;
        return chunk;
      }
      return this.#file.read((reading) => {
        const held = storedSession(reading, new Schema(reading), id, before);
        if (held === undefined) return 'moved';
        return new OpenClawEvents(reading, held, this.sourceOf(id)).read(asked);
      });
    });
  }

  async #contentOf(held: StoredSession): Promise<readonly Buffer[]> {
    const token = held.sessionId + tokenOf(held);
    if (this.#content?.token === token) return this.#content.lines;
    const lines = linesIn(await this.#pieceOf(held));
    this.#content = { token, lines };
    return lines;
  }

  async #pieceOf({ sessionId, generation, payload }: StoredSession): Promise<Buffer> {
    const place = this.sourceOf(sessionId);
    if (payload.kind === 'cold-file') {
      const folder = join(dirname(dirname(this.path)), sessionsFolder, 'cold');
      const path = join(folder, basename(payload.file));
      return unpacked(await this.#io.readFile(path), { isPacked: true, place: path });
    }
    const table =
      payload.kind === 'cold' ? 'session_transcript_cold_archives' : 'session_transcript_archives';
    const encoding = payload.kind === 'cold' ? `'zstd' AS encoding` : 'encoding';
    const [row] = await this.#file.read((reading) =>
      reading.all(
        `SELECT ${encoding}, archive_blob FROM ${table} WHERE session_id = ? AND generation = ?`,
        sessionId,
        generation,
      ),
    );
    return unpacked(row?.archive_blob, { isPacked: row?.encoding === 'zstd', place });
  }

  async #guard<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      throw unreadable(this.path, error);
    }
  }
}

function tokenIn(
  held: ReadonlyMap<string, StoredSession>,
  { sessionId }: StoredSession,
): string | undefined {
  const one = held.get(sessionId);
  return one === undefined ? undefined : tokenOf(one);
}
