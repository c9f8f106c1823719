import { join } from 'node:path';
import type { TracecraftError } from '../../src/errors.js';
import type { Stream, Watcher } from '../../src/mirror/stream.js';
import { DirectoryListings, isBelow } from '../files/directory-listings.js';
import type { TreeSettings } from '../files/transcript-tree.js';
import { eachOnce, unreadable } from '../unreadable.js';
import { OpenCodeDatabase } from './database.js';
import { openCode } from './description.js';
import { isDatabase, type OpenCodePlace, placeOfDatabases } from './layout.js';

/** opencode's sessions. A session that is in several databases is read from the first one. */
export class OpenCodeWatcher implements Watcher {
  readonly harness = openCode.name;
  readonly #settings: TreeSettings;
  readonly #place: OpenCodePlace;
  readonly #listings: DirectoryListings;
  readonly #onUnreadable: (error: TracecraftError) => void;
  readonly #databases = new Map<string, OpenCodeDatabase>();
  readonly #streams = new Map<string, Stream>();

  constructor(settings: TreeSettings) {
    this.#settings = settings;
    this.#place = placeOfDatabases(settings);
    this.#onUnreadable = eachOnce((error) => settings.onUnreadable?.(error));
    this.#listings = new DirectoryListings(settings.io, settings.clock, this.#onUnreadable);
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

  async *streams(root: string): AsyncGenerator<readonly Stream[]> {
    if (root !== this.#place.folder) return;
    const present = new Set<string>();
    const seen = new Set<string>();
    for (const database of await this.#present()) {
      const ids = [...(await this.#sessionsIn(database))].filter((id) => !seen.has(id));
      for (const id of ids) {
        seen.add(id);
        present.add(database.sourceOf(id));
      }
      yield ids.map((id) => this.#stream(database, id));
    }
    for (const source of this.#streams.keys())
      if (!present.has(source)) this.#streams.delete(source);
  }

  async streamOf(path: string): Promise<Stream | undefined> {
    if (!isBelow(path, this.#place.folder)) return undefined;
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

  async #present(): Promise<readonly OpenCodeDatabase[]> {
    const entries = (await this.#listings.list(this.#place.folder)) ?? [];
    const names = entries.filter(
      ({ name, kind }) => kind === 'file' && isDatabase(this.#place, name),
    );
    return names.map(({ name }) => this.#database(join(this.#place.folder, name)));
  }

  async #sessionsIn(database: OpenCodeDatabase): Promise<ReadonlySet<string>> {
    try {
      return new Set((await database.sessions()).keys());
    } catch (error) {
      this.#onUnreadable(unreadable(database.path, error));
      return new Set();
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
    const source = database.sourceOf(id);
    const known = this.#streams.get(source);
    if (known !== undefined) return known;
    const stream = database.stream(id);
    this.#streams.set(source, stream);
    return stream;
  }
}
