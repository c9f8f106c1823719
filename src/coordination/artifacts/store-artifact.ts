import type { Bucket, Etag, Written } from '../../bucket/bucket.js';
import { LostError } from '../../errors.js';
import { headOf, keepCopy } from './kept-copies.js';

export interface Replacing {
  /** Called before a name gets new content; throws `LostError` if it may not. */
  readonly mayReplace: (() => Promise<void>) | undefined;
  readonly signal: AbortSignal | undefined;
  /** The version that an earlier attempt of the same upload left: nobody saw it, so no copy is kept. */
  readonly own?: Etag | undefined;
}

const mostContests = 8;

/** Creates an artifact, or replaces exactly the version it kept a copy of. */
export async function storeBody(
  bucket: Bucket,
  key: string,
  body: Uint8Array,
  { mayReplace, signal, own }: Replacing,
): Promise<Written> {
  for (let contest = 0; contest < mostContests; contest += 1) {
    const created = await bucket.putIfAbsent(key, body, { signal });
    if (created.written) return created;
    const present = await headOf(bucket, key);
    if (present === undefined) continue;
    if (present.etag !== own) {
      await mayReplace?.();
      if (!(await keepCopy(bucket, key, present))) continue;
    }
    const replaced = await bucket.putIfMatch(key, body, present.etag, { signal });
    if (replaced.written) return replaced;
  }
  throw keepsChanging(key);
}

/** For uploads in parts and for stores that do not arbitrate, where the write itself cannot be conditional. */
export async function storeUnconditionally(
  bucket: Bucket,
  key: string,
  send: () => Promise<Written>,
  { mayReplace, own }: Pick<Replacing, 'mayReplace' | 'own'>,
): Promise<Written> {
  for (let contest = 0; contest < mostContests; contest += 1) {
    const present = await headOf(bucket, key);
    if (present === undefined || present.etag === own) return send();
    await mayReplace?.();
    if (await keepCopy(bucket, key, present)) return send();
  }
  throw keepsChanging(key);
}

function keepsChanging(key: string): LostError {
  return new LostError(`${key} keeps being replaced by others`, { hint: 'Try again.' });
}
