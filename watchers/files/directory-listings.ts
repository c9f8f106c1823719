import { dirname, join, sep } from 'node:path';
import type { Clock } from '../../src/clock.js';
import type { TracecraftError } from '../../src/errors.js';
import { coarsestTimeMs, type DirectoryEntry, type FileStat, type Io } from '../../src/io.js';
import { calmAfterMs, type Pass, restingAfterMs } from '../../src/mirror/stream.js';
import { passedOver, unreadable } from '../unreadable.js';
import type { Links } from './links.js';

interface Listing {
  readonly token: string;
  readonly entries: readonly DirectoryEntry[];
  readonly listedAtMs: number;
  /** When the disk was asked whether it is still as listed. Monotonic, as is the time before. */
  askedAtMs: number;
  /** By the folder's own time. */
  readonly modifiedAtMs: number;
  /** It had just changed when it was listed: its next change may get the same times. */
  readonly isFresh: boolean;
}

const listAgainAfterMs = 60_000;
/** Folders whose times say that nothing happened for an hour. */
const listCalmAgainAfterMs = 1_440_000;
const askRestingAgainAfterMs = 1_440_000;

/**
 * What is in a folder (the same array while nothing changes), listed again when the folder's times change and every 60 s
 * in any case, every 24 minutes if it is calm: some network drives leave the times as they were. A folder that cannot be read is reported, and counts as absent.
 */
export class DirectoryListings {
  readonly #io: Io;
  readonly #clock: Clock;
  readonly #onUnreadable: (error: TracecraftError) => void;
  readonly #links: Links | undefined;
  readonly #listings = new Map<string, Listing>();
  /** Those that a pass over recent folders asks about, and some that it need not. */
  readonly #awake = new Set<string>();
  /** They were found with other entries since the last pass began. */
  readonly #news = new Set<string>();
  /** Something was heard of there since they were listed. */
  readonly #heardOf = new Set<string>();

  constructor(io: Io, clock: Clock, onUnreadable: (error: TracecraftError) => void, links?: Links) {
    this.#links = links;
    this.#io = io;
    this.#clock = clock;
    this.#onUnreadable = onUnreadable;
  }

  /**
   * Omits dotfiles; symbolic links that are not followed are of kind 'other'. `undefined` if the folder does not exist
   * or cannot be read.
   */
  async list(folder: string, pass: Pass = 'all'): Promise<readonly DirectoryEntry[] | undefined> {
    const known = this.#listings.get(folder);
    if (known !== undefined && this.#mayStay(folder, known, pass)) return known.entries;
    try {
      return await this.#list(folder);
    } catch (error) {
      this.#onUnreadable(unreadable(folder, error));
      return undefined;
    }
  }

  /** What a pass over recent folders would find in it without asking the disk; `undefined`: that is not known. */
  asListed(folder: string): readonly DirectoryEntry[] | undefined {
    const known = this.#listings.get(folder);
    return known !== undefined && this.#mayStay(folder, known, 'recent')
      ? known.entries
      : undefined;
  }

  /** An event at this path: it may be a folder, or new in one. */
  heardOf(path: string): void {
    for (const folder of [dirname(path), path]) {
      if (!this.#listings.has(folder)) continue;
      this.#heardOf.add(folder);
      this.#awake.add(folder);
    }
  }

  /** Whether a pass over recent folders would find anything else than the last pass did. */
  async isNewsBelow(root: string): Promise<boolean> {
    if (!this.#listings.has(root)) return true;
    const isBelowRoot = beneath(root);
    const isIts = (folder: string): boolean => folder === root || isBelowRoot(folder);
    for (const folder of this.#awake) {
      const listing = this.#listings.get(folder);
      if (listing === undefined || this.#isCalm(folder, listing)) this.#awake.delete(folder);
      else if (isIts(folder)) await this.list(folder);
    }
    for (const folder of this.#news) if (isIts(folder)) return true;
    return false;
  }

  /** Below this root, everything is looked through from here on. */
  beginPass(root: string): void {
    const isIts = beneath(root);
    for (const folder of this.#news) {
      if (folder === root || isIts(folder)) this.#news.delete(folder);
    }
  }

  #mayStay(folder: string, known: Listing, pass: Pass): boolean {
    if (pass === 'all' || !this.#isCalm(folder, known)) return false;
    if (pass === 'recent') return true;
    const isResting = known.modifiedAtMs < this.#clock.now() - restingAfterMs;
    return isResting && this.#clock.monotonic() - known.askedAtMs < askRestingAgainAfterMs;
  }

  /** A pass over recent folders takes it as it was. */
  #isCalm(folder: string, { isFresh, modifiedAtMs }: Listing): boolean {
    if (isFresh || this.#heardOf.has(folder)) return false;
    return modifiedAtMs < this.#clock.now() - calmAfterMs;
  }

  /** Whether a folder holds an entry of this name and kind now, whatever was listed before. */
  async has(folder: string, name: string, kind: DirectoryEntry['kind']): Promise<boolean> {
    const isThere = (entry: DirectoryEntry): boolean => entry.name === name && entry.kind === kind;
    if ((await this.list(folder))?.some(isThere)) return true;
    this.#listings.delete(folder);
    return (await this.list(folder))?.some(isThere) ?? false;
  }

  /** Forgets every listing below a folder except the given ones. */
  keepOnly(root: string, folders: ReadonlySet<string>): void {
    const isIts = beneath(root);
    for (const folder of this.#listings.keys()) {
      if (isIts(folder) && !folders.has(folder)) this.#listings.delete(folder);
    }
  }

  async #list(folder: string): Promise<readonly DirectoryEntry[] | undefined> {
    this.#heardOf.delete(folder);
    const stat = await this.#io.stat(folder);
    if (stat?.kind !== 'directory') return this.#gone(folder);
    const now = this.#clock.monotonic();
    const token = `${stat.dev}:${stat.ino}:${stat.mtimeMs}:${stat.ctimeNs}`;
    const known = this.#listings.get(folder);
    const isCurrent = known !== undefined && known.token === token && !known.isFresh;
    if (isCurrent && now - known.listedAtMs < this.#listAgainAfterMs(stat)) {
      known.askedAtMs = now;
      if (!this.#isCalm(folder, known)) this.#awake.add(folder);
      return known.entries;
    }
    const entries = await this.#io.readdir(folder);
    if (entries === undefined) return this.#gone(folder);
    const visible = entries.filter(({ name }) => !name.startsWith('.'));
    const listed = await Promise.all(visible.map((entry) => this.#seen(folder, entry)));
    const kept = known !== undefined && isSame(known.entries, listed) ? known.entries : listed;
    if (kept !== known?.entries) this.#news.add(folder);
    this.#awake.add(folder);
    this.#listings.set(folder, {
      token,
      entries: kept,
      listedAtMs: now,
      askedAtMs: now,
      modifiedAtMs: stat.mtimeMs,
      isFresh: this.#hasJustChanged(stat),
    });
    return kept;
  }

  #gone(folder: string): undefined {
    if (this.#listings.delete(folder)) this.#news.add(folder);
    return undefined;
  }

  #listAgainAfterMs({ mtimeMs }: FileStat): number {
    const isCalm = mtimeMs < this.#clock.now() - calmAfterMs;
    return isCalm ? listCalmAgainAfterMs : listAgainAfterMs;
  }

  /** A link that may be followed counts as its target; any other is reported by name. */
  #seen(folder: string, entry: DirectoryEntry): DirectoryEntry | Promise<DirectoryEntry> {
    if (entry.name.includes('\ufffd'))
      this.#onUnreadable(passedOver(join(folder, entry.name), 'its name is not UTF-8'));
    if (entry.kind !== 'other' || this.#links === undefined) return entry;
    return this.#followed(this.#links, join(folder, entry.name), entry);
  }

  async #followed(links: Links, path: string, entry: DirectoryEntry): Promise<DirectoryEntry> {
    const target = await links.follow(path);
    if (target === undefined) return entry;
    if (target.kind !== 'refused') return { ...entry, kind: target.kind };
    this.#onUnreadable(passedOver(path, target.reason));
    return entry;
  }

  #hasJustChanged(stat: FileStat): boolean {
    return stat.mtimeMs > this.#clock.now() - coarsestTimeMs;
  }
}

export function isBelow(path: string, folder: string): boolean {
  return beneath(folder)(path);
}

/** `isBelow`, for many paths. */
export function beneath(folder: string): (path: string) => boolean {
  const start = folder.endsWith(sep) ? folder : folder + sep;
  return (path) => path.startsWith(start);
}

function isSame(before: readonly DirectoryEntry[], now: readonly DirectoryEntry[]): boolean {
  if (before.length !== now.length) return false;
  return now.every(({ name, kind }, index) => {
    const one = before[index];
    return one?.name === name && one.kind === kind;
  });
}
