import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../../src/clock.js';
import { SourceError, type TracecraftError } from '../../src/errors.js';
import type { FileStat, Io } from '../../src/io.js';
import type {
  Chunk,
  FileSnapshot,
  JsonValue,
  Position,
  ReadLimit,
  RecordStream,
  SealedLine,
  SessionRef,
} from '../../src/mirror/stream.js';
import { unreadable } from '../unreadable.js';
import type { DirectoryListings } from './directory-listings.js';
import { snapshotOf } from './file-snapshot.js';
import { openRegular } from './jsonl-file.js';

interface WriteOnceFilesOptions {
  readonly io: Io;
  readonly clock: Clock;
  readonly listings: DirectoryListings;
  readonly folder: string;
  readonly session: SessionRef;
  readonly name: string;
  /** The type that each line states. */
  readonly type: string;
  /** Only files with this ending count; the rest of the name is the id. */
  readonly suffix: string;
  readonly onUnreadable: (error: TracecraftError) => void;
}

interface Observed {
  readonly token: string;
  readonly size: number;
  readonly modifiedAtMs: number;
  /** Monotonic: when it was first seen in this state. */
  readonly sinceMs: number;
  readonly isUnchanged: boolean;
}

const unchangedMs = 2_000;
/** As JSON it may grow sixfold, and Node cannot hold a string of more than 512 MiB. */
const largestFile = 64 << 20;

/**
 * A folder of files that are written once. Each becomes one line `{"type", "id", "text"}` once it has not changed for
 * 2 s. The text is encoded after redaction; if it was not UTF-8, the line says `"lossy": true`. Taken files are
 * remembered by id, so one that changes later is not taken again.
 */
export class WriteOnceFiles implements RecordStream {
  readonly kind = 'records';
  readonly #options: WriteOnceFilesOptions;
  readonly #observed = new Map<string, Observed>();

  constructor(options: WriteOnceFilesOptions) {
    this.#options = options;
  }

  get session(): SessionRef {
    return this.#options.session;
  }

  get name(): string {
    return this.#options.name;
  }

  get source(): string {
    return this.#options.folder;
  }

  /** The snapshot also changes when a file's quiet time is over, although nothing happened on disk. */
  async changed(since: FileSnapshot | undefined): Promise<FileSnapshot | undefined> {
    const snapshot = await this.#observe();
    return snapshot?.token === since?.token ? undefined : snapshot;
  }

  async read(from: Position, limit: ReadLimit): Promise<Chunk | 'moved' | 'gone'> {
    const taken = idsIn(from.at);
    if (taken === undefined) return 'moved';
    const snapshot = await this.#observe();
    if (snapshot === undefined) return 'gone';
    const lines: SealedLine[] = [];
    let sourceBytes = 0;
    let more = false;
    for (const [id, observed] of this.#waiting(taken)) {
      const isFull =
        lines.length > 0 &&
        (sourceBytes + observed.size > limit.bytes || lines.length >= (limit.lines ?? Infinity));
      more = isFull;
      if (isFull) break;
      const text = await this.#take(id, observed);
      if (text === undefined) continue;
      lines.push({ text, seal: (redacted) => this.#seal(id, redacted) });
      sourceBytes += text.length;
      taken.add(id);
    }
    const next = { line: from.line + lines.length, at: [...taken].sort() };
    const rest = more ? 0 : this.#unsettledBytes(taken);
    return { lines, next, snapshot, sourceBytes, rest, more };
  }

  fold(from: Position, shipped: readonly Buffer[]): Position {
    const taken = idsIn(from.at) ?? new Set<string>();
    for (const line of shipped) {
      const id = this.#idOf(line);
      if (id !== undefined) taken.add(id);
    }
    return { line: from.line + shipped.length, at: [...taken].sort() };
  }

  facts: RecordStream['facts'] = (_line, before) => before;

  async #observe(): Promise<FileSnapshot | undefined> {
    const { listings, folder, suffix, clock } = this.#options;
    const entries = await listings.list(folder);
    if (entries === undefined) return undefined;
    const now = clock.monotonic();
    const present = new Set<string>();
    for (const { name, kind } of entries) {
      if (kind !== 'file' || !name.endsWith(suffix) || name === suffix) continue;
      const id = name.slice(0, -suffix.length);
      if (await this.#observeFile(id, now)) present.add(id);
    }
    for (const id of this.#observed.keys()) if (!present.has(id)) this.#observed.delete(id);
    return this.#snapshot();
  }

  /** Whether it exists. A file that is quiet is not examined again before it is read. */
  async #observeFile(id: string, now: number): Promise<boolean> {
    const known = this.#observed.get(id);
    if (known?.isUnchanged) return true;
    const stat = await this.#stat(id);
    if (stat?.kind !== 'file') return false;
    const { token, size, modifiedAtMs } = snapshotOf(stat);
    const isSame = known?.token === token;
    const sinceMs = isSame ? known.sinceMs : now;
    const isUnchanged = isSame && now - sinceMs >= unchangedMs && size <= largestFile;
    if (!isSame && size > largestFile) this.#options.onUnreadable(tooLarge(this.#path(id)));
    this.#observed.set(id, { token, size, modifiedAtMs, sinceMs, isUnchanged });
    return true;
  }

  #snapshot(): FileSnapshot {
    const hash = createHash('sha256');
    let size = 0;
    let modifiedAtMs = 0;
    for (const id of [...this.#observed.keys()].sort()) {
      const observed = this.#observed.get(id);
      if (observed === undefined) continue;
      hash.update(`${id}\0${observed.token}\0${observed.isUnchanged ? 'settled' : ''}\0`);
      size += observed.size;
      modifiedAtMs = Math.max(modifiedAtMs, observed.modifiedAtMs);
    }
    return { token: hash.digest('hex').slice(0, 32), size, modifiedAtMs };
  }

  /** Quiet and not taken, in the order they became quiet, ties by name. */
  #waiting(taken: ReadonlySet<string>): readonly (readonly [string, Observed])[] {
    return [...this.#observed]
      .filter(([id, { isUnchanged }]) => isUnchanged && !taken.has(id))
      .sort(
        ([leftId, left], [rightId, right]) =>
          left.sinceMs - right.sinceMs || (leftId < rightId ? -1 : 1),
      );
  }

  /** The whole text, if the file is unchanged since; otherwise it has to be quiet again first. */
  async #take(id: string, observed: Observed): Promise<Buffer | undefined> {
    const { io, clock } = this.#options;
    const file = await openRegular(io, this.#path(id));
    if (file === undefined) return this.#unsettle(id);
    try {
      const buffer = Buffer.allocUnsafeSlow(observed.size);
      const text = buffer.subarray(0, await file.read(buffer, 0));
      const after = snapshotOf(await file.stat());
      if (after.token === observed.token) return text;
      return this.#unsettle(id, { ...after, sinceMs: clock.monotonic(), isUnchanged: false });
    } catch (error) {
      throw unreadable(this.#path(id), error);
    } finally {
      await file.close();
    }
  }

  #unsettle(id: string, observed?: Observed): undefined {
    if (observed === undefined) this.#observed.delete(id);
    else this.#observed.set(id, observed);
    return undefined;
  }

  #unsettledBytes(taken: ReadonlySet<string>): number {
    let bytes = 0;
    for (const [id, { isUnchanged, size }] of this.#observed) {
      if (!isUnchanged && !taken.has(id) && size <= largestFile) bytes += size;
    }
    return bytes;
  }

  #seal(id: string, redacted: Buffer): Buffer {
    const { type } = this.#options;
    const text = redacted.toString('utf8');
    const lossy = isUtf8(redacted) ? {} : { lossy: true };
    return Buffer.from(`${JSON.stringify({ type, id, text, ...lossy })}\n`);
  }

  #idOf(line: Buffer): string | undefined {
    const row = parsed(line);
    if (typeof row !== 'object' || row === null) return undefined;
    if (!('type' in row) || row.type !== this.#options.type || !('id' in row)) return undefined;
    return typeof row.id === 'string' && row.id !== '' ? row.id : undefined;
  }

  async #stat(id: string): Promise<FileStat | undefined> {
    try {
      return await this.#options.io.stat(this.#path(id));
    } catch (error) {
      throw unreadable(this.#path(id), error);
    }
  }

  #path(id: string): string {
    return join(this.#options.folder, id + this.#options.suffix);
  }
}

function idsIn(at: JsonValue): Set<string> | undefined {
  if (at === null) return new Set();
  if (!Array.isArray(at)) return undefined;
  const ids = at.filter((id) => typeof id === 'string');
  return ids.length === at.length ? new Set(ids) : undefined;
}

function parsed(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
}

function tooLarge(path: string): SourceError {
  return new SourceError('not-allowed', `not mirrored, larger than 64 MiB: ${path}`, {
    hint: 'A spilled tool result is redacted as a whole, which is impossible at this size.',
  });
}
