import type { Bucket, Key } from '../bucket/bucket.js';
import type { Layout } from '../protocol/keys.js';
import { addCounts, type Counts } from '../redact/counts.js';
import type { Redactor } from '../redact/redact.js';
import { DamagedPackError } from '../search/pack/bytes.js';
import { indexerOf, SharedPacks } from '../search/published/shared-packs.js';

interface Search {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly redactor: Redactor;
}

/** What the texts of a pack hold; `undefined` if this is no pack that can be opened. */
export async function secretsInPack(
  search: Search,
  { key, size }: { readonly key: Key; readonly size: number },
): Promise<Counts | undefined> {
  const { bucket, layout, redactor } = search;
  if (indexerOf(layout, key) === undefined) return undefined;
  const pack = await new SharedPacks(bucket, layout).read({ key, size });
  if (pack === undefined) return undefined;
  let counts: Counts = {};
  try {
    for (const { block } of [...pack.sections.keys()].flatMap((at) => pack.blocksOf(at))) {
      for (const { text } of await pack.rows(block)) {
        const found = redactor.redact(Buffer.from(text)).counts;
        if (found !== undefined) counts = addCounts(counts, Object.fromEntries(found));
      }
    }
  } catch (error) {
    if (!(error instanceof DamagedPackError)) throw error;
    return undefined;
  }
  return counts;
}
