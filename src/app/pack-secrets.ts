import type { Bucket, Key } from '../bucket/bucket.js';
import type { Layout } from '../protocol/keys.js';
import { addCounts, type Counts } from '../redact/counts.js';
import type { Redactor } from '../redact/redact.js';
import { DamagedPackError } from '../search/pack/bytes.js';
import { SharedPacks } from '../search/published/shared-packs.js';

interface Search {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly redactor: Redactor;
}

/** Nothing in a pack can be replaced, but what it holds is in the parts too: it can go. */
export function isPackKey({ layout }: Pick<Search, 'layout'>, key: Key): boolean {
  return key.startsWith(layout.searchPacks()) && key.endsWith('.pack');
}

/** What the texts of a pack hold; `undefined` if this is no pack that can be opened. */
export async function secretsInPack(
  search: Search,
  { key, size }: { readonly key: Key; readonly size: number },
): Promise<Counts | undefined> {
  if (!isPackKey(search, key)) return undefined;
  const { bucket, layout, redactor } = search;
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
