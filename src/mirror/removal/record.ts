import type { Bucket, Etag } from '../../bucket/bucket.js';
import { inParallel } from '../../concurrency.js';
import { RefusedError } from '../../errors.js';
import { DocumentError, parseDocument } from '../../protocol/documents.js';
import type { Layout } from '../../protocol/keys.js';
import { type RemovalDocument, removalSchema } from '../../protocol/removal.js';
import type { SessionRef } from '../stream.js';

export interface RemovalStore {
  readonly bucket: Bucket;
  readonly layout: Layout;
}

export interface StoredRemoval {
  readonly document: RemovalDocument;
  readonly etag: Etag;
}

/** `undefined`: the session was never removed. `DocumentError` if the record cannot be read. */
export async function readRemoval(
  { bucket, layout }: RemovalStore,
  { harness, id }: SessionRef,
): Promise<StoredRemoval | undefined> {
  const key = layout.removal(harness, id);
  const stored = await bucket.get(key);
  if (stored === undefined) return undefined;
  return { document: parseDocument(removalSchema, key, stored.body), etag: stored.etag };
}

/** Throws a `RefusedError` for a session that was removed. */
export async function requireKept(store: RemovalStore, ref: SessionRef): Promise<void> {
  const removal = await readRemoval(store, ref);
  if (removal?.document.state !== 'removed') return;
  const { agent, at } = removal.document;
  const name = `${ref.harness}/${ref.id}`;
  throw new RefusedError(`${name} was removed from the bucket by ${agent} at ${at}`, {
    hint: `"tracecraft session remove ${name} --undo" allows it to be mirrored again.`,
  });
}

/** The sessions that are removed now. */
export async function listRemoved(store: RemovalStore): Promise<readonly RemovalDocument[]> {
  return (await listRemovals(store)).filter(({ state }) => state === 'removed');
}

/** Every record, also of what was restored. One that cannot be read names nobody. */
export async function listRemovals({
  bucket,
  layout,
}: RemovalStore): Promise<readonly RemovalDocument[]> {
  const keys: string[] = [];
  for await (const entry of bucket.list(layout.removals())) {
    if (entry.kind === 'object') keys.push(entry.key);
  }
  const read = await inParallel(keys, async (key) => {
    const stored = await bucket.get(key);
    return stored === undefined ? undefined : readable(key, stored.body);
  });
  return read.flatMap((one) => (one === undefined ? [] : [one]));
}

function readable(key: string, body: Buffer): RemovalDocument | undefined {
  try {
    return parseDocument(removalSchema, key, body);
  } catch (error) {
    if (error instanceof DocumentError) return undefined;
    throw error;
  }
}
