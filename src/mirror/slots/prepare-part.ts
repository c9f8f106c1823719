import type { Redactor } from '../../redact/redact.js';
import type { Checkpoint, ShippedPart } from '../checkpoint.js';
import { fingerprint, uploadedDigest } from '../lines.js';
import type { Chunk, Line, Position, ReadLimit, Stream } from '../stream.js';
import { isUnsteady, plain, type Unsteady } from './reconcile.js';

/** Lines of a source, redacted and ready to be sent as one part. */
export interface PreparedPart {
  readonly chunk: Chunk;
  readonly body: Buffer;
  readonly plainLines: readonly Buffer[];
  readonly redactedLines: readonly Buffer[];
  readonly counts: Readonly<Record<string, number>>;
}

export async function prepare(
  source: Stream,
  redactor: Redactor,
  from: Position,
  limit: ReadLimit,
): Promise<PreparedPart | Unsteady> {
  const chunk = await source.read(from, limit);
  if (isUnsteady(chunk)) return chunk;
  const counts: Record<string, number> = {};
  const bodies = chunk.lines.map((line) => redactLine(redactor, line, counts));
  const body = bodies.length === 1 ? (bodies[0] ?? Buffer.alloc(0)) : Buffer.concat(bodies);
  return { chunk, body, plainLines: plain(chunk.lines), redactedLines: bodies, counts };
}

function redactLine(redactor: Redactor, line: Line, counts: Record<string, number>): Buffer {
  const sealed = !Buffer.isBuffer(line);
  const redaction = redactor.redact(sealed ? line.text : line);
  for (const [kind, count] of redaction.counts ?? []) counts[kind] = (counts[kind] ?? 0) + count;
  return sealed ? line.seal(redaction.bytes) : redaction.bytes;
}

/** The part that results from a prepared one in the slot at a checkpoint's end. */
export function preparedAs(
  { sequence, generation, position }: Checkpoint,
  { plainLines, chunk, body, counts }: PreparedPart,
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
    fingerprint: plainLines.length === chunk.lines.length ? fingerprint(plainLines) : '',
    uploadedDigest: uploadedDigest(body),
    redactions: counts,
    uploadedAtMs,
    ...(isRange ? { isRange } : {}),
  };
}
