import type { Bucket } from '../../bucket/bucket.js';
import type { StreamUsage } from '../../protocol/usage.js';
import type { Checkpoint } from '../checkpoint.js';
import { completeLines } from '../lines.js';
import { currentGeneration, type Listing, listStream } from './listing.js';
import type { Observations, Outliner } from './observations.js';
import { readChain } from './reader.js';
import type { StreamMirrorContext } from './upload.js';

/** What a stream's calls took, as all its parts in the bucket tell. */
export interface ReadUsage {
  readonly lines: number;
  readonly usage: StreamUsage;
  /** Of generations that readers no longer see: what they hold was paid for all the same. */
  readonly earlier: readonly StreamUsage[];
}

/** `undefined` if nothing of the stream is there, or its harness tells no tokens. */
export async function readStreamUsage(
  bucket: Bucket,
  prefix: string,
  open: Outliner,
): Promise<ReadUsage | undefined> {
  const listing = await listStream(bucket, prefix);
  const current = currentGeneration(listing);
  const newest = await usageOfChain(bucket, listing, current, open);
  if (newest === undefined || newest.lines === 0) return undefined;
  return { ...newest, earlier: await earlierUsage(bucket, listing, current, open) };
}

/** What earlier generations of a stream hold, read once. */
export class EarlierGenerations {
  #read: { readonly before: number; readonly usage: readonly StreamUsage[] } | undefined;

  /** With what `newest` says of the present generation; `undefined` if it says nothing. */
  async usage(
    context: Pick<StreamMirrorContext, 'bucket' | 'prefix' | 'outline' | 'stateFile'>,
    checkpoint: Checkpoint | undefined,
    newest: Pick<Observations, 'readUsage'>,
  ): Promise<ReadUsage | undefined> {
    const { bucket, prefix, outline } = context;
    if (checkpoint === undefined || checkpoint.position.line === 0) return undefined;
    const { generation: before, position } = checkpoint;
    const usage = await newest.readUsage(context, checkpoint);
    if (usage === undefined) return undefined;
    if (before > 0 && this.#read?.before !== before) {
      const listing = await listStream(bucket, prefix);
      this.#read = { before, usage: await earlierUsage(bucket, listing, before, outline) };
    }
    return { lines: position.line, usage, earlier: this.#read?.usage ?? [] };
  }
}

async function earlierUsage(
  bucket: Bucket,
  listing: Listing,
  before: number,
  open: Outliner,
): Promise<readonly StreamUsage[]> {
  const earlier: StreamUsage[] = [];
  for (const generation of [0, ...listing.generations.keys()]) {
    if (generation >= before) continue;
    const read = await usageOfChain(bucket, listing, generation, open);
    if (read !== undefined) earlier.push(read.usage);
  }
  return earlier;
}

async function usageOfChain(
  bucket: Bucket,
  listing: Listing,
  generation: number,
  open: Outliner,
): Promise<Omit<ReadUsage, 'earlier'> | undefined> {
  const fold = open();
  let lines = 0;
  for await (const { body } of readChain(bucket, listing, generation)) {
    for (const line of completeLines(body)) {
      fold?.row(line.toString('utf8', 0, line.length - 1), lines);
      lines += 1;
    }
  }
  const usage = fold?.usage();
  return usage && { lines, usage };
}
