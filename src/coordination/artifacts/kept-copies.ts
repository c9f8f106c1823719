import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bucket } from '../../bucket/bucket.js';
import { UnreachableError } from '../../errors.js';

/** Metadata of the object under a key. */
export interface Head {
  readonly etag: string;
  readonly size: number;
  readonly modifiedAt: Date;
}

/** `undefined`: there is no such object. */
export async function headOf(bucket: Bucket, key: string): Promise<Head | undefined> {
  const stored = await bucket.get(key, { range: { start: 0, end: 0 } });
  if (stored === undefined) return undefined;
  const { etag, size, modifiedAt } = stored;
  return { etag, size, modifiedAt };
}

/** The largest body written conditionally, from memory. Larger files go up in parts, which most stores accept unconditionally. */
export const mostConditionalBytes = 16 * 1024 * 1024;

/** Where an artifact is kept once its name is reused. Derived from the ETag, so that copying twice is harmless. */
export function copyKey(key: string, etag: string): string {
  return `${key}~${createHash('sha256').update(etag).digest('hex').slice(0, 12)}`;
}

/**
 * Copies the object now under a key, and confirms the copy. `false`: the object changed meanwhile,
 * and nothing was kept. Call it before replacing an artifact, because a handoff may name it.
 */
export async function keepCopy(
  bucket: Bucket,
  key: string,
  { etag, size }: Head,
): Promise<boolean> {
  const copy = copyKey(key, etag);
  if ((await headOf(bucket, copy))?.size === size) return true;
  const isCopied =
    size > mostConditionalBytes
      ? await copyLarge(bucket, key, etag, copy)
      : await copySmall(bucket, key, etag, copy);
  if (!isCopied) return false;
  if ((await headOf(bucket, copy))?.size === size) return true;
  throw new UnreachableError(`not known whether ${copy} was written`, {
    hint: 'Nothing was replaced. Try again.',
  });
}

async function copySmall(
  bucket: Bucket,
  key: string,
  etag: string,
  copy: string,
): Promise<boolean> {
  const stored = await bucket.get(key);
  if (stored?.etag !== etag) return false;
  await bucket.put(copy, stored.body);
  return true;
}

/** Copies through a file, because the object may not fit into memory. */
async function copyLarge(
  bucket: Bucket,
  key: string,
  etag: string,
  copy: string,
): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'tracecraft-copy-'));
  try {
    const path = join(folder, 'artifact');
    await bucket.getFile(key, path);
    // It must not have changed while it was read.
    if ((await headOf(bucket, key))?.etag !== etag) return false;
    await bucket.putFile(copy, path);
    return true;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
