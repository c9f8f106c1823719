import { Digests } from '../../bucket/digests.js';
import type { Redactor } from '../../redact/redact.js';
import type { Checkpoint, ShippedPart } from '../checkpoint.js';
import { fingerprint, shortDigest } from '../lines.js';
import type { Chunk, Line, Position, ReadLimit, Stream } from '../stream.js';
import { joined } from './joined-lines.js';
import { isUnsteady, plain, type Unsteady } from './reconcile.js';
import type { Slabs } from './slabs.js';

/** Lines of a source, redacted and ready to be sent as one part. */
export interface PreparedPart {
  readonly chunk: Chunk;
  readonly body: Buffer;
  readonly digests: Digests;
  /** Of the source's lines; '' if some of them are not as in the source. */
  readonly fingerprint: string;
  readonly redactedLines: readonly Buffer[];
  readonly counts: Readonly<Record<string, number>>;
  /** What lines and body lie in; to be given back when the part is recorded. */
  readonly slabs: readonly Buffer[];
}

export async function prepare(
  source: Stream,
  redactor: Redactor,
  from: Position,
  limit: ReadLimit,
  slabs: Slabs,
): Promise<PreparedPart | Unsteady> {
  const into = slabs.take(limit.bytes);
  const chunk = await source.read(from, into === undefined ? limit : { ...limit, into });
  if (isUnsteady(chunk)) return chunk;
  const counts: Record<string, number> = {};
  const redactedLines = chunk.lines.map((line) => redactLine(redactor, line, counts));
  const { body, slab } = joined(redactedLines, slabs);
  const digests = new Digests(body);
  const taken = [into, slab].filter((one) => one !== undefined);
  const print = fingerprintOf(chunk.lines, redactedLines, digests);
  return { chunk, body, digests, fingerprint: print, redactedLines, counts, slabs: taken };
}

function redactLine(redactor: Redactor, line: Line, counts: Record<string, number>): Buffer {
  const sealed = !Buffer.isBuffer(line);
  const redaction = redactor.redact(sealed ? line.text : line);
  for (const [kind, count] of redaction.counts ?? []) counts[kind] = (counts[kind] ?? 0) + count;
  return sealed ? line.seal(redaction.bytes) : redaction.bytes;
}

/** If nothing was redacted, the source's bytes are those that are sent, and hashed. */
function fingerprintOf(
  lines: readonly Line[],
  redactedLines: readonly Buffer[],
  digests: Digests,
): string {
  if (lines.every((line, index) => line === redactedLines[index])) {
    return shortDigest(digests.sha256);
  }
  const plainLines = plain(lines);
  return plainLines.length === lines.length ? fingerprint(plainLines) : '';
}

/** The part that results from a prepared one in the slot at a checkpoint's end. */
export function preparedAs(
  { sequence, generation, position }: Checkpoint,
  { chunk, body, digests, fingerprint: print, counts }: PreparedPart,
  uploadedAtMs: number,
  isRange: boolean,
): ShippedPart {
  return {
    sequence,
    generation,
    startLine: position.line,
    endLine: chunk.next.line,
    sourceBytes: chunk.sourceBytes,
    uploadedBytes: body.length,
    fingerprint: print,
    uploadedDigest: shortDigest(digests.sha256),
    redactions: counts,
    uploadedAtMs,
    ...(isRange ? { isRange } : {}),
  };
}
