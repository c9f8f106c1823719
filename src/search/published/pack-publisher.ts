import type { Bucket } from '../../bucket/bucket.js';
import type { Clock } from '../../clock.js';
import type { Layout } from '../../protocol/keys.js';
import type { Redactor } from '../../redact/redact.js';
import { fewBytes, fewParts } from '../cache/pack-keeper.js';
import { chosenForMerge, isSmall, merging } from '../pack/merge-packs.js';
import type { Pack } from '../pack/pack.js';
import { inTurns, type Turn } from '../pack/turns.js';
import { settledMs } from '../packed-rows.js';
import { KnownStreams } from './known-streams.js';
import { packInTurns } from './pack-in-turns.js';
import { readPurgeMark } from './purge-mark.js';
import { confirmParts, type QueuedPart, type SentPart } from './sent-part.js';
import { type ListedPack, SharedPacks } from './shared-packs.js';
import { restMs, slices } from './slices.js';

export interface PublisherContext {
  readonly bucket: Bucket;
  readonly layout: Layout;
  /** This machine's name among the writers of packs; `undefined` if it has none, and nothing is published. */
  readonly indexer: () => Promise<string | undefined>;
  readonly redactor: Pick<Redactor, 'redact'>;
  readonly clock: Clock;
  /** Called again and again while packs are made: gives back memory that is not used any more. */
  readonly reclaim: () => void;
  /** Called once: what is not published is read by searches. */
  readonly onTrouble: (error: Error) => void;
}

/** A pack is made of so many bytes of parts, or after so long. */
const fullBytes = 4 * 1024 * 1024;
export const everyMs = 15 * 60_000;
/** What waits beyond this is not published. */
const mostQueuedBytes = 16 * 1024 * 1024;

/**
 * Packs the parts that a watch sends, and puts the packs into the bucket for every machine to search in. Beside the
 * mirror and never in its way: parts that do not fit into its queue, or that it fails to publish, are only not packed.
 */
export class PackPublisher {
  readonly #context: PublisherContext;
  readonly #packs: SharedPacks;
  readonly #streams = new KnownStreams();
  #queue: QueuedPart[] = [];
  #queuedBytes = 0;
  #firstMs: number | undefined;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #leftBytes = 0;
  #wake: () => void = () => undefined;
  #isTold = false;
  #mark: string | undefined;
  #small: ListedPack[] | undefined;

  constructor(context: PublisherContext) {
    this.#context = context;
    this.#packs = new SharedPacks(context.bucket, context.layout);
  }

  /** Bytes of parts that were not published. */
  get leftBytes(): number {
    return this.#leftBytes;
  }

  add(part: SentPart): void {
    const { body } = part;
    if (this.#queuedBytes + body.length > mostQueuedBytes) {
      this.#leftBytes += body.length;
      return;
    }
    const sentMs = this.#context.clock.monotonic();
    // A view would keep all of the source in memory that was read with it.
    this.#queue.push({ ...part, body: Buffer.from(body), sentMs });
    this.#queuedBytes += body.length;
    this.#firstMs ??= sentMs;
    if (this.#queuedBytes >= fullBytes) this.#wake();
  }

  /** Publishes what is due until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#untilDue(signal);
      if (!signal.aborted) await this.#publishSafely(signal, restMs);
    }
  }

  /** Publishes all that is worth a pack. What was sent just now may have to settle first. */
  async finish(signal: AbortSignal): Promise<void> {
    if (!this.#isWorthIt()) return;
    await this.#publishSafely(signal, 0);
    if (!this.#isWorthIt() || this.#notBeforeMs > this.#context.clock.monotonic()) return;
    await this.#context.clock.sleep(settledMs, signal);
    if (!signal.aborted) await this.#publishSafely(signal, 0);
  }

  #isWorthIt(): boolean {
    return this.#queuedBytes >= fewBytes || this.#queue.length >= fewParts;
  }

  async #untilDue(signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    for (;;) {
      const leftMs = this.#dueMs() - clock.monotonic();
      if (signal.aborted || leftMs <= 0) return;
      const waking = new AbortController();
      this.#wake = () => waking.abort();
      await clock.sleep(Math.min(leftMs, everyMs), AbortSignal.any([signal, waking.signal]));
      this.#wake = () => undefined;
    }
  }

  #dueMs(): number {
    const isFull = this.#queuedBytes >= fullBytes;
    const first = this.#firstMs ?? Number.POSITIVE_INFINITY;
    return Math.max(this.#notBeforeMs, isFull ? first : first + everyMs);
  }

  /** What fails is tried again with the parts of the next quarter of an hour. */
  async #publishSafely(signal: AbortSignal, rest: number): Promise<void> {
    const { clock, reclaim } = this.#context;
    const turn = slices(clock, { signal, restMs: rest, reclaim });
    const parts = this.#queue;
    this.#queue = [];
    let again: readonly QueuedPart[] = parts;
    try {
      again = await this.#publish(parts, turn);
      await this.#mergeSmall(turn);
    } catch (error) {
      if (!signal.aborted) this.#tell(error);
      this.#startOver();
      this.#small = undefined;
    }
    this.#requeue(again);
  }

  #requeue(parts: readonly QueuedPart[]): void {
    this.#queue = [...parts, ...this.#queue];
    this.#queuedBytes = this.#queue.reduce((sum, { body }) => sum + body.length, 0);
    while (this.#queuedBytes > mostQueuedBytes) {
      const size = this.#queue.pop()?.body.length ?? 0;
      this.#queuedBytes -= size;
      this.#leftBytes += size;
    }
    this.#firstMs = this.#queue.length === 0 ? undefined : this.#context.clock.monotonic();
  }

  /** Returns what has to be looked at once more. */
  async #publish(parts: readonly QueuedPart[], turn: Turn): Promise<readonly QueuedPart[]> {
    const { bucket, layout, clock, redactor } = this.#context;
    const indexer = await this.#context.indexer();
    if (indexer === undefined || parts.length === 0) return [];
    const mark = await this.#purgeMark();
    const nowMs = (await bucket.now()).getTime();
    const time = { nowMs, monotonicMs: clock.monotonic() };
    const asked = { bucket, root: layout.root, streams: this.#streams, time };
    const { ready, fresh } = await confirmParts(asked, parts);
    const bytes = await packInTurns(ready, redactor, turn);
    const isKept = bytes === undefined || (await this.#write(indexer, bytes, mark)) !== undefined;
    return isKept ? fresh : parts;
  }

  async #write(indexer: string, bytes: Buffer, mark: string): Promise<ListedPack | undefined> {
    const written = await this.#packs.write(indexer, bytes, mark);
    if (written === undefined) {
      this.#startOver();
      return undefined;
    }
    this.#small?.push(...(isSmall(written) ? [written] : []));
    return written;
  }

  /** The new pack is written before the old ones go: a kill leaves both, and one counts. */
  async #mergeSmall(turn: Turn): Promise<void> {
    const indexer = await this.#context.indexer();
    if (indexer === undefined) return;
    this.#small ??= (await this.#packs.list(indexer)).filter(isSmall);
    const chosen = chosenForMerge(this.#small);
    if (chosen.length === 0) return;
    const mark = await this.#purgeMark();
    const read = new Map<Pack, ListedPack>();
    for (const one of chosen) {
      const pack = await this.#packs.read(one);
      if (pack !== undefined) read.set(pack, one);
    }
    const { bytes, packs } = await inTurns(merging([...read.keys()]), turn);
    this.#small = this.#small.filter((one) => !chosen.includes(one));
    const written = await this.#write(indexer, bytes, mark);
    if (written === undefined) return;
    for (const pack of packs) {
      const old = read.get(pack);
      if (old !== undefined && old.key !== written.key) await this.#packs.remove(old);
    }
  }

  /** As it was after the last pack: one request per pack is enough. */
  async #purgeMark(): Promise<string> {
    this.#mark ??= await readPurgeMark(this.#context);
    return this.#mark;
  }

  /** A quarter of an hour later, with whatever the bucket holds then. */
  #startOver(): void {
    this.#mark = undefined;
    this.#streams.forgetAll();
    this.#notBeforeMs = this.#context.clock.monotonic() + everyMs;
  }

  #tell(thrown: unknown): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.#context.onTrouble(thrown instanceof Error ? thrown : new Error(String(thrown)));
  }
}
