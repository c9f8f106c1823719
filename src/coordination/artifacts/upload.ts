import { readFile } from 'node:fs/promises';
import type { Etag, Written } from '../../bucket/bucket.js';
import { onDisk } from '../../bucket/disk-errors.js';
import { inParallel } from '../../concurrency.js';
import { LostError, TracecraftError, UsageError } from '../../errors.js';
import type { FileStat, Io } from '../../io.js';
import { sharedStep } from '../../protocol/artifacts.js';
import { stepId } from '../../protocol/names.js';
import { isArbitrated } from '../claims/document.js';
import type { CoordinationContext } from '../context.js';
import { writeEvent } from '../events.js';
import { digestFile } from './file-digest.js';
import { mostConditionalBytes } from './kept-copies.js';
import type { UploadSource } from './sources.js';
import { storeBody, storeUnconditionally } from './store-artifact.js';

/** A file that is being written to is retried up to this often. */
const attempts = 3;
const transfers = 16;

export interface UploadOptions {
  /** Or `shared`. */
  readonly step: string;
  readonly sources: readonly UploadSource[];
  /** Called before a name gets new content; throws `LostError` if it may not. */
  readonly mayReplace?: () => Promise<void>;
  /** Bytes of all files sent so far. */
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
  /** Ordered by name. */
  readonly uploaded: readonly Uploaded[];
  /** Files that could not be read or stored; the others were uploaded. */
  readonly failed: readonly UploadFailure[];
  /** What stopped it before everything was tried, e.g. a store that is down. */
  readonly stopped: unknown;
}

/**
 * Uploads files, each with an event that describes its content. Replaced content is kept as a copy,
 * because a handoff may name it.
 */
export async function uploadArtifacts(
  context: CoordinationContext,
  io: Io,
  { step: named, sources, mayReplace, onProgress = () => undefined, signal }: UploadOptions,
): Promise<UploadReport> {
  const step = stepId(named);
  const keys = sources.map(({ name }) => context.layout.artifact(step, name));
  if (new Set(keys).size < keys.length) throw new UsageError('two files would have the same name');
  const uploaded: Uploaded[] = [];
  const failed: UploadFailure[] = [];
  const meter = createMeter(onProgress);
  const stopped = await inParallel(
    sources,
    // Uploads in progress continue when another file fails: half of the data is in the bucket
    // already.
    async (source) => {
      const sent = await upload({ context, io, step, mayReplace, signal }, source, meter());
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
  readonly mayReplace: UploadOptions['mayReplace'];
  readonly signal: AbortSignal | undefined;
}

interface Outgoing {
  readonly key: string;
  readonly path: string;
  readonly size: number;
  /** What the last attempt left there. */
  readonly own: Etag | undefined;
}

async function storeFile(
  { context, mayReplace, signal }: Uploading,
  { key, path, size, own }: Outgoing,
  onBytes: (bytes: number) => void,
): Promise<Written> {
  const { bucket } = context;
  const replacing = { mayReplace, signal, own };
  if (!isArbitrated(context) || size > mostConditionalBytes) {
    const send = () => bucket.putFile(key, path, { onProgress: onBytes, signal });
    return storeUnconditionally(bucket, key, send, replacing);
  }
  const body = await onDisk(`read ${path}`, () => readFile(path));
  const written = await storeBody(bucket, key, body, replacing);
  onBytes(body.byteLength);
  return written;
}

/** A file's own error, or a refusal to replace it, is a value; a store's error is thrown. */
async function upload(
  uploading: Uploading,
  { path, name }: UploadSource,
  onBytes: (bytes: number) => void,
): Promise<Uploaded | TracecraftError> {
  const { context, io, step } = uploading;
  const key = context.layout.artifact(step, name);
  let own: Etag | undefined;
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const before = await onDisk(`read ${path}`, () => io.stat(path));
    // In parallel: the second reader finds the bytes cached. Comparing before and after proves that both saw the same
    // file.
    const [digest, sent] = await Promise.allSettled([
      digestFile(io, path),
      storeFile(uploading, { key, path, size: before?.size ?? 0, own }, onBytes),
    ]);
    if (digest.status === 'rejected') return ofFile(digest.reason);
    if (sent.status === 'rejected') return ofFile(sent.reason, UsageError, LostError);
    const after = await onDisk(`read ${path}`, () => io.stat(path));
    const { size, sha256, stat } = digest.value;
    own = sent.value.etag;
    if (!isSame(before, stat) || !isSame(stat, after) || size !== stat.size) continue;
    const { etag } = sent.value;
    await writeEvent(context, {
      type: 'artifact.uploaded',
      ...(step === sharedStep ? {} : { step }),
      data: { ref: { key, id: sha256 }, name, size, sha256, etag },
    });
    return { step, name, key, size, sha256 };
  }
  return new UsageError(`${path} changes while it is being sent`, {
    hint: 'Send it again when nothing is writing to it.',
  });
}

function ofFile(
  error: unknown,
  ...kinds: readonly (new (
    ...parameters: never
  ) => TracecraftError)[]
): TracecraftError {
  const isOurs = kinds.length === 0 || kinds.some((kind) => error instanceof kind);
  if (error instanceof TracecraftError && isOurs) return error;
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

/** Adds up progress file by file; a file that is sent again starts over. */
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
