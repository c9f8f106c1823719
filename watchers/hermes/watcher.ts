import { basename, join, resolve, sep } from 'node:path';
import type { Clock } from '../../src/clock.js';
import { SourceError, type TracecraftError } from '../../src/errors.js';
import type { DirectoryEntry, Io } from '../../src/io.js';
import type { Pass, Stream, Watcher } from '../../src/mirror/stream.js';
import { DirectoryListings, isBelow } from '../files/directory-listings.js';
import { jsonlFile } from '../files/jsonl-file.js';
import { Links } from '../files/links.js';
import { DatabaseCopies } from '../sqlite/database-copies.js';
import { eachOnce, unreadable } from '../unreadable.js';
import { HermesDatabase } from './database.js';
import { hermes } from './description.js';
import { foldPlainRow } from './facts.js';
import { wholeSessionFile } from './whole-file.js';

interface HermesSettings {
  readonly io: Io;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly platform?: NodeJS.Platform;
  /** Called once for each folder or file that exists but cannot be read; the sweep continues without it. */
  readonly onUnreadable?: (error: TracecraftError) => void;
}

const harness = hermes.name;
const databaseFile = 'state.db';
const profilesFolder = 'profiles';
const sessionsFolder = 'sessions';
const diversionFile = /^([^.].*)\.jsonl$/s;
const diversion = 'diversion';
/** A whole session as one JSON document, from before its database was recreated. */
const wholeFile = /^session_(.+)\.json$/s;

/** Where a path is: in the home folder itself or in one of its profiles. */
interface ProfileFolder {
  /** '' for the home folder's own. */
  readonly profile: string;
  readonly below: readonly string[];
}

/** What one look at a profile found. */
interface ProfileLook {
  readonly profile: string;
  /** `undefined` if there is no database (yet), or none that can be read. */
  readonly held: ReadonlyMap<string, unknown> | undefined;
  readonly isMissing: boolean;
  readonly files: readonly DirectoryEntry[];
}

const noEntries: readonly DirectoryEntry[] = [];

/**
 * Hermes keeps its sessions in `state.db` in its home folder, and in that of each profile in `profiles/`. While that
 * database is broken or was replaced under a running Hermes, messages go to `sessions/<id>.jsonl`: that file is a
 * stream `diversion` of its session (https://github.com/NousResearch/hermes-agent, hermes_state_errors.py). If the
 * database has nothing of the session, that file, or `sessions/session_<id>.json`, is the session.
 */
export class HermesWatcher implements Watcher {
  readonly harness = harness;
  readonly #settings: HermesSettings;
  readonly #root: string;
  readonly #listings: DirectoryListings;
  readonly #databaseCopies: DatabaseCopies;
  readonly #onUnreadable: (error: TracecraftError) => void;
  readonly #databases = new Map<string, HermesDatabase>();
  readonly #streams = new Map<string, Stream>();
  /** What the last recent pass found. */
  #passed: readonly ProfileLook[] = [];

  constructor(settings: HermesSettings) {
    const { clock } = settings;
    this.#root = homeFolder(settings);
    const links = new Links({
      allowed: () => [settings.home, this.#root],
      mirrored: () => [this.#root],
      isTranscript: (path) => [diversionFile, wholeFile].some((name) => name.test(basename(path))),
    });
    const io = links.reading(settings.io);
    this.#settings = { ...settings, io };
    this.#onUnreadable = eachOnce((error) => settings.onUnreadable?.(error));
    this.#listings = new DirectoryListings(io, clock, this.#onUnreadable, links);
    this.#databaseCopies = new DatabaseCopies(io, clock, this.#onUnreadable);
  }

  async roots(): Promise<readonly string[]> {
    try {
      const stat = await this.#settings.io.stat(this.#root);
      return stat?.kind === 'directory' ? [this.#root] : [];
    } catch (error) {
      this.#onUnreadable(unreadable(this.#root, error));
      return [];
    }
  }

  async *streams(root: string, pass: Pass = 'all'): AsyncGenerator<readonly Stream[]> {
    if (root !== this.#root) return;
    const profiles = await this.#profiles();
    const looks: ProfileLook[] = [];
    for (const profile of profiles) looks.push(await this.#lookAt(profile));
    if (pass === 'recent' && areSame(looks, this.#passed)) return;
    const present = new Set<string>();
    for (const look of looks) {
      const streams = await this.#streamsOf(look);
      for (const stream of streams) present.add(stream.source);
      yield streams;
    }
    if (pass === 'recent') this.#passed = looks;
    for (const source of this.#streams.keys()) if (!present.has(source)) this.#forget(source);
    const folders = new Set(profiles.map((profile) => this.#folder(profile)));
    for (const folder of this.#databases.keys()) {
      if (!folders.has(folder)) this.#databases.delete(folder);
    }
  }

  async streamOf(path: string): Promise<Stream | undefined> {
    const place = this.#placeOf(path);
    if (place === undefined) return undefined;
    const { profile, below } = place;
    const [first = '', second, ...deeper] = below;
    if (first === sessionsFolder && second !== undefined && deeper.length === 0) {
      return this.#eventDiversion(profile, second);
    }
    if (!first.startsWith(databaseFile) || !(await this.#isThere(profile))) return undefined;
    const session = await this.#eventSession(profile, below.join(sep));
    return session === undefined ? undefined : this.#session(profile, session);
  }

  /** Hermes keeps its own program, logs, caches and more in its home folder. */
  ignores(path: string): boolean {
    const place = this.#placeOf(path);
    const [first, second, ...deeper] = place?.below ?? [];
    if (first === undefined) return false;
    if (first === sessionsFolder) {
      const isSession =
        second === undefined || diversionFile.test(second) || wholeFile.test(second);
      return !isSession || deeper.length > 0;
    }
    return second !== undefined || !(first === databaseFile || first === `${databaseFile}-wal`);
  }

  async live(): Promise<ReadonlySet<string>> {
    const live = new Set<string>();
    for (const profile of await this.#profiles()) {
      try {
        for (const id of await this.#database(profile).running()) live.add(id);
      } catch (error) {
        this.#onUnreadable(unreadable(this.#database(profile).path, error));
      }
    }
    return live;
  }

  async #lookAt(profile: string): Promise<ProfileLook> {
    await this.#databaseCopies.lookBeside(this.#database(profile).path);
    const held = await this.#heldIn(profile);
    const folder = join(this.#folder(profile), sessionsFolder);
    const files = (await this.#listings.list(folder)) ?? noEntries;
    const isMissing = held === undefined && (await this.#sessionsIn(profile)) !== undefined;
    return { profile, held, isMissing, files };
  }

  async #streamsOf({ profile, held, isMissing, files }: ProfileLook): Promise<readonly Stream[]> {
    const streams: Stream[] = [];
    const database = this.#database(profile);
    for (const id of held?.keys() ?? []) {
      const known = this.#streams.get(database.sourceOf(id));
      streams.push(known ?? (await this.#session(profile, id)));
    }
    const folder = join(this.#folder(profile), sessionsFolder);
    const ids = new Set(files.map(({ name }) => diversionFile.exec(name)?.[1]));
    for (const { name, kind } of files) {
      if (kind !== 'file') continue;
      const path = join(folder, name);
      const id = diversionFile.exec(name)?.[1];
      if (id !== undefined) streams.push(this.#diversion(path, id, this.#nameOf(held, id)));
      const whole = wholeFile.exec(name)?.[1];
      const isOnlyCopy = whole !== undefined && held?.has(whole) === false && !ids.has(whole);
      if (isOnlyCopy) streams.push(this.#whole(path, whole));
      if (isMissing && whole !== undefined && !ids.has(whole)) this.#onUnreadable(leftOut(path));
    }
    return streams;
  }

  /** An unreadable database must not stop the others: `undefined`. */
  async #sessionsIn(profile: string): Promise<ReadonlyMap<string, unknown> | undefined> {
    const database = this.#database(profile);
    try {
      const sessions = await database.sessions();
      if (database.damage !== undefined) this.#onUnreadable(database.damage);
      return sessions;
    } catch (error) {
      this.#onUnreadable(unreadable(database.path, error));
      return undefined;
    }
  }

  /**
   * The same session may be in two databases, if a profile was copied: they are different streams, since each would
   * take the other's rows for changes.
   */
  async #session(profile: string, id: string): Promise<Stream> {
    const database = this.#database(profile);
    const known = this.#streams.get(database.sourceOf(id));
    if (known !== undefined) return known;
    const name = (await this.#isElsewhere(profile, id)) ? `${profilesFolder}/${profile}` : '';
    const stream = database.stream(id, name);
    this.#streams.set(stream.source, stream);
    return stream;
  }

  async #isElsewhere(profile: string, id: string): Promise<boolean> {
    for (const other of await this.#profiles()) {
      if (other === profile) return false;
      if ((await this.#sessionsIn(other))?.has(id)) return true;
    }
    return false;
  }

  /** `undefined` also if there is no database (yet): it may be about to come back. */
  async #heldIn(profile: string): Promise<ReadonlyMap<string, unknown> | undefined> {
    const sessions = await this.#sessionsIn(profile);
    if (sessions === undefined || sessions.size > 0) return sessions;
    const isThere = await this.#settings.io.stat(this.#database(profile).path);
    return isThere === undefined ? undefined : sessions;
  }

  /** A file is the session itself if the database has nothing of it. That is unknown while the database cannot be read. */
  #nameOf(held: ReadonlyMap<string, unknown> | undefined, id: string): string {
    return held === undefined || held.has(id) ? diversion : '';
  }

  #whole(path: string, id: string): Stream {
    const known = this.#streams.get(path);
    if (known !== undefined) return known;
    const stream = wholeSessionFile(this.#settings.io, path, { harness, id });
    this.#streams.set(path, stream);
    return stream;
  }

  #diversion(path: string, id: string, name: string): Stream {
    const known = this.#streams.get(path);
    if (known?.name === name) return known;
    const { io } = this.#settings;
    const session = { harness, id } as const;
    const stream = jsonlFile({ io, path, session, name, facts: foldPlainRow });
    this.#streams.set(path, stream);
    return stream;
  }

  async #eventDiversion(profile: string, file: string): Promise<Stream | undefined> {
    const id = diversionFile.exec(file)?.[1];
    if (id === undefined || !(await this.#isThere(profile))) return undefined;
    const folder = join(this.#folder(profile), sessionsFolder);
    if (!(await this.#listings.has(this.#folder(profile), sessionsFolder, 'directory'))) {
      return undefined;
    }
    const isThere = await this.#listings.has(folder, file, 'file');
    if (!isThere) return undefined;
    const name = this.#nameOf(await this.#heldIn(profile), id);
    return this.#diversion(join(folder, file), id, name);
  }

  /** The session of a source spelled `state.db#<id>`; for the database itself, the session that changed last. */
  async #eventSession(profile: string, name: string): Promise<string | undefined> {
    const database = this.#database(profile);
    try {
      if (name === databaseFile || name === `${databaseFile}-wal`) {
        return await database.lastChanged();
      }
      const id = name.startsWith(`${databaseFile}#`) ? name.slice(databaseFile.length + 1) : '';
      return (await database.sessions()).has(id) ? id : undefined;
    } catch (error) {
      this.#onUnreadable(unreadable(database.path, error));
      return undefined;
    }
  }

  #placeOf(path: string): ProfileFolder | undefined {
    if (!isBelow(path, this.#root)) return undefined;
    const segments = path.slice(this.#root.length + 1).split(sep);
    const [first, profile, ...below] = segments;
    if (first !== profilesFolder) return { profile: '', below: segments };
    if (profile === undefined || profile.startsWith('.')) return undefined;
    return { profile, below };
  }

  /** The home folder's own comes first. */
  async #profiles(): Promise<readonly string[]> {
    const entries = (await this.#listings.list(join(this.#root, profilesFolder))) ?? [];
    const names = entries.filter(({ kind }) => kind === 'directory').map(({ name }) => name);
    return ['', ...names.sort()];
  }

  async #isThere(profile: string): Promise<boolean> {
    if (profile === '') return (await this.roots()).length > 0;
    return this.#listings.has(join(this.#root, profilesFolder), profile, 'directory');
  }

  #folder(profile: string): string {
    return profile === '' ? this.#root : join(this.#root, profilesFolder, profile);
  }

  #database(profile: string): HermesDatabase {
    const folder = this.#folder(profile);
    const known = this.#databases.get(folder);
    if (known !== undefined) return known;
    const { io, clock } = this.#settings;
    const database = new HermesDatabase({ io, clock, path: join(folder, databaseFile) });
    this.#databases.set(folder, database);
    return database;
  }

  #forget(source: string): void {
    this.#streams.delete(source);
  }
}

function areSame(looks: readonly ProfileLook[], before: readonly ProfileLook[]): boolean {
  if (looks.length !== before.length) return false;
  return looks.every(({ profile, held, isMissing, files }, index) => {
    const last = before[index];
    const isSame = last?.profile === profile && last.isMissing === isMissing;
    return isSame && last.held === held && last.files === files;
  });
}

function leftOut(path: string): SourceError {
  return new SourceError(
    'not-allowed',
    `left out: ${path}: there is no ${databaseFile} to say whether it is the only copy`,
    { hint: 'It is mirrored once Hermes has made its database anew.' },
  );
}

/** As Hermes finds it (hermes_constants.py, get_hermes_home). */
function homeFolder({ env, home, platform = process.platform }: HermesSettings): string {
  const configured = env.HERMES_HOME?.trim() ?? '';
  if (configured !== '') return resolve(configured.replace(/^~(?=$|[/\\])/, () => home));
  const local = env.LOCALAPPDATA?.trim() ?? '';
  if (platform === 'win32' && local !== '') return join(local, 'hermes');
  return join(home, '.hermes');
}
