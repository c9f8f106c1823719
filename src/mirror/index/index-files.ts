import type { Bucket, Key } from '../../bucket/bucket.js';
import type { Layout } from '../../protocol/keys.js';

/** Files of all machines' indexes. */
export interface IndexFiles {
  readonly keys: readonly Key[];
  /** When the last of them was written, by the store's clock; `undefined` if there is none. */
  readonly asOf: Date | undefined;
}

export async function listIndexFiles(
  bucket: Bucket,
  layout: Layout,
  { ending = '', mostBytes = Number.POSITIVE_INFINITY } = {},
): Promise<IndexFiles> {
  const keys: Key[] = [];
  let asOf: Date | undefined;
  for await (const entry of bucket.list(layout.indexes())) {
    if (entry.kind !== 'object' || entry.size > mostBytes || !entry.key.endsWith(ending)) continue;
    keys.push(entry.key);
    if (asOf === undefined || entry.modifiedAt > asOf) asOf = entry.modifiedAt;
  }
  return { keys, asOf };
}
