import { rangePartName } from '../../protocol/parts.js';
import { type Checkpoint, nextPartName } from '../checkpoint.js';
import { type PendingPut, pendingPutInMemory } from '../state/pending-put.js';
import type { Position, Stream } from '../stream.js';
import { type PreparedPart, prepare } from './prepare-part.js';
import { mostRangeLines } from './range-path.js';
import type { Unsteady } from './reconcile.js';
import { Slabs } from './slabs.js';
import type { StreamMirrorContext, UploadLimits } from './upload.js';

const contentType = 'application/x-ndjson';
/** Of all streams: those that wait for their turn need none. */
const slabs = new Slabs();

/** Puts one stream's parts: into slots or, if the store cannot arbitrate, as ranges that are put again after a kill. */
export class PartSender {
  /** The store cannot arbitrate. */
  readonly isRange: boolean;
  readonly #context: Pick<StreamMirrorContext, 'bucket' | 'prefix' | 'redactor'>;
  readonly #pendingPut: PendingPut;

  constructor(context: Pick<StreamMirrorContext, 'bucket' | 'prefix' | 'redactor' | 'pendingPut'>) {
    this.#context = context;
    this.isRange = !context.bucket.capabilities.putIfAbsent;
    this.#pendingPut = context.pendingPut ?? pendingPutInMemory();
  }

  prepare(
    source: Stream,
    from: Position,
    { partBytes }: UploadLimits,
  ): Promise<PreparedPart | Unsteady> {
    const lines = this.isRange ? { lines: mostRangeLines } : {};
    return prepare(source, this.#context.redactor, from, { bytes: partBytes, ...lines }, slabs);
  }

  /** `false`: the slot at the checkpoint's end was already filled. */
  async send(checkpoint: Checkpoint, { body, chunk, digests }: PreparedPart): Promise<boolean> {
    const { bucket, prefix } = this.#context;
    if (!this.isRange) {
      const slot = prefix + nextPartName(checkpoint);
      return (await bucket.putIfAbsent(slot, body, { contentType, digests })).written;
    }
    const { sequence, generation, position } = checkpoint;
    const name = rangePartName(sequence, generation, position.line, chunk.next.line);
    await this.#pendingPut.put(bucket, prefix + name, body);
    return true;
  }

  /** Puts again what an earlier run may not have finished; returns whether there was anything. */
  async replay(): Promise<boolean> {
    return this.isRange && (await this.#pendingPut.replay(this.#context.bucket));
  }

  /** The upload has been recorded: nobody looks at the part's lines again. */
  async forget(part?: PreparedPart): Promise<void> {
    if (this.isRange) await this.#pendingPut.forget();
    if (part !== undefined) slabs.giveBack(part.slabs);
  }
}
