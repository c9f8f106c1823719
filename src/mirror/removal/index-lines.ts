import type { Bucket, Key } from '../../bucket/bucket.js';
import { LostError } from '../../errors.js';
import { listedFields, parseFields, refOf } from '../index/lines.js';
import { completeLines } from '../lines.js';
import { type SessionRef, sessionKeyOf } from '../stream.js';
import type { RemovalStore } from './record.js';

/** Its owner writes a file once a minute at most. */
const mostAttempts = 8;

/** Takes a session's lines, which have its title, out of every machine's derived index. */
export async function deleteIndexLines(
  { bucket, layout }: RemovalStore,
  ref: SessionRef,
): Promise<void> {
  const keys: Key[] = [];
  for await (const entry of bucket.list(layout.indexes())) {
    if (entry.kind === 'object' && entry.key.endsWith('.jsonl')) keys.push(entry.key);
  }
  for (const key of keys) await deleteLines(bucket, key, ref);
}

async function deleteLines(bucket: Bucket, key: Key, ref: SessionRef): Promise<void> {
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const stored = await bucket.get(key);
    if (stored === undefined) return;
    const lines = completeLines(stored.body);
    const kept = lines.filter((line) => !isAbout(line, ref));
    if (kept.length === lines.length) return;
    const options = { contentType: 'application/jsonl' };
    const body = Buffer.concat(kept);
    if (!bucket.capabilities.putIfMatch) {
      await bucket.put(key, body, options);
      return;
    }
    if ((await bucket.putIfMatch(key, body, stored.etag, options)).written) return;
  }
  throw new LostError(`others keep writing ${key}`, { hint: 'Try again.' });
}

function isAbout(line: Buffer, ref: SessionRef): boolean {
  const [document] = parseFields(listedFields, line);
  if (document === undefined) return false;
  return sessionKeyOf(refOf(document)) === sessionKeyOf(ref);
}
