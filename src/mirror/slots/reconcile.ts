import { createHash } from 'node:crypto';
import type { Bucket, ObjectEntry } from '../../bucket/bucket.js';
import type { Redactor } from '../../redact/redact.js';
import { agrees, countMarkers } from '../../redact/redaction-match.js';
import type { Checkpoint, ShippedPart } from '../checkpoint.js';
import { completeLines, endsWithNewline, fingerprint, uploadedDigest } from '../lines.js';
import {
  type FileSnapshot,
  type Line,
  type LineStream,
  type Position,
  type Stream,
  startPosition,
} from '../stream.js';
import { type ChainSlot, ChainWalk, type Listing } from './listing.js';

/**
 * Compares a chain of parts with the source, from the first line on, and says how far they agree. Recovery, the check
 * after a source was replaced, and the choice between several sources all use this one comparison.
 *
 * `conflict`: a line differs. `behind`: the source agrees as far as it goes, and the chain continues. `level`: all of
 * the chain agrees, whatever more the source has.
 */
export interface Reconciliation {
  readonly verdict: 'level' | 'behind' | 'conflict';
  readonly checkpoint: Checkpoint;
}

/** The source changed during the read or disappeared: there is no result for now. */
export type Unsteady = 'moved' | 'gone';

export interface ReconcileContext {
  readonly bucket: Bucket;
  readonly redactor: Redactor;
  /** Called with each complete source line that is read for the first time here, and its number. */
  readonly observe: (line: Buffer, number: number) => void;
  /** Called if the bucket lacks something uploaded: throws if it is a different bucket than before. */
  readonly confirmBucket?: (() => Promise<void>) | undefined;
}

/** Allowance for redaction making a part shorter than its source. */
const shrinkage = 64 * 1024;

/** Whether the source still contains every byte that was uploaded; returns the position after it, read afresh, if so. */
export async function stillShipped(
  stream: LineStream,
  checkpoint: Checkpoint,
): Promise<Position | 'differs' | Unsteady> {
  let position = startPosition;
  for (const part of checkpoint.parts) {
    const step = await reconcileByFingerprint(stream, position, part);
    if (step === undefined) return 'differs';
    if (isUnsteady(step)) return step;
    position = step.position;
  }
  return position;
}

/** Compares the chain of one generation, as listed, with the source. `undefined` if its record is unreadable. */
export async function reconcileListed(
  context: ReconcileContext,
  stream: LineStream,
  listing: Listing,
  generation: number,
  hints: ReadonlyMap<string, ShippedPart>,
): Promise<Reconciliation | Unsteady | undefined> {
  const walk = ChainWalk.of(listing, generation);
  if (walk === undefined) return undefined;
  let position: Position = startPosition;
  const agreed: ShippedPart[] = [];
  const headAt = (sequence: number, ahead: boolean): Checkpoint => ({
    generation,
    sequence,
    parts: agreed,
    position,
    ahead,
  });
  for (let slot = walk.next(0); slot !== undefined; slot = walk.next(position.line)) {
    const step = await reconcilePart(context, stream, position, candidateOf(listing, slot, hints));
    // Listed, but gone by now: this listing is useless.
    if (step === 'absent') return 'moved';
    if (isUnsteady(step)) return step;
    if (step === 'conflict' || step === 'behind') {
      return { verdict: step, checkpoint: headAt(slot.sequence, step === 'behind') };
    }
    agreed.push(slot.isRange ? { ...step.part, isRange: true } : step.part);
    position = step.position;
  }
  return { verdict: 'level', checkpoint: headAt(walk.sequence, false) };
}

function candidateOf(
  { prefix }: Listing,
  { name, generation, sequence, entry }: ChainSlot,
  hints: ReadonlyMap<string, ShippedPart>,
): Candidate {
  const hint = hints.get(name);
  const known = hint?.uploadedBytes === entry.size ? hint : undefined;
  return { key: prefix + name, generation, sequence, entry, known };
}

interface Candidate {
  readonly key: string;
  readonly sequence: number;
  readonly generation: number;
  /** What the listing says about the object. */
  readonly entry: ObjectEntry;
  /** What local state says about it. */
  readonly known: ShippedPart | undefined;
}

interface Agreed {
  readonly part: ShippedPart;
  readonly position: Position;
}

type PartStep = Agreed | 'behind' | 'conflict' | 'absent' | Unsteady;

async function reconcilePart(
  context: ReconcileContext,
  stream: LineStream,
  position: Position,
  candidate: Candidate,
): Promise<PartStep> {
  const remembered = await reconcileByFingerprint(stream, position, candidate.known);
  if (remembered !== undefined) return remembered;
  const computed = await alignByDigest(context, stream, position, candidate);
  if (computed !== undefined) return computed;
  return alignByContent(context, stream, position, candidate);
}

/** The same source bytes as were uploaded. A difference proves nothing: a redacted span may have changed. */
async function reconcileByFingerprint(
  stream: LineStream,
  position: Position,
  known: ShippedPart | undefined,
): Promise<Agreed | Unsteady | undefined> {
  if (known === undefined || known.fingerprint === '') return undefined;
  const limit = { lines: known.endLine - known.startLine, bytes: known.sourceBytes };
  const chunk = await stream.read(position, limit);
  if (isUnsteady(chunk)) return chunk;
  const lines = plain(chunk.lines);
  const same = lines.length === limit.lines && fingerprint(lines) === known.fingerprint;
  return same ? { part: known, position: chunk.next } : undefined;
}

/** What we would upload now equals the stored part, byte for byte: known from the listing alone. */
async function alignByDigest(
  context: ReconcileContext,
  stream: LineStream,
  position: Position,
  { entry, sequence, generation }: Candidate,
): Promise<Agreed | Unsteady | undefined> {
  if (entry.md5 === undefined) return undefined;
  const chunk = await stream.read(position, { bytes: entry.size + shrinkage });
  if (isUnsteady(chunk)) return chunk;
  const fit = linesOfSize(context.redactor, plain(chunk.lines), entry.size);
  if (fit === undefined || fit.md5 !== entry.md5) return undefined;
  const again = await stream.read(position, { lines: fit.lines.length, bytes: Infinity });
  if (isUnsteady(again)) return again;
  if (fingerprint(plain(again.lines)) !== fingerprint(fit.lines)) return 'moved';
  observed(context, fit.lines, position);
  return {
    part: {
      sequence,
      generation,
      startLine: position.line,
      endLine: position.line + fit.lines.length,
      sourceBytes: again.sourceBytes,
      uploadedBytes: entry.size,
      fingerprint: fingerprint(fit.lines),
      redactions: fit.counts,
      uploadedAtMs: entry.modifiedAt.getTime(),
    },
    position: again.next,
  };
}

function observed(
  { observe }: ReconcileContext,
  lines: readonly Buffer[],
  { line: first }: Position,
): void {
  for (const [index, line] of lines.entries()) observe(line, first + index);
}

/** Reads the part and compares line by line, by the rule of agreement. */
async function alignByContent(
  context: ReconcileContext,
  stream: LineStream,
  position: Position,
  { key, sequence, generation }: Candidate,
): Promise<PartStep> {
  const stored = await context.bucket.get(key);
  if (stored === undefined) return 'absent';
  const comparison = await compareStored(stream, position, stored.body);
  if (typeof comparison === 'string') return comparison;
  observed(context, comparison.lines, position);
  return {
    part: {
      sequence,
      generation,
      startLine: position.line,
      endLine: position.line + comparison.lines.length,
      sourceBytes: comparison.sourceBytes,
      uploadedBytes: stored.size,
      fingerprint: fingerprint(comparison.lines),
      uploadedDigest: uploadedDigest(stored.body),
      redactions: Object.fromEntries(countMarkers(stored.body)),
      uploadedAtMs: stored.modifiedAt.getTime(),
    },
    position: comparison.position,
  };
}

interface Comparison {
  readonly lines: readonly Buffer[];
  readonly sourceBytes: number;
  readonly position: Position;
}

/** Compares the source's lines at `position` with a part that someone stored there. */
export async function compareStored(
  stream: LineStream,
  position: Position,
  body: Buffer,
): Promise<Comparison | 'behind' | 'conflict' | Unsteady> {
  const shipped = completeLines(body);
  if (shipped.length === 0 || !endsWithNewline(body)) return 'conflict';
  const chunk = await stream.read(position, { lines: shipped.length, bytes: Infinity });
  if (isUnsteady(chunk)) return chunk;
  const lines = plain(chunk.lines);
  const differs = lines.some((line, index) => !agrees(shipped[index] ?? Buffer.alloc(0), line));
  if (differs) return 'conflict';
  if (lines.length < shipped.length) return 'behind';
  return { lines, sourceBytes: chunk.sourceBytes, position: chunk.next };
}

/** The first lines whose redacted lengths add up to exactly `size`, if any. */
function linesOfSize(
  redactor: Redactor,
  lines: readonly Buffer[],
  size: number,
): { lines: readonly Buffer[]; md5: string; counts: Record<string, number> } | undefined {
  const hash = createHash('md5');
  const counts: Record<string, number> = {};
  let length = 0;
  for (const [index, line] of lines.entries()) {
    const redaction = redactor.redact(line);
    hash.update(redaction.bytes);
    length += redaction.bytes.length;
    for (const [kind, count] of redaction.counts ?? []) counts[kind] = (counts[kind] ?? 0) + count;
    if (length > size) return undefined;
    if (length === size) {
      return { lines: lines.slice(0, index + 1), md5: hash.digest('hex'), counts };
    }
  }
  return undefined;
}

export function isUnsteady(value: unknown): value is Unsteady {
  return value === 'moved' || value === 'gone';
}

/** Line streams never produce such lines; one here would be a bug in the watcher. */
export function plain(lines: readonly Line[]): Buffer[] {
  return lines.filter((line): line is Buffer => Buffer.isBuffer(line));
}

/** Whether a source changed without growing, so that what was uploaded may be something else by now. */
export function mayBeEdited(
  { kind }: Stream,
  before: FileSnapshot | undefined,
  now: FileSnapshot,
): boolean {
  const hasChanged = before !== undefined && before.token !== now.token;
  return hasChanged && before.size >= now.size && kind === 'lines';
}
