import { onDisk } from '../../bucket/disk-errors.js';
import { inParallel } from '../../concurrency.js';
import { TracecraftError, UsageError } from '../../errors.js';
import type { FileStat, Io } from '../../io.js';
import { sharedStep } from '../../protocol/artifacts.js';
import { stepId } from '../../protocol/names.js';
import type { CoordinationContext } from '../context.js';
import { writeEvent } from '../events.js';
import { digestFile } from './file-digest.js';
import type { UploadSource } from './sources.js';

/** A file that somebody writes to is tried again, then given up. */
const attempts = 3;
const transfers = 16;

export interface UploadOptions {
  /** Or `shared`. */
  readonly step: string;
  readonly sources: readonly UploadSource[];
  /** Bytes of all files that were sent so far. */
  readonly onProgress?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

export interface Uploaded {
  readonly step: string;
  readonly name: string;
  readonly key: string;
  readonly size: number;
  readonly sha256: string;
}

export interface UploadFailure {
  readonly name: string;
  readonly path: string;
  readonly error: TracecraftError;
}

export interface UploadReport {
  /** In the order of their names. */
  readonly uploaded: readonly Uploaded[];
  /** Files that could not be read or kept; the others are there all the same. */
  readonly failed: readonly UploadFailure[];
  /** What ended it before all was tried, e.g. a store that is down. */
  readonly stopped: unknown;
}

/** Sends files in flat memory, each with an event that says what is in it. What is there of that name is replaced. */
export async function uploadArtifacts(
  context: CoordinationContext,
  io: Io,
  { step: named, sources, onProgress = () => undefined, signal }: UploadOptions,
): Promise<UploadReport> {
  const step = stepId(named);
  const keys = sources.map(({ name }) => context.layout.artifact(step, name));
  if (new Set(keys).size < keys.length) throw new UsageError('two files would have the same name');
  const uploaded: Uploaded[] = [];
  const failed: UploadFailure[] = [];
  const meter = createMeter(onProgress);
  const stopped = await inParallel(
    sources,
    async (source, signal) => {
      const sent = await upload({ context, io, step, signal }, source, meter());
      if (sent instanceof TracecraftError) failed.push({ ...source, error: sent });
      else uploaded.push(sent);
    },
    { atOnce: transfers, bytesOf: ({ size }) => size, signal },
  ).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { uploaded: uploaded.sort(byName), failed: failed.sort(byName), stopped };
}

interface Uploading {
  readonly context: CoordinationContext;
  readonly io: Io;
  readonly step: string;
  readonly signal: AbortSignal;
}

/** An error of the file is a value, one of the store is thrown. */
async function upload(
  { context, io, step, signal }: Uploading,
  { path, name }: UploadSource,
  onBytes: (bytes: number) => void,
): Promise<Uploaded | TracecraftError> {
  const key = context.layout.artifact(step, name);
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const before = await onDisk(`read ${path}`, () => io.stat(path));
    // Side by side: the second reader finds the bytes in memory. That both saw the same file is told by before and after.
    const [digest, sent] = await Promise.allSettled([
      digestFile(io, path),
      context.bucket.putFile(key, path, { onProgress: onBytes, signal }),
    ]);
    if (digest.status === 'rejected') return ofFile(digest.reason);
    if (sent.status === 'rejected') return ofFile(sent.reason, UsageError);
    const after = await onDisk(`read ${path}`, () => io.stat(path));
    const { size, sha256, stat } = digest.value;
    if (!isSame(before, stat) || !isSame(stat, after) || size !== stat.size) continue;
    await writeEvent(context, {
      type: 'artifact.uploaded',
      ...(step === sharedStep ? {} : { step }),
      data: { ref: { key, id: sha256 }, name, size, sha256 },
    });
    return { step, name, key, size, sha256 };
  }
  return new UsageError(`${path} changes while it is sent`, {
    hint: 'Send it again when nobody writes to it.',
  });
}

function ofFile(
  error: unknown,
  kind: new (...parameters: never) => TracecraftError = TracecraftError,
): TracecraftError {
  if (error instanceof kind) return error;
  throw error;
}

function isSame(left: FileStat | undefined, right: FileStat | undefined): boolean {
  return (
    left !== undefined &&
    left.dev === right?.dev &&
    left.ino === right.ino &&
    left.size === right.size &&
    left.ctimeNs === right.ctimeNs
  );
}

/** Adds up what is told file by file; a file that is sent again begins anew. */
function createMeter(onProgress: (bytes: number) => void): () => (bytes: number) => void {
  let total = 0;
  return () => {
    let before = 0;
    return (bytes) => {
      total += bytes - before;
      before = bytes;
      onProgress(total);
    };
  };
}

function byName(left: { readonly name: string }, right: { readonly name: string }): number {
  return left.name < right.name ? -1 : 1;
}
