import { createHash, type Hash } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Chunk } from '../../watchers/resume.js';
import { isFileName } from '../../watchers/resume.js';
import { NotAllowedError, PartialError } from '../errors.js';
import {
  makeWay,
  type OutputFile,
  type RestoreDisk,
  requireClearWay,
  somethingElse,
} from './disk.js';

export interface PlacedFile {
  readonly path: string;
  readonly bytes: number;
  /** `kept`: it was there already, from a restore that was interrupted or has been resumed since. */
  readonly state: 'written' | 'kept';
}

interface StagedFile {
  readonly path: readonly string[];
  readonly staged: string;
  readonly output: OutputFile;
  readonly hash: Hash;
  readonly isReplaced: boolean;
  bytes: number;
}

/** Lines are gathered before they are written: one at a time would take longer than everything else. */
const gatherBytes = 1 << 20;
const stagingName = '.tracecraft-restore';
/** So many files are written at a time at most; tool results may be thousands. */
const mostOpen = 64;

/**
 * Files that are written aside, on the same file system and where no harness looks, and then put in place one by one
 * under names where nothing is. Until then nothing of a restore can be seen; killed at any moment, it can be run again.
 */
export class Staging {
  readonly #disk: RestoreDisk;
  readonly #root: string;
  readonly #folder: string;
  readonly #files = new Map<string, StagedFile>();
  readonly #closed = new Set<string>();
  /** What was added to `#open` last and is not written yet. */
  #gathered: Buffer | undefined;
  #length = 0;
  #open: StagedFile | undefined;

  private constructor(disk: RestoreDisk, root: string, folder: string) {
    this.#disk = disk;
    this.#root = root;
    this.#folder = folder;
  }

  /** `unique` keeps restores of different sessions apart. What an earlier one left there is removed. */
  static async open(disk: RestoreDisk, root: string, unique: string): Promise<Staging> {
    const above = join(root, stagingName);
    const folder = join(above, unique);
    await requireClearWay(disk, root, [stagingName, unique, '']);
    await disk.remove(folder);
    await disk.makeFolder(above);
    await disk.makeFolder(folder);
    await requireClearWay(disk, root, [stagingName, unique, '']);
    return new Staging(disk, root, folder);
  }

  get files(): number {
    return this.#files.size;
  }

  /** Adds to the end of a file; until it resolves, the bytes must stay as they are. `undefined`: nothing to wait for. */
  add(chunk: Chunk): Promise<void> | undefined {
    const file = this.#open;
    const isNext = file?.path === chunk.path && this.#length + chunk.bytes.length <= gatherBytes;
    if (!isNext || this.#gathered === undefined) return this.#addTo(chunk);
    this.#gather(file, this.#gathered, chunk.bytes);
    return undefined;
  }

  async #addTo({ path, bytes, isReplaced = false }: Chunk): Promise<void> {
    const file = this.#files.get(path.join('/')) ?? (await this.#create(path, isReplaced));
    if (this.#closed.has(file.staged)) throw new Error('a file that was done is written again');
    if (file !== this.#open || this.#length + bytes.length > gatherBytes) await this.#flush();
    this.#open = file;
    if (bytes.length < gatherBytes) {
      this.#gathered ??= Buffer.allocUnsafeSlow(gatherBytes);
      this.#gather(file, this.#gathered, bytes);
      return;
    }
    file.bytes += bytes.length;
    await write(file, bytes);
  }

  #gather(file: StagedFile, gathered: Buffer, bytes: Buffer): void {
    bytes.copy(gathered, this.#length);
    this.#length += bytes.length;
    file.bytes += bytes.length;
  }

  async #flush(): Promise<void> {
    const [file, bytes] = [this.#open, this.#gathered?.subarray(0, this.#length)];
    this.#length = 0;
    if (file !== undefined && bytes !== undefined && bytes.length > 0) await write(file, bytes);
  }

  /** Nothing more is added to the files so far. */
  async finish(): Promise<void> {
    for (const file of this.#files.values()) await this.#end(file);
  }

  async #end(file: StagedFile): Promise<void> {
    if (this.#closed.has(file.staged)) return;
    this.#closed.add(file.staged);
    try {
      if (file === this.#open) await this.#flush();
    } finally {
      await file.output.close();
    }
  }

  /** Puts all files in place, in the order in which they were begun, or none if one of them cannot be. */
  async place(): Promise<readonly PlacedFile[]> {
    const found = await this.look();
    for (const [index, file] of [...this.#files.values()].entries()) {
      const { path, state } = found[index] ?? {};
      if (path !== undefined && state === 'written') await this.#put(file, path);
    }
    return found;
  }

  /** What placing them would do; throws if one of them cannot be placed. */
  async look(): Promise<readonly PlacedFile[]> {
    await this.finish();
    const found: PlacedFile[] = [];
    for (const file of this.#files.values()) {
      const state = (await this.#isThere(file)) ? 'kept' : 'written';
      found.push({ path: join(this.#root, ...file.path), bytes: file.bytes, state });
    }
    return found;
  }

  /** Removes everything that was not placed. */
  async close(): Promise<void> {
    for (const { staged, output } of this.#files.values()) {
      if (!this.#closed.has(staged)) await output.close().catch(() => undefined);
    }
    await this.#disk.remove(this.#folder);
    // Stays while another restore uses it.
    await this.#disk.removeEmpty(dirname(this.#folder));
  }

  async #create(path: readonly string[], isReplaced: boolean): Promise<StagedFile> {
    if (path.length === 0 || !path.every(isFileName)) {
      throw new NotAllowedError(`not a place for a file: ${JSON.stringify(path.join('/'))}`);
    }
    const open = this.#files.size - this.#closed.size;
    if (open >= mostOpen) await this.#endOldest();
    const staged = join(this.#folder, String(this.#files.size));
    const output = await this.#disk.create(staged);
    const hash = createHash('sha256');
    const file = { path, staged, output, hash, isReplaced, bytes: 0 };
    this.#files.set(path.join('/'), file);
    return file;
  }

  async #endOldest(): Promise<void> {
    const oldest = [...this.#files.values()].find(({ staged }) => !this.#closed.has(staged));
    if (oldest !== undefined) await this.#end(oldest);
  }

  /** Whether it is in place already, as it would be put or with more after it. Throws if something else is. */
  async #isThere(file: StagedFile): Promise<boolean> {
    await requireClearWay(this.#disk, this.#root, file.path);
    const path = join(this.#root, ...file.path);
    const kind = await this.#disk.kindAt(path);
    if (kind === undefined) return false;
    if (kind === 'link') {
      throw new NotAllowedError(`cannot write ${path}: it is a symbolic link`, {
        hint: 'Remove the link; its target stays as it is.',
      });
    }
    if (kind === 'file' && (file.isReplaced || (await this.#beginsLike(path, file)))) return true;
    throw somethingElse(path);
  }

  async #beginsLike(path: string, file: StagedFile): Promise<boolean> {
    const hash = createHash('sha256');
    let left = file.bytes;
    for await (const piece of this.#disk.read(path)) {
      const part = piece.subarray(0, left);
      hash.update(part);
      left -= part.length;
      if (left === 0) break;
    }
    return left === 0 && hash.digest('hex') === file.hash.copy().digest('hex');
  }

  async #put(file: StagedFile, path: string): Promise<void> {
    await makeWay(this.#disk, this.#root, file.path);
    await this.#disk.link(file.staged, path);
    await this.#requireStill(file, path);
    if (await this.#beginsLike(path, file)) return;
    throw new PartialError(`${path} does not read back as it was written`, {
      hint: 'The disk may be failing. Remove the file and restore again.',
    });
  }

  /** A folder on the way may have become a link since it was looked at; the file is then somewhere else. */
  async #requireStill(file: StagedFile, path: string): Promise<void> {
    try {
      await requireClearWay(this.#disk, this.#root, file.path);
    } catch (error) {
      await this.#disk.unlink(path);
      throw error;
    }
  }
}

async function write({ hash, output }: StagedFile, bytes: Buffer): Promise<void> {
  hash.update(bytes);
  await output.write(bytes);
}
