import type { Bucket } from '../../bucket/bucket.js';
import type { Clock } from '../../clock.js';
import type { Redactor } from '../../redact/redact.js';
import type { Checkpoint, ShippedPart } from '../checkpoint.js';
import type { PendingPut } from '../state/pending-put.js';
import type { StreamStateFile } from '../state/stream-state.js';
import type { Outliner } from './observations.js';

/** What one stream's mirror works with. */
export interface StreamMirrorContext {
  readonly bucket: Bucket;
  readonly redactor: Redactor;
  readonly clock: Clock;
  /** Named in generation records, e.g. `alex@laptop`. */
  readonly who: string;
  /** Starts the stream's outline. */
  readonly outline: Outliner;
  readonly stateFile: StreamStateFile;
  /** Used if the store cannot arbitrate. */
  readonly pendingPut?: PendingPut;
  /** The keys of the stream's parts in the bucket. */
  readonly prefix: string;
  /** `false` when the bucket holds nothing of this stream: the first part is then put without a listing. */
  isHeld(): Promise<boolean>;
  /** Called if the bucket lacks something uploaded: throws if it is a different bucket than before. */
  readonly confirmBucket?: () => Promise<void>;
  /** Compare content even if local state says that a part was uploaded from the present source. */
  readonly isThorough: boolean;
  readonly onPart?: (part: ShippedPart, checkpoint: Checkpoint) => void;
  readonly onGeneration?: (checkpoint: Checkpoint, reason: string) => void;
  /**
   * Called before a new generation is opened: 'fork' allows it, 'yield' leaves the chain alone, because another source
   * of the same session may be the right one.
   */
  readonly onConflict: () => Promise<'fork' | 'yield'>;
}

export interface UploadLimits {
  /** Source bytes per part, at most (a longer line is a part of its own). */
  readonly partBytes: number;
  /** Return after this many parts with `more: true`. */
  readonly parts: number;
}

export interface UploadResult {
  /**
   * `level`: every complete line is in the bucket, or will be after the next upload (`more`). `behind`: the bucket has
   * more than the source, which agrees as far as it goes. `conflict`: it contradicts the chain and `onConflict` said
   * 'yield'. `unsteady`: it changes faster than it can be read; try again in a moment.
   */
  readonly state: 'level' | 'behind' | 'conflict' | 'gone' | 'unsteady';
  readonly more: boolean;
  /** Bytes of an unterminated last line; it waits for its newline. */
  readonly rest: number;
}

export function done(state: UploadResult['state']): UploadResult {
  return { state, more: false, rest: 0 };
}
