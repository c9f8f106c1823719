import type { Bucket } from '../../bucket/bucket.js';
import type { StreamUsage } from '../../protocol/usage.js';
import type { Checkpoint } from '../checkpoint.js';
import { completeLines } from '../lines.js';
import type { StreamOutline } from '../outline.js';
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

/** What the parts of a stream's newest generation say. */
export interface ReadStream {
  readonly generation: number;
  readonly parts: number;
  readonly lines: number;
  readonly uploadedBytes: number;
  readonly outline: StreamOutline | undefined;
  readonly usage: StreamUsage | undefined;
  readonly earlier: readonly StreamUsage[];
}

/** `undefined` if nothing of the stream is there, or its harness tells no tokens. */
export async function readStreamUsage(
  bucket: Bucket,
  prefix: string,
  open: Outliner,
): Promise<ReadUsage | undefined> {
  const read = await readStream(bucket, prefix, open);
  const { usage, lines = 0, earlier = [] } = read ?? {};
  return usage && { lines, usage, earlier };
}

/** `undefined` if nothing of the stream is there. */
export async function readStream(
  bucket: Bucket,
  prefix: string,
  open: Outliner,
): Promise<ReadStream | undefined> {
  const listing = await listStream(bucket, prefix);
  const generation = currentGeneration(listing);
  const newest = await readGeneration(bucket, listing, generation, open);
  if (newest.lines === 0) return undefined;
  const earlier = await earlierUsage(bucket, listing, generation, open);
  return { generation, ...newest, earlier };
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
    const { usage } = await readGeneration(bucket, listing, generation, open);
    if (usage !== undefined) earlier.push(usage);
  }
  return earlier;
}

async function readGeneration(
  bucket: Bucket,
  listing: Listing,
  generation: number,
  open: Outliner,
): Promise<Omit<ReadStream, 'generation' | 'earlier'>> {
  const fold = open();
  let [parts, lines, uploadedBytes] = [0, 0, 0];
  for await (const { body } of readChain(bucket, listing, generation)) {
    for (const line of completeLines(body)) {
      fold?.row(line.toString('utf8', 0, line.length - 1), lines);
      lines += 1;
    }
    parts += 1;
    uploadedBytes += body.length;
  }
  return { parts, lines, uploadedBytes, outline: fold?.outline(), usage: fold?.usage() };
}
