import type { Key } from '../../bucket/bucket.js';
import { inParallel } from '../../concurrency.js';
import { LostError } from '../../errors.js';
import type { SessionRef } from '../stream.js';
import { deleteIndexLines } from './index-lines.js';
import type { RemovalStore } from './record.js';

export interface Deleted {
  readonly objects: number;
  readonly bytes: number;
}

/** Whoever still writes notices the record within minutes, and deletes what came after this. */
const mostRounds = 8;

/**
 * Deletes every object of a session: parts, generations, `meta.json`, compacted copies, and its lines in derived indexes. The further streams go first: as
 * long as anything is left of the session's own folder, the session can still be named.
 */
export async function deleteSession(store: RemovalStore, ref: SessionRef): Promise<Deleted> {
  const { layout } = store;
  const prefixes = [
    layout.streamsOf(ref.harness, ref.id),
    layout.session(ref.harness, ref.id),
  ] as const;
  let deleted: Deleted = { objects: 0, bytes: 0 };
  for (let round = 0; round < mostRounds; round += 1) {
    let found = 0;
    for (const prefix of prefixes) {
      const some = await deleteBelow(store, prefix);
      found += some.objects;
      deleted = { objects: deleted.objects + some.objects, bytes: deleted.bytes + some.bytes };
    }
    if (found > 0) continue;
    await deleteIndexLines(store, ref);
    return deleted;
  }
  throw new LostError(`others keep writing ${ref.harness}/${ref.id}`, {
    hint: 'Try again: whoever mirrors it notices within 10 minutes that it was removed.',
  });
}

async function deleteBelow({ bucket }: RemovalStore, prefix: string): Promise<Deleted> {
  const keys: Key[] = [];
  let bytes = 0;
  for await (const entry of bucket.list(prefix)) {
    if (entry.kind !== 'object') continue;
    keys.push(entry.key);
    bytes += entry.size;
  }
  await inParallel(keys, (key) => bucket.delete(key));
  return { objects: keys.length, bytes };
}
