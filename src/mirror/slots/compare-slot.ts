import type { Stored } from '../../bucket/bucket.js';
import type { Checkpoint, ShippedPart } from '../checkpoint.js';
import { completeLines, endsWithNewline, fingerprint, uploadedDigest } from '../lines.js';
import type { Position, Stream } from '../stream.js';
import { foldedPart } from './folded-part.js';
import { compareStored, type Unsteady } from './reconcile.js';

/** The part that fills the next slot, adopted: the position after it, and its lines for facts and outline. */
export interface AdoptedSlot {
  readonly part: ShippedPart;
  readonly position: Position;
  readonly shippedLines: readonly Buffer[];
  readonly sourceLines: readonly Buffer[];
}

/** Compares what someone stored in the next slot with the source. `torn`: it ends mid-line, so nothing can follow it. */
export async function compareSlot(
  source: Stream,
  checkpoint: Checkpoint,
  stored: Stored,
): Promise<AdoptedSlot | 'behind' | 'conflict' | 'torn' | Unsteady> {
  const { sequence, generation, position } = checkpoint;
  const slot = { sequence, generation, startLine: position.line };
  if (source.kind === 'records') {
    if (!endsWithNewline(stored.body)) return 'torn';
    const lines = completeLines(stored.body);
    const next = source.fold(position, lines);
    const part = foldedPart(slot, next.line, stored.body, stored.modifiedAt);
    return { part, position: next, shippedLines: lines, sourceLines: [] };
  }
  const comparison = await compareStored(source, position, stored.body);
  if (typeof comparison === 'string') return comparison;
  const part: ShippedPart = {
    ...foldedPart(slot, comparison.position.line, stored.body, stored.modifiedAt),
    sourceBytes: comparison.sourceBytes,
    fingerprint: fingerprint(comparison.lines),
    uploadedDigest: uploadedDigest(stored.body),
  };
  return { part, position: comparison.position, shippedLines: [], sourceLines: comparison.lines };
}
