import type { Bucket } from '../bucket/bucket.js';
import { inParallel } from '../concurrency.js';
import { compareNames, listNames, sortNames } from '../mirror/slots/session-listing.js';
import type { Layout } from '../protocol/keys.js';
import { encodeId } from '../protocol/names.js';

/** The first names of one harness's sessions, as their keys have them. */
export interface FirstNames {
  readonly harness: string;
  readonly names: readonly string[];
  /** There are no more. */
  readonly isWhole: boolean;
}

/** What S3 lists with one request. */
const pageSize = 1_000;
/** Room for sessions that the index lacks. */
const stretchSize = 800;
/** One of so many names tells where the stretches end. */
const sampled = 4;

/** Sessions that are known already. */
export interface Known {
  readonly ids: Iterable<string>;
  /** About how much of all these are: more than 0, at most 1. */
  readonly share: number;
}

export function listFirstNames(
  bucket: Bucket,
  layout: Layout,
  wanted: readonly string[],
): Promise<readonly FirstNames[]> {
  const most = bucket.kind === 's3' ? pageSize : Number.POSITIVE_INFINITY;
  return inParallel(wanted, async (harness) => {
    const names = await listNames(bucket, layout, harness, { most });
    return { harness, names, isWhole: names.length < most };
  });
}

/**
 * What follows the first page, in no order. A store gives the next page only after the one before, so sessions that are known
 * already divide the rest into stretches of about a page, which are listed at once. They leave no gap, whichever are known.
 */
export async function listOtherNames(
  bucket: Bucket,
  layout: Layout,
  { harness, names, isWhole }: FirstNames,
  { ids, share }: Known,
): Promise<readonly (readonly string[])[]> {
  if (isWhole) return [];
  const first = names.at(-1) ?? '';
  const known: string[] = [];
  let count = 0;
  for (const id of ids) {
    if (id === '') continue;
    count += 1;
    if (count % sampled === 0) known.push(encodeId(id));
  }
  const every = Math.ceil((stretchSize * share) / sampled);
  const ends = sortNames(known)
    .filter((name) => compareNames(name, first) > 0)
    .filter((_, at) => at % every === every - 1);
  const stretches = [first, ...ends].map((after, at) => ({ after, through: ends[at] }));
  return inParallel(stretches, (one) => listNames(bucket, layout, harness, one));
}
