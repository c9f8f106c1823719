import { countMarkers } from '../../redact/redaction-match.js';
import type { ShippedPart } from '../checkpoint.js';

/** A part of which the bucket alone tells: nothing was compared with a source. */
export function foldedPart(
  slot: Pick<ShippedPart, 'sequence' | 'generation' | 'startLine'>,
  endLine: number,
  body: Buffer,
  modifiedAt: Date,
): ShippedPart {
  return {
    ...slot,
    endLine,
    sourceBytes: body.length,
    uploadedBytes: body.length,
    fingerprint: '',
    redactions: Object.fromEntries(countMarkers(body)),
    uploadedAtMs: modifiedAt.getTime(),
  };
}
