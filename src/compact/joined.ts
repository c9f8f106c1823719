import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Bucket } from '../bucket/bucket.js';
import { completeLines } from '../mirror/lines.js';
import { type Listing, newestFirst } from '../mirror/slots/listing.js';
import { readChain } from '../mirror/slots/reader.js';

/** How far a chain was followed. */
export interface Extent {
  readonly generation: number;
  readonly parts: number;
  readonly lines: number;
}

const nothing: Extent = { generation: 0, parts: 0, lines: 0 };

/**
 * Writes the main stream to a file, part by part, in the order a reader follows: the newest
 * readable generation, with the parts it shares with older ones written once. Holds one part in
 * memory.
 */
export async function joinChain(
  bucket: Bucket,
  listing: Listing,
  path: string,
  signal?: AbortSignal,
): Promise<Extent> {
  const file = await open(path, 'w', 0o600);
  try {
    for (const generation of newestFirst(listing)) {
      let extent: Extent = { ...nothing, generation };
      for await (const part of readChain(bucket, listing, generation)) {
        signal?.throwIfAborted();
        await file.appendFile(part.body);
        const lines = extent.lines + completeLines(part.body).length;
        extent = { generation, parts: extent.parts + 1, lines };
      }
      if (extent.parts > 0) return extent;
    }
    return nothing;
  } finally {
    await file.close();
  }
}

/**
 * A digest of what a listing shows: names, sizes and times, no content. As long as it is unchanged,
 * so is the chain.
 */
export function listingDigest({ parts, generations }: Listing): string {
  const hash = createHash('sha256');
  for (const [name, { size, modifiedAt }] of [...parts].sort(byName)) {
    hash.update(`${name} ${size} ${modifiedAt.getTime()}\n`);
  }
  for (const [number, document] of [...generations].sort(([left], [right]) => left - right)) {
    hash.update(`gen ${number} ${document.firstSeq} ${JSON.stringify(document.base)}\n`);
  }
  return hash.digest('hex').slice(0, 32);
}

function byName([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : 1;
}
