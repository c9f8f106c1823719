import { randomBytes } from 'node:crypto';
import type { Bucket } from '../../bucket/bucket.js';
import { encodeDocument } from '../../protocol/documents.js';
import type { Layout } from '../../protocol/keys.js';

interface Place {
  readonly bucket: Bucket;
  readonly layout: Layout;
}

/**
 * Changes whenever somebody begins to take text out of the bucket on purpose. A pack is made of what was read a moment
 * ago, so whoever puts one compares the mark of before with the mark of after: either the purge had begun, and the
 * writer takes its pack back; or it begins later, and finds the pack.
 */
export async function readPurgeMark({ bucket, layout }: Place): Promise<string> {
  return (await bucket.get(layout.searchPurge()))?.etag ?? '';
}

/** Before the first object is removed or rewritten, and again after the last: a part may have been sent in between. */
export async function changePurgeMark({ bucket, layout }: Place): Promise<void> {
  const at = (await bucket.now()).toISOString();
  const body = encodeDocument({ schema: 1, at, nonce: randomBytes(16).toString('hex') });
  await bucket.put(layout.searchPurge(), body, { contentType: 'application/json' });
}
