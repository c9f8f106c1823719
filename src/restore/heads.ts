import type { Bucket } from '../bucket/bucket.js';
import { LostError, NotFoundError } from '../errors.js';
import {
  chainSegments,
  currentGeneration,
  type Listing,
  newestFirst,
} from '../mirror/slots/listing.js';
import { readChain } from '../mirror/slots/reader.js';

/** One way that a stream's history went. */
export interface Head {
  readonly generation: number;
  readonly lines: number;
  readonly parts: number;
  /** When its last part was stored, by the store's clock. */
  readonly lastPartAt: Date;
  /** Who opened the generation, as its record says; unknown for the first. */
  readonly who: string | undefined;
}

interface WalkedHead extends Head {
  readonly keys: readonly string[];
}

/**
 * The generation to restore: the asked one, or the current one as long as it is also the one that was added to last.
 * Two machines that both went on leave two heads, and then only the user knows which is meant.
 */
export async function chooseGeneration(
  bucket: Bucket,
  listing: Listing,
  wanted: number | undefined,
): Promise<number> {
  if (wanted !== undefined) return requireGeneration(listing, wanted);
  const current = currentGeneration(listing);
  if (listing.newestGeneration === 0) return current;
  const heads = await headsOf(bucket, listing);
  const newest = heads.find(({ generation }) => generation === current);
  const isBehind = heads.some(
    (head) =>
      head.generation !== current && newest !== undefined && isAfter(listing, head, current),
  );
  if (!isBehind) return current;
  throw new LostError(`it went on in ${heads.length} ways: ${heads.map(headText).join('; ')}`, {
    hint: 'Choose one with --generation N.',
    details: { heads: heads.map(({ keys: _keys, ...head }) => head) },
  });
}

function requireGeneration(listing: Listing, wanted: number): number {
  const isThere = chainSegments(listing.generations, wanted) !== undefined;
  if (isThere) return wanted;
  const known = newestFirst(listing).join(', ');
  throw new NotFoundError(`there is no generation ${wanted}`, { hint: `It has ${known}.` });
}

/** Whether an older head got a part after the current one was opened. */
function isAfter({ generations }: Listing, head: Head, current: number): boolean {
  const openedAt = Date.parse(generations.get(current)?.at ?? '');
  return head.lastPartAt.getTime() > openedAt;
}

function headText({ generation, lines, lastPartAt, who }: Head): string {
  const by = who === undefined ? '' : `, begun by ${who}`;
  return `generation ${generation} with ${lines} lines, last at ${lastPartAt.toISOString()}${by}`;
}

/** The generations that are not just the beginning of another one, newest first. */
async function headsOf(bucket: Bucket, listing: Listing): Promise<readonly WalkedHead[]> {
  const walked: WalkedHead[] = [];
  for (const generation of newestFirst(listing)) {
    const head = await walk(bucket, listing, generation);
    if (head !== undefined) walked.push(head);
  }
  return walked.filter((head) => !walked.some((other) => isBeginning(head, other)));
}

async function walk(
  bucket: Bucket,
  listing: Listing,
  generation: number,
): Promise<WalkedHead | undefined> {
  const keys: string[] = [];
  let lines = 0;
  for await (const part of readChain(bucket, listing, generation)) {
    keys.push(part.key);
    lines = part.endLine;
  }
  const last = listing.parts.get(keys.at(-1)?.slice(listing.prefix.length) ?? '');
  if (last === undefined) return undefined;
  const who = listing.generations.get(generation)?.who;
  return { generation, lines, parts: keys.length, lastPartAt: last.modifiedAt, who, keys };
}

function isBeginning(head: WalkedHead, other: WalkedHead): boolean {
  if (other === head || other.keys.length < head.keys.length) return false;
  const isSame = other.keys.length === head.keys.length;
  return (
    (!isSame || other.generation > head.generation) &&
    head.keys.every((key, at) => other.keys[at] === key)
  );
}
