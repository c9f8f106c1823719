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
  /** What a reader of conversations makes of the stream. */
  readonly outline: Outliner;
  readonly stateFile: StreamStateFile;
  /** Used where the store cannot arbitrate. */
  readonly pendingPut?: PendingPut;
  /** Where the stream's parts lie in the bucket. */
  readonly prefix: string;
  /** `false` when the bucket holds nothing of this stream: the first part is then put without a listing. */
  isHeld(): Promise<boolean>;
  /** Asked where the bucket lacks what was shipped: throws when it is another than before. */
  readonly confirmBucket?: () => Promise<void>;
  /** Compare content, also where local state says that a part was shipped as the source still is. */
  readonly isThorough: boolean;
  readonly onPart?: (part: ShippedPart, checkpoint: Checkpoint) => void;
  readonly onGeneration?: (checkpoint: Checkpoint, reason: string) => void;
  /**
   * Asked before a new generation is opened: 'fork' lets it happen, 'yield' leaves the chain alone, because another source
   * of the same session may be the true one.
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
   * `level`: every complete line is in the bucket, or will be with the next upload (`more`). `behind`: the bucket has more
   * than the source, which agrees as far as it goes. `conflict`: it contradicts the chain and `onConflict` said 'yield'.
   * `unsteady`: it changes faster than it can be read; look again in a moment.
   */
  readonly state: 'level' | 'behind' | 'conflict' | 'gone' | 'unsteady';
  readonly more: boolean;
  /** Bytes of an unterminated last line; it waits for its newline. */
  readonly rest: number;
}

export function done(state: UploadResult['state']): UploadResult {
  return { state, more: false, rest: 0 };
}
