import { dirname, join, sep } from 'node:path';
import type { Clock } from '../../src/clock.js';
import type { TracecraftError } from '../../src/errors.js';
import type { DirectoryEntry, Io } from '../../src/io.js';
import type { Pass, Stream, Watcher } from '../../src/mirror/stream.js';
import { eachOnce, unreadable } from '../unreadable.js';
import { DirectoryListings, isBelow } from './directory-listings.js';
import { Links } from './links.js';

/** What a harness that keeps its transcripts as files has to say about them. */
export interface TreeRules<Place> {
  readonly harness: string;
  /** Folders that may hold transcripts, whether or not they exist. */
  readonly roots: readonly string[];
  /** More of them, as the harness's settings say now. */
  moreRoots?(): Promise<readonly string[]>;
  /** Whether a folder, by its path below a root, may hold transcripts. */
  isFolder(path: readonly string[]): boolean;
  /** What a file is, by its path below a root; `undefined` for everything that is never shipped. */
  placeOf(path: readonly string[]): Place | undefined;
  /** Whether a place is not its file but the folder around it, whose files make up one stream. */
  isFolderOf?(place: Place): boolean;
  /** `undefined` while nothing says which session it belongs to. */
  open(source: string, place: Place): Stream | undefined | Promise<Stream | undefined>;
  /** Sessions that the harness itself reports as running. */
  live?(): Promise<ReadonlySet<string>>;
}

export interface TreeSettings {
  readonly io: Io;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Called once for each folder or file that exists but cannot be read; the sweep continues without it. */
  readonly onUnreadable?: (error: TracecraftError) => void;
}

/** What rules read the disk with. */
export interface TreeDisk {
  readonly io: Io;
  readonly clock: Clock;
  readonly listings: DirectoryListings;
  readonly onUnreadable: (error: TracecraftError) => void;
}

interface FolderPlace {
  readonly path: string;
  readonly below: readonly string[];
}

interface Folder extends FolderPlace {
  readonly entries: readonly DirectoryEntry[];
}

interface Found {
  readonly folder: string;
  readonly sources: ReadonlySet<string>;
  readonly streams: readonly Stream[];
}

/** A main stream that is told in the states of its rows. */
function isDocument({ kind, name }: Stream): boolean {
  return kind === 'records' && name === '';
}

const noEntries: readonly DirectoryEntry[] = [];

/**
 * A watcher over files whose place says what they are. A folder is listed and read once while nothing in it changes;
 * whatever no rule allows is neither opened nor watched.
 */
export class TranscriptTree<Place> implements Watcher {
  readonly harness: string;
  readonly #rules: TreeRules<Place>;
  readonly #disk: TreeDisk;
  #roots: readonly string[];
  readonly #streams = new Map<string, Stream>();
  readonly #found = new WeakMap<readonly DirectoryEntry[], Found>();
  readonly #within = new WeakMap<readonly DirectoryEntry[], readonly FolderPlace[]>();
  /** Roots below which some file does not say its session yet. */
  readonly #waiting = new Set<string>();
  /** By root: what the last complete pass came across. */
  readonly #lastPass = new Map<string, readonly Found[]>();

  constructor(settings: TreeSettings, rulesOf: (disk: TreeDisk) => TreeRules<Place>) {
    const onUnreadable = eachOnce((error) => settings.onUnreadable?.(error));
    const links = new Links({
      allowed: () => [settings.home, ...this.#roots],
      mirrored: () => this.#roots,
      isTranscript: (path) => this.#placeOf(path) !== undefined || path.endsWith('.jsonl'),
    });
    const { clock } = settings;
    const io = links.reading(settings.io);
    const listings = new DirectoryListings(settings.io, clock, onUnreadable, links);
    this.#disk = { io, clock, listings, onUnreadable };
    this.#rules = rulesOf(this.#disk);
    this.#roots = this.#rules.roots;
    this.harness = this.#rules.harness;
  }

  async roots(): Promise<readonly string[]> {
    const more = (await this.#rules.moreRoots?.()) ?? [];
    this.#roots = [...new Set([...this.#rules.roots, ...more])];
    const roots = new Map<string, string>();
    for (const root of this.#roots) {
      const identity = await this.#identityOf(root);
      if (identity !== undefined && !roots.has(identity)) roots.set(identity, root);
    }
    return [...roots.values()];
  }

  async *streams(root: string, pass: Pass = 'all'): AsyncGenerator<readonly Stream[]> {
    const isKnown = pass === 'recent' && !this.#waiting.has(root);
    if (isKnown && !(await this.#disk.listings.isNewsBelow(root))) return;
    this.#disk.listings.beginPass(root);
    const all: Found[] = [];
    this.#waiting.delete(root);
    for await (const folder of this.#folders({ path: root, below: [] }, pass)) {
      const found = this.#found.get(folder.entries) ?? (await this.#search(root, folder));
      all.push(found);
      if (found.streams.length > 0) yield found.streams;
    }
    this.#forgetAllBut(root, all);
  }

  async streamOf(path: string): Promise<Stream | undefined> {
    const place = this.#placeOf(path);
    const source = place === undefined ? path : this.#sourceOf(path, place);
    const known = this.#streams.get(source);
    if (known !== undefined && !isDocument(known)) return known;
    this.#disk.listings.heardOf(path);
    if (place === undefined) return undefined;
    if (!(await this.#isThere(path))) return undefined;
    const stream = await this.#meet(source, place);
    const isReplaced = stream !== undefined && isDocument(stream) && !(await this.#counts(stream));
    return isReplaced ? undefined : stream;
  }

  /** Whether the sweep would find it. */
  async #counts({ source }: Stream): Promise<boolean> {
    const path = dirname(source);
    const entries = (await this.#disk.listings.list(path)) ?? noEntries;
    const folder = { path, below: this.#below(path) ?? [], entries };
    const { streams } = await this.#search(this.#rootOf(path) ?? path, folder);
    return streams.some((one) => one.source === source);
  }

  ignores(path: string): boolean {
    const below = this.#below(path);
    if (below === undefined || below.length === 0) return false;
    return !this.#rules.isFolder(below) && this.#rules.placeOf(below) === undefined;
  }

  async live(): Promise<ReadonlySet<string>> {
    return (await this.#rules.live?.()) ?? new Set();
  }

  /** Every folder that may hold transcripts, each before those in it. Not recursive: each level would cost each folder a turn. */
  async *#folders(root: FolderPlace, pass: Pass): AsyncGenerator<Folder> {
    const waiting = [root];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      const entries = (await this.#disk.listings.list(at.path, pass)) ?? noEntries;
      yield { ...at, entries };
      waiting.push(...this.#foldersIn(at, entries));
    }
  }

  /** The last one first; determined once while the listing is unchanged. */
  #foldersIn(
    { path, below }: FolderPlace,
    entries: readonly DirectoryEntry[],
  ): readonly FolderPlace[] {
    const known = this.#within.get(entries);
    if (known !== undefined) return known;
    const within: FolderPlace[] = [];
    for (const { name, kind } of entries) {
      const inside = kind === 'directory' ? [...below, name] : undefined;
      if (inside === undefined || !this.#rules.isFolder(inside)) continue;
      within.push({ path: join(path, name), below: inside });
    }
    if (within.length > 0) this.#within.set(entries, within.reverse());
    return within;
  }

  /** What a folder contains: determined once while its listing is unchanged and the owner of each file is known. */
  async #search(root: string, { path, below, entries }: Folder): Promise<Found> {
    const sources = new Set<string>();
    const streams: Stream[] = [];
    for (const { name, kind } of entries) {
      const place = kind === 'file' ? this.#rules.placeOf([...below, name]) : undefined;
      if (place === undefined) continue;
      const source = this.#sourceOf(path + sep + name, place);
      if (sources.has(source)) continue;
      sources.add(source);
      const stream = this.#streams.get(source) ?? (await this.#meet(source, place));
      if (stream !== undefined) streams.push(stream);
    }
    const isWhole = streams.length === sources.size;
    const found = { folder: path, sources, streams: this.#withoutReplaced(streams) };
    if (isWhole) this.#found.set(entries, found);
    else this.#waiting.add(root);
    return found;
  }

  /** A harness that begins to append keeps the document that it wrote anew before, and does not touch it again. */
  #withoutReplaced(streams: readonly Stream[]): readonly Stream[] {
    const keyOf = ({ session, name }: Stream): string => `${session.id} ${name}`;
    if (!streams.some((one) => isDocument(one))) return streams;
    const appended = new Set(streams.filter(({ kind }) => kind === 'lines').map(keyOf));
    return streams.filter((one) => !isDocument(one) || !appended.has(keyOf(one)));
  }

  async #meet(source: string, place: Place): Promise<Stream | undefined> {
    const stream = await this.#rules.open(source, place);
    const known = this.#streams.get(source);
    if (known !== undefined || stream === undefined) return known;
    this.#streams.set(source, stream);
    return stream;
  }

  #forgetAllBut(root: string, pass: readonly Found[]): void {
    const last = this.#lastPass.get(root) ?? [];
    this.#lastPass.set(root, pass);
    const isSame = last.length === pass.length && last.every((one, index) => one === pass[index]);
    if (isSame) return;
    const sources = new Set(pass.flatMap((one) => [...one.sources]));
    this.#disk.listings.keepOnly(root, new Set(pass.map(({ folder }) => folder)));
    for (const source of this.#streams.keys()) {
      if (isBelow(source, root) && !sources.has(source)) this.#streams.delete(source);
    }
  }

  #placeOf(path: string): Place | undefined {
    const below = this.#below(path);
    if (below === undefined || below.some((name) => name.startsWith('.'))) return undefined;
    const isReached = below.every(
      (_name, index) =>
        index === below.length - 1 || this.#rules.isFolder(below.slice(0, index + 1)),
    );
    return isReached ? this.#rules.placeOf(below) : undefined;
  }

  #below(path: string): readonly string[] | undefined {
    const root = this.#rootOf(path);
    if (root === undefined) return undefined;
    return path === root ? [] : path.slice(root.length + 1).split(sep);
  }

  #rootOf(path: string): string | undefined {
    return this.#roots.find((one) => path === one || isBelow(path, one));
  }

  #sourceOf(path: string, place: Place): string {
    return this.#rules.isFolderOf?.(place) === true ? dirname(path) : path;
  }

  /** Whether the sweep would find it: a file of that name, in folders that are not links. */
  async #isThere(path: string): Promise<boolean> {
    const below = this.#below(path) ?? [];
    let folder = path.slice(0, path.length - below.join(sep).length - 1);
    for (const [index, name] of below.entries()) {
      const kind = index === below.length - 1 ? 'file' : 'directory';
      if (!(await this.#disk.listings.has(folder, name, kind))) return false;
      folder = join(folder, name);
    }
    return below.length > 0;
  }

  /** Two paths may reach the same folder. */
  async #identityOf(folder: string): Promise<string | undefined> {
    try {
      const stat = await this.#disk.io.stat(folder);
      return stat?.kind === 'directory' ? `${stat.dev}:${stat.ino}` : undefined;
    } catch (error) {
      this.#disk.onUnreadable(unreadable(folder, error));
      return undefined;
    }
  }
}
