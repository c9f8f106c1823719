import type { Bucket, Stored } from '../../bucket/bucket.js';
import type { Listing } from './listing.js';

/** How many parts of one stream are fetched before they are asked for, and how many bytes of them unless told. */
const mostAhead = 16;
const fewBytes = 1024 * 1024;

/** Reads the part of this name, as listed. */
export type ReadPartNamed = (name: string) => Promise<Stored | undefined>;

/**
 * Only the end of one part tells the name of the next, but the listing tells what that can be: the
 * parts that follow in it are fetched meanwhile, up to `mostBytes` of them. Unless told, only small
 * ones: with large ones it is not the waiting that takes time.
 */
export function readingAhead(
  bucket: Bucket,
  { prefix, parts }: Pick<Listing, 'prefix' | 'parts'>,
  mostBytes = fewBytes,
): ReadPartNamed {
  const names = [...parts.keys()].sort();
  const places = new Map(names.map((name, index) => [name, index]));
  const underWay = new Map<string, Promise<Stored | undefined>>();
  const begin = (name: string): void => {
    const reading = bucket.get(prefix + name);
    // It is awaited when it is asked for, if ever; until then its failure must not count as unhandled.
    reading.catch(() => undefined);
    underWay.set(name, reading);
  };
  return async (name) => {
    const place = places.get(name) ?? names.length;
    // Parts that the stream does not follow are never asked for.
    for (const other of underWay.keys()) {
      if ((places.get(other) ?? 0) < place) underWay.delete(other);
    }
    if (!underWay.has(name)) begin(name);
    let bytes = 0;
    for (const next of names.slice(place + 1, place + 1 + mostAhead)) {
      bytes += parts.get(next)?.size ?? 0;
      if (bytes > mostBytes) break;
      if (!underWay.has(next)) begin(next);
    }
    const reading = underWay.get(name);
    underWay.delete(name);
    return reading;
  };
}
