import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NotFoundError } from '../../errors.js';
import type { Io } from '../../io.js';
import type { ArtifactPin } from '../../protocol/coordination.js';
import { isArbitrated } from '../claims/document.js';
import {
  type ArtifactStore,
  findArtifact,
  resolveArtifact,
  type StoredArtifact,
} from './artifacts.js';
import { digestFile } from './file-digest.js';
import { type Head, headOf, keepCopy } from './kept-copies.js';
import { readUploads } from './recorded-uploads.js';

/**
 * What a completion records about its artifacts: their content at this moment, so that a later upload does not change
 * what was handed over. A name is one of the step's, a shared one, or `STEP/NAME`.
 */
export async function pinArtifacts(
  place: ArtifactStore,
  io: Io,
  step: string,
  names: readonly string[],
): Promise<ArtifactPin[]> {
  return Promise.all(
    names.map(async (name) => {
      const own = await findArtifact(place, { step, name });
      const artifact = own ?? (await resolveArtifact(place, name, undefined));
      return pinOf(place, io, artifact);
    }),
  );
}

const attempts = 3;

async function pinOf(place: ArtifactStore, io: Io, artifact: StoredArtifact): Promise<ArtifactPin> {
  const { key, step } = artifact;
  const name = `${step}/${artifact.name}`;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const head = await presentOf(place, key);
    // Nothing prevents a later upload from replacing it unseen.
    if (!isArbitrated(place) && !(await keepCopy(place.bucket, key, head))) continue;
    const { etag, size } = head;
    const { uploads } = await readUploads(place, [{ ...artifact, ...head }], { thorough: true });
    const recorded = uploads.get(key)?.findLast(({ etag }) => etag === head.etag);
    if (recorded !== undefined) return { name, etag, size, sha256: recorded.sha256 };
    // Nobody recorded its digest, or another tool wrote it, so it is read once.
    const digest = await digestOf(place, io, key);
    if ((await presentOf(place, key)).etag === etag) return { name, etag, ...digest };
  }
  throw new NotFoundError(`artifact ${name} keeps changing while it is being recorded`, {
    hint: 'Complete the step when nobody writes to it.',
  });
}

async function presentOf({ bucket }: ArtifactStore, key: string): Promise<Head> {
  const head = await headOf(bucket, key);
  if (head === undefined) throw new NotFoundError(`${key} was removed meanwhile`);
  return head;
}

async function digestOf(
  { bucket }: ArtifactStore,
  io: Io,
  key: string,
): Promise<{ readonly sha256: string; readonly size: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'tracecraft-pin-'));
  try {
    const path = join(folder, 'artifact');
    await bucket.getFile(key, path);
    const { sha256, size } = await digestFile(io, path);
    return { sha256, size };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
