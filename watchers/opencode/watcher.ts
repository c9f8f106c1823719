import { join } from 'node:path';
import type { TracecraftError } from '../../src/errors.js';
import type { Pass, Stream, Watcher } from '../../src/mirror/stream.js';
import { DirectoryListings, isBelow } from '../files/directory-listings.js';
import type { TreeSettings } from '../files/transcript-tree.js';
import { eachOnce, unreadable } from '../unreadable.js';
import { OpenCodeDatabase } from './database.js';
import { openCode } from './description.js';
import { isDatabase, type OpenCodePlace, placeOfDatabases } from './layout.js';
import { OpenCodeTrees } from './tree.js';

/** What one look found, by session id: in each database, and of what the files of earlier releases are left with. */
interface Looked {
  readonly held: ReadonlyMap<OpenCodeDatabase, ReadonlyMap<string, unknown>>;
  readonly trees: Awaited<ReturnType<OpenCodeTrees['places']>>;
}

const noSessions: ReadonlyMap<string, unknown> = new Map();

/**
 * opencode's sessions. A session that is in several databases is read from the first one; one that is in none, from the
 * files in which releases before 1.2 left it.
 */
export class OpenCodeWatcher implements Watcher {
  readonly harness = openCode.name;
  readonly #settings: TreeSettings;
  readonly #place: OpenCodePlace;
  readonly #listings: DirectoryListings;
  readonly #onUnreadable: (error: TracecraftError) => void;
  readonly #trees: OpenCodeTrees;
  readonly #databases = new Map<string, OpenCodeDatabase>();
  readonly #streams = new Map<string, Stream>();
  /** What the last recent pass found. */
  #passed: Looked = { held: new Map(), trees: new Map() };

  constructor(settings: TreeSettings) {
    this.#settings = settings;
    this.#place = placeOfDatabases(settings);
    this.#onUnreadable = eachOnce((error) => settings.onUnreadable?.(error));
    this.#listings = new DirectoryListings(settings.io, settings.clock, this.#onUnreadable);
    this.#trees = new OpenCodeTrees({
      ...settings,
      folder: this.#place.folder,
      listings: this.#listings,
      onUnreadable: this.#onUnreadable,
    });
  }

  async roots(): Promise<readonly string[]> {
    try {
      const stat = await this.#settings.io.stat(this.#place.folder);
      return stat?.kind === 'directory' ? [this.#place.folder] : [];
    } catch (error) {
      this.#onUnreadable(unreadable(this.#place.folder, error));
      return [];
    }
  }

  async *streams(root: string, pass: Pass = 'all'): AsyncGenerator<readonly Stream[]> {
    if (root !== this.#place.folder) return;
    const looked = await this.#look(pass);
    if (pass === 'recent' && areSame(looked, this.#passed)) return;
    const present = new Set<string>();
    const seen = new Set<string>();
    for (const [database, held] of looked.held) {
      const ids = [...held.keys()].filter((id) => !seen.has(id));
      for (const id of ids) {
        seen.add(id);
        present.add(database.sourceOf(id));
      }
      yield ids.map((id) => this.#stream(database, id));
    }
    const left = [...looked.trees].filter(([id]) => !seen.has(id));
    for (const [, { session }] of left) present.add(session);
    yield left.map(([id, place]) =>
      this.#known(place.session, () => this.#trees.stream(id, place)),
    );
    for (const source of this.#streams.keys())
      if (!present.has(source)) this.#streams.delete(source);
    if (pass === 'recent') this.#passed = looked;
  }

  async #look(pass: Pass): Promise<Looked> {
    const held = new Map<OpenCodeDatabase, ReadonlyMap<string, unknown>>();
    for (const database of await this.#present())
      held.set(database, await this.#sessionsIn(database));
    return { held, trees: await this.#trees.places(pass) };
  }

  async streamOf(path: string): Promise<Stream | undefined> {
    if (!isBelow(path, this.#place.folder)) return undefined;
    const tree = path.endsWith('.json') ? await this.#treeAt(path) : undefined;
    if (tree !== undefined) return tree;
    const [name = '', id] = path.slice(this.#place.folder.length + 1).split('#');
    const database = (await this.#present()).find(
      (one) => one.path === join(this.#place.folder, name.replace(/-wal$/, '')),
    );
    if (database === undefined) return undefined;
    const sessions = await this.#sessionsIn(database);
    const wanted = id ?? (await database.lastChanged());
    return wanted !== undefined && sessions.has(wanted)
      ? this.#stream(database, wanted)
      : undefined;
  }

  /** Keys, logs, snapshots and more are in the same folder. */
  ignores(path: string): boolean {
    if (!isBelow(path, this.#place.folder)) return false;
    return !isDatabase(this.#place, path.slice(this.#place.folder.length + 1).replace(/-wal$/, ''));
  }

  async live(): Promise<ReadonlySet<string>> {
    return new Set();
  }

  async #treeAt(path: string): Promise<Stream | undefined> {
    const places = [...(await this.#trees.places('all'))];
    const [id, place] = places.find(([, { session }]) => session === path) ?? [];
    if (id === undefined || place === undefined) return undefined;
    for (const database of await this.#present()) {
      if ((await this.#sessionsIn(database)).has(id)) return undefined;
    }
    return this.#known(path, () => this.#trees.stream(id, place));
  }

  async #present(): Promise<readonly OpenCodeDatabase[]> {
    const entries = (await this.#listings.list(this.#place.folder)) ?? [];
    const names = entries.filter(
      ({ name, kind }) => kind === 'file' && isDatabase(this.#place, name),
    );
    return names.map(({ name }) => this.#database(join(this.#place.folder, name)));
  }

  async #sessionsIn(database: OpenCodeDatabase): Promise<ReadonlyMap<string, unknown>> {
    try {
      return await database.sessions();
    } catch (error) {
      this.#onUnreadable(unreadable(database.path, error));
      return noSessions;
    }
  }

  #database(path: string): OpenCodeDatabase {
    const known = this.#databases.get(path);
    if (known !== undefined) return known;
    const database = new OpenCodeDatabase(path, this.#settings);
    this.#databases.set(path, database);
    return database;
  }

  #stream(database: OpenCodeDatabase, id: string): Stream {
    return this.#known(database.sourceOf(id), () => database.stream(id));
  }

  #known(source: string, open: () => Stream): Stream {
    const known = this.#streams.get(source);
    if (known !== undefined) return known;
    const stream = open();
    this.#streams.set(source, stream);
    return stream;
  }
}

/** Where trees are left, their files are looked at one by one anyway. */
function areSame(now: Looked, before: Looked): boolean {
  if (now.trees.size > 0 || before.trees.size > 0 || now.held.size !== before.held.size)
    return false;
  return [...now.held].every(([database, held]) => before.held.get(database) === held);
}
