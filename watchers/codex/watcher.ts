import { basename, dirname, join, resolve, sep } from 'node:path';
import type { Clock } from '../../src/clock.js';
import type { TracecraftError } from '../../src/errors.js';
import type { Io } from '../../src/io.js';
import type { Pass, Stream, Watcher } from '../../src/mirror/stream.js';
import { beneath, DirectoryListings, isBelow } from '../files/directory-listings.js';
import { Links } from '../files/links.js';
import { packableFile, packedSuffix } from '../files/packable-file.js';
import { UnpackedFiles } from '../files/zstd-file.js';
import { eachOnce, unreadable } from '../unreadable.js';
import { codex } from './description.js';
import { foldCodexRow } from './facts.js';
import {
  deepestFolder,
  isFolderOfInterest,
  type RolloutName,
  rolloutFolders,
  rolloutNameOf,
  streamNameOf,
} from './layout.js';
import { RolloutThreads } from './rollout-threads.js';
import { ThreadNames } from './thread-names.js';
import { openThreads } from './writer-locks.js';

export interface CodexSettings {
  readonly io: Io;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Called once for each folder or file that exists but cannot be read; the sweep continues without it. */
  readonly onUnreadable?: (error: TracecraftError) => void;
}

const harness = codex.name;

/**
 * Codex's rollouts, below `CODEX_HOME` or `~/.codex`: one file per thread in `sessions/`, moved to
 * `archived_sessions/` when archived, and packed in place where that feature is on. A session is a thread, whatever
 * its file is called and wherever it is: a sub-agent's or a fork's is a session of its own that names its parent,
 * while the segments created by reverts are further streams of the same one. A renamed file is a new stream object of
 * the same session; a file and its packed twin are one.
 */
export class CodexWatcher implements Watcher {
  readonly harness = harness;
  readonly #settings: CodexSettings;
  readonly #home: string;
  readonly #listings: DirectoryListings;
  readonly #threads: RolloutThreads;
  readonly #names: ThreadNames;
  readonly #unpackedFiles: UnpackedFiles;
  readonly #onUnreadable: (error: TracecraftError) => void;
  readonly #streams = new Map<string, Stream>();
  /** Roots below which some file does not say its thread yet. */
  readonly #waiting = new Set<string>();

  constructor(settings: CodexSettings) {
    const { clock } = settings;
    this.#home = codexHome(settings);
    const links = new Links({
      allowed: () => [settings.home, this.#home],
      mirrored: () => this.#rootPaths(),
      isTranscript: (path) => rolloutNameOf(basename(path)) !== undefined,
    });
    const io = links.reading(settings.io);
    this.#settings = { ...settings, io };
    this.#onUnreadable = eachOnce((error) => settings.onUnreadable?.(error));
    this.#listings = new DirectoryListings(io, clock, this.#onUnreadable, links);
    this.#threads = new RolloutThreads(io, this.#onUnreadable);
    this.#names = new ThreadNames(io, this.#home, this.#onUnreadable);
    this.#unpackedFiles = new UnpackedFiles(() => clock.monotonic());
  }

  async roots(): Promise<readonly string[]> {
    const roots: string[] = [];
    for (const root of this.#rootPaths()) if (await this.#isFolder(root)) roots.push(root);
    return roots;
  }

  async *streams(root: string, pass: Pass = 'all'): AsyncGenerator<readonly Stream[]> {
    this.#unpackedFiles.tidy();
    const mayBeAsBefore = pass === 'recent' && !this.#waiting.has(root);
    if (mayBeAsBefore && !(await this.#listings.isNewsBelow(root))) return;
    this.#listings.beginPass(root);
    this.#waiting.delete(root);
    const known = [...this.#streams.keys()].filter(beneath(root));
    const folders = new Set<string>();
    const sources = new Set<string>();
    for await (const { folder, files } of this.#foldersBelow(root, deepestFolder, pass)) {
      folders.add(folder);
      const streams: Stream[] = [];
      for (const file of files) {
        const name = rolloutNameOf(file);
        const source = name === undefined ? undefined : join(folder, name.plain);
        if (name === undefined || source === undefined || sources.has(source)) continue;
        sources.add(source);
        const stream = this.#streams.get(source) ?? (await this.#meet(source, name));
        if (stream === undefined) this.#waiting.add(root);
        else streams.push(stream);
      }
      yield streams;
    }
    this.#listings.keepOnly(root, folders);
    this.#threads.keepOnly(root, sources);
    for (const source of known) if (!sources.has(source)) this.#streams.delete(source);
  }

  async streamOf(path: string): Promise<Stream | undefined> {
    const root = this.#rootPaths().find((candidate) => isBelow(path, candidate));
    if (root === undefined) return undefined;
    const name = rolloutNameOf(basename(path));
    const source = join(dirname(path), name?.plain ?? basename(path));
    const known = this.#streams.get(source);
    if (known !== undefined) return known;
    this.#listings.heardOf(path);
    if (name === undefined) return undefined;
    return (await this.#isThere(root, source)) ? this.#meet(source, name) : undefined;
  }

  async live(): Promise<ReadonlySet<string>> {
    try {
      return await openThreads(this.#settings.io, this.#listings, this.#home);
    } catch (error) {
      this.#onUnreadable(unreadable(this.#home, error));
      return new Set();
    }
  }

  #rootPaths(): readonly string[] {
    return rolloutFolders.map((name) => join(this.#home, name));
  }

  async *#foldersBelow(folder: string, depth: number, pass: Pass): AsyncGenerator<Folder> {
    const entries = (await this.#listings.list(folder, pass)) ?? [];
    yield { folder, files: entries.filter(({ kind }) => kind === 'file').map(({ name }) => name) };
    if (depth === 0) return;
    for (const { name, kind } of entries) {
      if (kind !== 'directory' || !isFolderOfInterest(name)) continue;
      yield* this.#foldersBelow(join(folder, name), depth - 1, pass);
    }
  }

  /** A stream that is not known yet; `undefined` while nothing names its thread. */
  async #meet(source: string, name: RolloutName): Promise<Stream | undefined> {
    const threadId = await this.#threads.threadOf(source, name);
    if (threadId === undefined) return undefined;
    const known = this.#streams.get(source);
    if (known !== undefined) return known;
    const scope = { threadId, nameOf: (id: string) => this.#names.of(id) };
    const stream = packableFile({
      io: this.#settings.io,
      path: source,
      session: { harness, id: threadId },
      name: streamNameOf(name),
      unpackedFiles: this.#unpackedFiles,
      facts: (line, before) => foldCodexRow(line, before, scope),
      beforeRead: () => this.#names.refresh(),
    });
    this.#streams.set(source, stream);
    return stream;
  }

  /** Whether the sweep would find it: a file of that name or its packed twin, in folders that are not links. */
  async #isThere(root: string, source: string): Promise<boolean> {
    const names = source.slice(root.length + 1).split(sep);
    const file = names.pop() ?? '';
    if (names.length > deepestFolder || !names.every(isFolderOfInterest)) return false;
    let folder = root;
    for (const name of names) {
      if (!(await this.#listings.has(folder, name, 'directory'))) return false;
      folder = join(folder, name);
    }
    return (
      (await this.#listings.has(folder, file, 'file')) ||
      (await this.#listings.has(folder, file + packedSuffix, 'file'))
    );
  }

  async #isFolder(path: string): Promise<boolean> {
    try {
      return (await this.#settings.io.stat(path))?.kind === 'directory';
    } catch (error) {
      this.#onUnreadable(unreadable(path, error));
      return false;
    }
  }
}

interface Folder {
  readonly folder: string;
  readonly files: readonly string[];
}

function codexHome({ env, home }: CodexSettings): string {
  const configured = env.CODEX_HOME?.trim() ?? '';
  return configured === '' ? join(home, '.codex') : resolve(configured);
}
