import { dirname, join } from 'node:path';
import type { TracecraftError } from '../../src/errors.js';
import type { DirectoryEntry } from '../../src/io.js';
import type { LineStream, SessionFacts } from '../../src/mirror/stream.js';
import type { DirectoryListings } from '../files/directory-listings.js';
import { jsonlFile } from '../files/jsonl-file.js';
import { packableFile } from '../files/packable-file.js';
import { wrapped } from '../files/wrapped-stream.js';
import type { UnpackedFiles } from '../files/zstd-file.js';
import type { DatabaseCopies } from '../sqlite/database-copies.js';
import type { SqliteFileSettings } from '../sqlite/file.js';
import { unreadable } from '../unreadable.js';
import { OpenClawDatabase } from './database.js';
import { openClaw } from './description.js';
import { foldOpenClawEvent, parentKeyIn } from './facts.js';
import {
  databaseFile,
  databaseFolder,
  importsFolder,
  plainName,
  sessionsFolder,
  transcriptOf,
} from './layout.js';
import type { StoredSession } from './rows.js';
import { agentOf, type SessionKeys } from './session-keys.js';
import { sourcesOf, type TranscriptSource } from './sources.js';

interface OpenClawAgentSettings extends SqliteFileSettings {
  /** `agents/<id>` in a state folder. */
  readonly folder: string;
  readonly listings: DirectoryListings;
  readonly databaseCopies: DatabaseCopies;
  readonly unpackedFiles: UnpackedFiles;
  /** The keys of an agent with this folder. */
  readonly keysOf: (folder: string) => SessionKeys;
  readonly onUnreadable: (error: TracecraftError) => void;
}

/** A source and its location. */
interface Placed extends TranscriptSource {
  readonly path: string;
  readonly isPacked: boolean;
  /** The same path may come to represent something else. */
  readonly key: string;
}

interface Found {
  readonly placed: ReadonlyMap<string, Placed>;
  readonly streams: readonly LineStream[];
}

const harness = openClaw.name;
const nobody: ReadonlyMap<string, StoredSession> = new Map();

/** One agent's sessions: the files in its folder and the contents of its database. */
export class OpenClawAgent {
  readonly #settings: OpenClawAgentSettings;
  readonly #database: OpenClawDatabase;
  readonly #names = new WeakMap<readonly DirectoryEntry[], readonly string[]>();
  readonly #streams = new Map<string, LineStream>();
  #held: ReadonlyMap<string, StoredSession> | undefined;
  /** What `#placed` was derived from. */
  #basis: readonly unknown[] = [];
  #placed: ReadonlyMap<string, Placed> = new Map();
  #placing: Promise<ReadonlyMap<string, Placed>> = Promise.resolve(this.#placed);
  #found: Found = { placed: this.#placed, streams: [] };

  constructor(settings: OpenClawAgentSettings) {
    this.#settings = settings;
    const path = join(settings.folder, databaseFolder, databaseFile);
    this.#database = new OpenClawDatabase(path, settings);
  }

  /** The folders listed to find them. */
  get folders(): readonly string[] {
    return [sessionsFolder, importsFolder].map((name) => join(this.#settings.folder, name));
  }

  /** Everything there is now; the same array while nothing comes, goes or moves. */
  async streams(): Promise<readonly LineStream[]> {
    await this.#settings.databaseCopies.lookBeside(this.#database.path);
    const placed = await this.#all();
    if (this.#found.placed === placed) return this.#found.streams;
    const sources = [...placed.values()];
    const keys = new Set(sources.map(({ key }) => key));
    for (const key of this.#streams.keys()) if (!keys.has(key)) this.#streams.delete(key);
    this.#found = { placed, streams: sources.map((source) => this.#streamFrom(source)) };
    return this.#found.streams;
  }

  /** What an event at this path concerns; for the database, the session that changed last. */
  async streamOf(path: string): Promise<LineStream | undefined> {
    const placed = await this.#all();
    const isDatabase = path === this.#database.path || path === `${this.#database.path}-wal`;
    const source = isDatabase ? this.#database.lastChanged : plainName(path);
    const known = source === undefined ? undefined : placed.get(source);
    const isIts = isDatabase || path === source || known?.isPacked;
    return known !== undefined && isIts ? this.#streamFrom(known) : undefined;
  }

  /** Sessions in the middle of a run that were active since then (milliseconds since the epoch). */
  async running(sinceMs: number): Promise<readonly string[]> {
    try {
      return await this.#database.running(sinceMs);
    } catch (error) {
      this.#settings.onUnreadable(unreadable(this.#database.path, error));
      return [];
    }
  }

  /** One scan at a time: an older one must not overwrite a newer one. */
  #all(): Promise<ReadonlyMap<string, Placed>> {
    const place = (): Promise<ReadonlyMap<string, Placed>> => this.#placeNow();
    this.#placing = this.#placing.then(place, place);
    return this.#placing;
  }

  /** The files are listed first: whatever the database publishes meanwhile is found by the next scan, exactly once. */
  async #placeNow(): Promise<ReadonlyMap<string, Placed>> {
    const sessions = await this.#filesIn(sessionsFolder);
    const imports = await this.#filesIn(importsFolder);
    await this.#askDatabase();
    const held = this.#held ?? nobody;
    const takenOver = held.size === 0 ? new Set<string>() : await this.#takenOver(sessions, held);
    const basis = [sessions, imports, this.#held, [...takenOver].join('/')];
    if (basis.every((part, index) => part === this.#basis[index])) return this.#placed;
    const files = new Set([...sessions, ...imports]);
    const isPublished = ({ archive }: StoredSession): boolean =>
      archive !== undefined && (files.has(archive) || files.has(plainName(archive)));
    const inDatabase = [...held].filter(([, session]) => !isPublished(session)).map(([id]) => id);
    const sources = sourcesOf({
      sessions,
      imports,
      inDatabase: this.#held === undefined ? undefined : new Set(inDatabase),
      takenOver,
    });
    const { keysOf, folder } = this.#settings;
    await keysOf(folder).refresh(sources.map(({ sessionId }) => sessionId));
    this.#placed = new Map(sources.map((source) => this.#place(source, files)));
    this.#basis = basis;
    return this.#placed;
  }

  #place(source: TranscriptSource, files: ReadonlySet<string>): readonly [string, Placed] {
    const { from, sessionId } = source;
    if (from.kind === 'database') {
      const path = this.#database.sourceOf(sessionId);
      return [path, placedAt(source, path, false)];
    }
    const within = from.folder === 'sessions' ? sessionsFolder : importsFolder;
    const path = join(this.#settings.folder, within, from.file);
    return [path, placedAt(source, path, !files.has(from.file))];
  }

  async #filesIn(name: string): Promise<readonly string[]> {
    const entries = await this.#settings.listings.list(join(this.#settings.folder, name));
    if (entries === undefined) return noFiles;
    const known = this.#names.get(entries);
    if (known !== undefined) return known;
    const names = entries.filter(({ kind }) => kind === 'file').map((entry) => entry.name);
    this.#names.set(entries, names);
    return names;
  }

  /** A database that is unreadable right now still holds what it held. */
  async #askDatabase(): Promise<void> {
    try {
      this.#held = await this.#database.sessions();
    } catch (error) {
      this.#settings.onUnreadable(unreadable(this.#database.path, error));
    }
  }

  /**
   * Files the database was filled from and that were not written since. One that was is in use again: someone went
   * back to an older release.
   */
  async #takenOver(
    sessions: readonly string[],
    held: ReadonlyMap<string, StoredSession>,
  ): Promise<ReadonlySet<string>> {
    const taken = new Set<string>();
    for (const file of sessions) {
      const transcript = transcriptOf(file);
      if (transcript?.kind !== 'current') continue;
      const session = held.get(transcript.sessionId);
      if (session === undefined) continue;
      const writtenMs = await this.#modifiedAt(join(this.#settings.folder, sessionsFolder, file));
      if (writtenMs <= session.sinceMs) taken.add(file);
    }
    return taken;
  }

  async #modifiedAt(path: string): Promise<number> {
    try {
      return (await this.#settings.io.stat(path))?.mtimeMs ?? 0;
    } catch (error) {
      this.#settings.onUnreadable(unreadable(path, error));
      return 0;
    }
  }

  #streamFrom(source: Placed): LineStream {
    const { key } = source;
    const known = this.#streams.get(key);
    if (known !== undefined) return known;
    const stream = this.#whileInPlace(key, this.#open(source));
    this.#streams.set(key, stream);
    return stream;
  }

  /** Whatever no longer represents its session is gone, even if there still is something in its place. */
  #whileInPlace(key: string, stream: LineStream): LineStream {
    const isInPlace = (): boolean => this.#placed.get(stream.source)?.key === key;
    return wrapped(stream, {
      changed: async (since, survey) => (isInPlace() ? stream.changed(since, survey) : undefined),
      read: async (from, limit) => (isInPlace() ? stream.read(from, limit) : 'gone'),
      facts: (line, before) => {
        const told = stream.facts(line, before);
        if (told.parentSessionId !== undefined) return told;
        const isHeader = before.startedAt === undefined && told.startedAt !== undefined;
        const parent = this.#parentOf(stream.session.id, told, isHeader ? line : undefined);
        return parent === undefined ? told : { ...told, parentSessionId: parent };
      },
    });
  }

  /** As the header says by key, or else `sessions.json`. */
  #parentOf(id: string, { startedAt }: SessionFacts, header?: Buffer): string | undefined {
    const { keysOf, folder } = this.#settings;
    const origin = keysOf(folder).originOf(id);
    const key = (header === undefined ? undefined : parentKeyIn(header)) ?? origin?.spawnedBy;
    const agent = key === undefined ? undefined : agentOf(key);
    if (key === undefined || agent === undefined) return undefined;
    const atMs = startedAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(startedAt);
    const parent = keysOf(join(dirname(folder), agent)).sessionOf(key, atMs);
    return parent === id ? undefined : parent;
  }

  #open({ path, sessionId, name, from, isPacked, endedAt }: Placed): LineStream {
    const session = { harness, id: sessionId } as const;
    if (from.kind === 'database') return this.#database.stream(session);
    const { io, unpackedFiles } = this.#settings;
    const known = endedAt === undefined ? {} : { endedAt };
    const file = {
      io,
      path,
      session,
      name,
      facts: (line, before) => foldOpenClawEvent(line, before, known),
    } satisfies Parameters<typeof jsonlFile>[0];
    if (!isPacked) return jsonlFile(file);
    return packableFile({ ...file, unpackedFiles, beforeRead: async () => undefined });
  }
}

const noFiles: readonly string[] = [];

function placedAt(source: TranscriptSource, path: string, isPacked: boolean): Placed {
  const key = [path, source.name, isPacked ? 'packed' : ''].join('\n');
  return { ...source, path, isPacked, key };
}
