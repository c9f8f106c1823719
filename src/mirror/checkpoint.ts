import { partName, rangePartName } from '../protocol/parts.js';
import type { Counts } from '../redact/counts.js';
import { type Position, startPosition } from './stream.js';

/** One part of a stream that is known to be in the bucket and to agree with the source. */
export interface ShippedPart {
  readonly sequence: number;
  /** The generation it was written in (parts of a base keep theirs). */
  readonly generation: number;
  readonly startLine: number;
  readonly endLine: number;
  readonly sourceBytes: number;
  readonly uploadedBytes: number;
  /** Fingerprint of the source bytes that were uploaded or compared; '' for record streams. */
  readonly fingerprint: string;
  /** Digest of the uploaded bytes; only of parts that were made from the source, or compared with it. */
  readonly uploadedDigest?: string;
  readonly redactions: Counts;
  readonly uploadedAtMs: number;
  /** Its name contains both its ends, because the store cannot arbitrate. */
  readonly isRange?: true;
}

/**
 * How far one stream is in the bucket: the parts that agree with the source, and the next slot. It can always be
 * derived from the bucket and the source; the local copy is a cache.
 */
export interface Checkpoint {
  readonly generation: number;
  /** Sequence number of the next part. */
  readonly sequence: number;
  readonly parts: readonly ShippedPart[];
  /** The position in the source after the last of `parts`. */
  readonly position: Position;
  /** The next slot is known to hold more than the source has: the source is behind and must grow first. */
  readonly ahead: boolean;
}

export const emptyCheckpoint: Checkpoint = {
  generation: 0,
  sequence: 0,
  parts: [],
  position: startPosition,
  ahead: false,
};

export function nextPartName(checkpoint: Checkpoint): string {
  return partName(checkpoint.sequence, checkpoint.generation, checkpoint.position.line);
}

export function nameOf(part: ShippedPart): string {
  const { sequence, generation, startLine, endLine } = part;
  if (part.isRange) return rangePartName(sequence, generation, startLine, endLine);
  return partName(sequence, generation, startLine);
}

export function withPart(
  checkpoint: Checkpoint,
  part: ShippedPart,
  position: Position,
): Checkpoint {
  return {
    generation: checkpoint.generation,
    sequence: part.sequence + 1,
    parts: [...checkpoint.parts, part],
    position,
    ahead: false,
  };
}
