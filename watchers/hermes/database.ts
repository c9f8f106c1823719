import type { Clock } from '../../src/clock.js';
import { SourceError } from '../../src/errors.js';
import type { Io } from '../../src/io.js';
import type {
  Chunk,
  FileSnapshot,
  JsonValue,
  Position,
  ReadLimit,
  RecordStream,
  SessionRef,
  Survey,
} from '../../src/mirror/stream.js';
import { comparedStream } from '../sqlite/compared-stream.js';
import { SqliteFile } from '../sqlite/file.js';
import { OncePerSurvey } from '../sqlite/once-per-survey.js';
import { type Difference, nothingShipped, RowComparison } from '../sqlite/row-comparison.js';
import { hermes } from './description.js';
import { foldHermesLine } from './facts.js';
import { decodeShipped, encodeShipped } from './position.js';
import { isAsCompared, olderRows, RecentRows } from './recent-rows.js';
import { parseLine } from './rows.js';
import { hermesRows } from './session-rows.js';
import {
  type HeldSession,
  heldSessions,
  leasedSessions,
  readableSessions,
  sessionRowIn,
} from './sessions.js';

interface HermesDatabaseSettings {
  readonly io: Io;
  readonly clock: Clock;
  readonly path: string;
}

interface Seen {
  readonly token: string;
  readonly atMs: number;
}

const harness = hermes.name;
const noSessions: ReadonlyMap<string, HeldSession> = new Map();
/** A session with activity counts as live for this long, unless it ends. */
const liveForMs = 3_600_000;
/** How often to look for changed messages in sessions that are not live. */
const compareAllMs = 600_000;
/** Reading about all sessions may take this long unnoticed; beyond that it rests this many times as long. */
const unnoticedMs = 20;
const restFactor = 10;
/** File events ask for the session that changed; a writer causes hundreds a second. */
const askAgainMs = 250;

/**
 * A profile's `state.db`. Rows change in place, so a session's lines are the states its rows were seen in: folding
 * them gives the table, reading them shows how it came about.
 */
export class HermesDatabase {
  readonly path: string;
  readonly #clock: Clock;
  readonly #file: SqliteFile;
  readonly #asked = new OncePerSurvey(() => this.sessions());
  #held: ReadonlyMap<string, HeldSession> = noSessions;
  #seen: Seen = { token: '', atMs: Number.NEGATIVE_INFINITY };
  /** The state of the database for sessions that appear inactive. */
  #comparedAll: Seen = { token: '', atMs: Number.NEGATIVE_INFINITY };
  #lastChanged: string | undefined;
  /** Monotonic, for sessions that changed while this process was watching. */
  readonly #changedAtMs = new Map<string, number>();
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #readAgainAtMs = 0;
  #damage: SourceError | undefined;
  readonly #recent = new RecentRows();

  constructor({ io, clock, path }: HermesDatabaseSettings) {
    this.path = path;
    this.#clock = clock;
    this.#file = new SqliteFile(path, { io, clock });
  }

  /** What is wrong with it, if not all of it can be read. */
  get damage(): SourceError | undefined {
    return this.#damage;
  }

  sourceOf(sessionId: string): string {
    return `${this.path}#${sessionId}`;
  }

  /** Every session, read again if the database changed; the same map while it did not. */
  async sessions(): Promise<ReadonlyMap<string, HeldSession>> {
    const snapshot = await this.#file.snapshot();
    const token = snapshot?.token ?? '';
    const atMs = this.#clock.monotonic();
    if (token !== this.#seen.token && atMs >= this.#readAgainAtMs) {
      const before = this.#held;
      const held = snapshot === undefined ? noSessions : await this.#readSessions(before);
      this.#noteChanges(held, before, atMs);
      this.#held = held;
      this.#seen = { token, atMs };
    }
    if (atMs - this.#comparedAll.atMs >= compareAllMs) {
      this.#comparedAll = { token: this.#seen.token, atMs };
    }
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

  async running(): Promise<readonly string[]> {
    const sessions = [...(await this.sessions()).values()];
    if (sessions.length === 0) return [];
    const live = sessions.filter((one) => this.#isRunning(one)).map(({ id }) => id);
    const nowMs = this.#clock.now();
    return [...live, ...(await this.#file.read((reading) => leasedSessions(reading, nowMs)))];
  }

  stream(sessionId: string, name: string): RecordStream {
    const session: SessionRef = { harness, id: sessionId };
    return comparedStream(
      {
        session,
        name,
        source: this.sourceOf(sessionId),
        read: (from, limit) => this.#read(sessionId, from, limit),
        compareAll: () => this.#recent.forget(sessionId),
        facts: foldHermesLine,
      },
      (survey) => this.#lookAt(sessionId, survey),
      { decode: decodeShipped, encode: encodeShipped, parseLine },
    );
  }

  async #lookAt(sessionId: string, survey?: Survey): Promise<FileSnapshot | undefined> {
    const held = (await this.#asked.in(survey)).get(sessionId);
    if (held === undefined) return undefined;
    const database = this.#isLive(held) ? this.#seen : this.#comparedAll;
    const { size, modifiedAtMs } = held;
    return { token: `${held.token}:${database.token}`, size, modifiedAtMs };
  }

  async #read(
    sessionId: string,
    from: Position,
    limit: ReadLimit,
  ): Promise<Chunk | 'moved' | 'gone'> {
    const snapshot = await this.#lookAt(sessionId);
    if (snapshot === undefined) return 'gone';
    let recent = this.#recent.take(sessionId, from.at);
    if (recent === undefined && decodeShipped(from.at) === undefined) return 'moved';
    const found = await this.#file.read((reading) => {
      const row = sessionRowIn(reading, sessionId);
      if (row === undefined) return undefined;
      // Decoded again for each further attempt, because the comparison records in it what it takes.
      const known = recent;
      recent = undefined;
      const shipped = known?.shipped ?? decodeShipped(from.at) ?? nothingShipped<number>();
      const older = known && isAsCompared(reading, sessionId, known) ? known.older : undefined;
      const rows = hermesRows(reading, sessionId, row);
      const found = new RowComparison(rows, shipped, limit, older?.encoded.upTo).run();
      const at = encodeShipped(shipped, older?.encoded);
      const next = found.more ? undefined : olderRows(reading, sessionId, shipped, older);
      return { ...found, at, compared: next && { at, shipped, older: next } };
    });
    if (found?.compared !== undefined) this.#recent.keep(sessionId, found.compared);
    return found === undefined ? 'gone' : chunkOf(from, found, snapshot);
  }

  async #readSessions(
    before: ReadonlyMap<string, HeldSession>,
  ): Promise<ReadonlyMap<string, HeldSession>> {
    let startedAtMs = 0;
    const begin = (): void => {
      startedAtMs = this.#clock.monotonic();
    };
    const held = await this.#readHeld(before, begin);
    const endedAtMs = this.#clock.monotonic();
    const surplusMs = endedAtMs - startedAtMs - unnoticedMs;
    this.#readAgainAtMs = surplusMs > 0 ? endedAtMs + surplusMs * restFactor : 0;
    return held;
  }

  /** All at once; if that fails because some of it is damaged, session by session. */
  async #readHeld(
    before: ReadonlyMap<string, HeldSession>,
    begin: () => void,
  ): Promise<ReadonlyMap<string, HeldSession>> {
    this.#damage = undefined;
    try {
      return await this.#file.read((reading) => {
        begin();
        return heldSessions(reading, before);
      });
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      const held = await this.#file.read((reading) => {
        begin();
        return readableSessions(reading, before);
      });
      this.#damage = error;
      return held;
    }
  }

  #noteChanges(
    held: ReadonlyMap<string, HeldSession>,
    before: ReadonlyMap<string, HeldSession>,
    atMs: number,
  ): void {
    const changed = [...held.values()].filter((one) => before.get(one.id)?.token !== one.token);
    for (const { id } of changed) if (before.has(id)) this.#changedAtMs.set(id, atMs);
    for (const id of this.#changedAtMs.keys()) if (!held.has(id)) this.#changedAtMs.delete(id);
    const [last] = changed.sort((left, right) => right.modifiedAtMs - left.modifiedAtMs);
    if (last !== undefined) this.#lastChanged = last.id;
  }

  /** Recently active: by its own account, if it has not ended, or observed by us. */
  #isLive({ id, hasEnded, modifiedAtMs }: HeldSession): boolean {
    const changedAtMs = this.#changedAtMs.get(id) ?? Number.NEGATIVE_INFINITY;
    const isChanging = this.#clock.monotonic() - changedAtMs < liveForMs;
    return isChanging || this.#isRunning({ hasEnded, modifiedAtMs });
  }

  #isRunning({ hasEnded, modifiedAtMs }: Pick<HeldSession, 'hasEnded' | 'modifiedAtMs'>): boolean {
    return !hasEnded && modifiedAtMs > this.#clock.now() - liveForMs;
  }
}

interface FoundSession extends Difference {
  readonly at: JsonValue;
}

function chunkOf(
  from: Position,
  { at, lines, bytes, more }: FoundSession,
  snapshot: FileSnapshot,
): Chunk {
  const next = { line: from.line + lines.length, at };
  return { lines, next, snapshot, sourceBytes: bytes, rest: 0, more };
}
