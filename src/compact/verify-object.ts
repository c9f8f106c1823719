import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bucket, Etag, Key } from '../bucket/bucket.js';
import { md5Of } from '../bucket/etag.js';
import { UnreachableError } from '../errors.js';

/** `md5`: the store's own MD5 of the object matches the file. `read-back`: the object was read and compared. */
export type Verified = 'md5' | 'read-back';

/**
 * Compares the object under `key` with the file that was sent. If the ETag is the content's MD5, that suffices;
 * others (multipart, encrypted, the Hub's) say nothing about content, so the object is read once. 'replaced' if
 * someone else wrote it meanwhile.
 */
export async function verifyObject(
  bucket: Bucket,
  key: Key,
  sent: Etag,
  path: string,
  folder: string,
): Promise<Verified | 'replaced'> {
  const present = await etagOf(bucket, key);
  if (present !== sent) return 'replaced';
  const md5 = md5Of(sent);
  if (md5 !== undefined && md5 === (await digestOf(path, 'md5'))) return 'md5';
  const back = join(folder, 'read-back');
  try {
    await bucket.getFile(key, back);
    if ((await digestOf(back, 'sha256')) === (await digestOf(path, 'sha256'))) return 'read-back';
  } finally {
    await rm(back, { force: true });
  }
  if ((await etagOf(bucket, key)) !== sent) return 'replaced';
  throw new UnreachableError(`${key} in ${bucket.location} is not what was sent`, {
    hint: 'The store, or something in front of it, changed the bytes. The parts are unchanged; compact again.',
  });
}

async function etagOf(bucket: Bucket, key: Key): Promise<Etag | undefined> {
  return (await bucket.get(key, { range: { start: 0, end: 0 } }))?.etag;
}

async function digestOf(path: string, algorithm: 'md5' | 'sha256'): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}
