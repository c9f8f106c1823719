import { rm } from 'node:fs/promises';
import { inParallel } from '../../concurrency.js';
import { NotFoundError, TracecraftError, UnreachableError } from '../../errors.js';
import type { Io } from '../../io.js';
import { type ArtifactStore, findArtifact, type StoredArtifact } from './artifacts.js';
import type { DownloadFolder } from './download-folder.js';
import { digestFile, type FileDigest } from './file-digest.js';
import { readUploads, type Upload } from './recorded-uploads.js';

/** An artifact that is replaced during the download is downloaded again, up to this often. */
const attempts = 3;
const transfers = 16;
/** A download is streamed to disk, so its memory use does not depend on its size. */
const bytesInMemory = 4 * 1024 * 1024;

export interface DownloadOptions {
  readonly artifacts: readonly StoredArtifact[];
  readonly folder: DownloadFolder;
  /** Bytes of all artifacts received so far. */
  readonly onProgress?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

export interface Downloaded {
  readonly step: string;
  readonly name: string;
  readonly key: string;
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  /** Whether it matches what its uploader recorded; `false` if nothing was recorded. */
  readonly verified: boolean;
}

export interface DownloadFailure {
  readonly artifact: StoredArtifact;
  readonly error: TracecraftError;
}

export interface DownloadReport {
  /** In key order. */
  readonly downloaded: readonly Downloaded[];
  /** Those that were discarded, and why; the others are kept. */
  readonly failed: readonly DownloadFailure[];
  /** What stopped it before everything was tried: an unreachable store. */
  readonly stopped: unknown;
}

/**
 * Downloads artifacts into a folder under their names. Each is written to a temporary file, checked against the
 * SHA-256 its uploader recorded, and only then given its name.
 */
export async function downloadArtifacts(
  place: ArtifactStore,
  io: Io,
  { artifacts, folder, onProgress = () => undefined, signal }: DownloadOptions,
): Promise<DownloadReport> {
  const { uploads } = await readUploads(place, artifacts);
  const downloaded: Downloaded[] = [];
  const failed: DownloadFailure[] = [];
  let total = 0;
  const stopped = await inParallel(
    artifacts,
    async (artifact, signal) => {
      let before = 0;
      const onBytes = (bytes: number): void => {
        total += bytes - before;
        before = bytes;
        onProgress(total);
      };
      const fetching: Fetching = { place, io, folder, onBytes, signal };
      try {
        downloaded.push(await download(fetching, artifact, uploads.get(artifact.key) ?? []));
      } catch (error) {
        if (!(error instanceof TracecraftError) || error instanceof UnreachableError) throw error;
        failed.push({ artifact, error });
      }
    },
    { atOnce: transfers, bytesOf: () => bytesInMemory, signal },
  ).then(
    () => undefined,
    (error: unknown) => error,
  );
  failed.sort((left, right) => byKey(left.artifact, right.artifact));
  return { downloaded: downloaded.sort(byKey), failed, stopped };
}

interface Fetching {
  readonly place: ArtifactStore;
  readonly io: Io;
  readonly folder: DownloadFolder;
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal;
}

async function download(
  fetching: Fetching,
  first: StoredArtifact,
  firstUploads: readonly Upload[],
): Promise<Downloaded> {
  const { place, io, folder, onBytes, signal } = fetching;
  await folder.assertFree(first.name);
  const staged = folder.stage();
  let artifact = first;
  let uploads = firstUploads;
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    await place.bucket.getFile(artifact.key, staged, { onProgress: onBytes, signal });
    const digest = await digestFile(io, staged);
    if (isWanted(artifact, uploads, digest)) {
      const path = await folder.place(staged, artifact.name);
      const { step, name, key } = artifact;
      const { size, sha256 } = digest;
      return {
        step,
        name,
        key,
        path,
        size,
        sha256,
        verified: artifact.pinned !== undefined || uploads.length > 0,
      };
    }
    await rm(staged, { force: true });
    // Only the content that was handed over will do.
    if (artifact.pinned !== undefined) break;
    // Another upload may have happened in between, or its event only appeared now.
    const present = await findArtifact(place, artifact);
    if (present === undefined)
      throw new NotFoundError(`${artifact.key} was removed during the download`);
    const recorded = await readUploads(place, [present], { thorough: true });
    uploads = recorded.uploads.get(present.key) ?? [];
    artifact = present;
  }
  throw new TracecraftError(
    'damaged',
    `${artifact.key} is not what was ${artifact.pinned === undefined ? 'uploaded' : 'handed over'}: its SHA-256 differs; nothing was kept`,
    { hint: 'It was damaged or overwritten in the bucket. Upload it again.' },
  );
}

function isWanted(
  { pinned, size }: StoredArtifact,
  uploads: readonly Upload[],
  digest: FileDigest,
): boolean {
  if (pinned !== undefined) return pinned.sha256 === digest.sha256 && pinned.size === digest.size;
  return isRecorded(uploads, digest) || (uploads.length === 0 && digest.size === size);
}

function isRecorded(uploads: readonly Upload[], { size, sha256 }: FileDigest): boolean {
  return uploads.some((upload) => upload.sha256 === sha256 && upload.size === size);
}

function byKey(left: { readonly key: string }, right: { readonly key: string }): number {
  return left.key < right.key ? -1 : 1;
}
