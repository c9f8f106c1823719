import type { Bucket } from '../../bucket/bucket.js';
import { partName } from '../../protocol/parts.js';
import { type Checkpoint, nameOf, type ShippedPart } from '../checkpoint.js';
import { completeLines, countLines, endsWithNewline } from '../lines.js';
import { foldedPart } from './folded-part.js';
import { openGeneration } from './generations.js';
import { type ChainSlot, ChainWalk, hasStranded, type Listing } from './listing.js';

/** The rest of a chain after the end of a source that is behind. Nothing on this machine can restore it. */
export interface Beyond {
  /** From the part in which the source ends. */
  readonly parts: readonly ShippedPart[];
  readonly endLine: number;
  /** The content of the part after them if it ends mid-line, so that readers would join half a line. */
  readonly torn: Buffer | undefined;
}

/** Reads only the parts whose ends local state does not know. */
export async function readBeyond(
  bucket: Bucket,
  listing: Listing,
  { generation, parts: agreed }: Checkpoint,
  hints: ReadonlyMap<string, ShippedPart>,
): Promise<Beyond> {
  const walk = ChainWalk.of(listing, generation);
  const reached: ShippedPart[] = [];
  let endLine = 0;
  for (let slot = walk?.next(0); slot !== undefined; slot = walk?.next(endLine)) {
    const known = agreed[reached.length] ?? hints.get(slot.name);
    const isKnown = known?.uploadedBytes === slot.entry.size;
    const part = isKnown ? known : await readPart(bucket, listing, slot, endLine);
    if (part === undefined) break;
    if (Buffer.isBuffer(part)) {
      return { parts: reached.slice(agreed.length), endLine, torn: part };
    }
    reached.push(part);
    endLine = part.endLine;
  }
  return { parts: reached.slice(agreed.length), endLine, torn: undefined };
}

/** The body alone if it ends mid-line. */
async function readPart(
  bucket: Bucket,
  { prefix }: Listing,
  { name, sequence, generation, isRange }: ChainSlot,
  startLine: number,
): Promise<ShippedPart | Buffer | undefined> {
  const stored = await bucket.get(prefix + name);
  if (stored === undefined) return undefined;
  if (!endsWithNewline(stored.body)) return stored.body;
  const endLine = startLine + countLines(stored.body);
  const place = { sequence, generation, startLine };
  const part = foldedPart(place, endLine, stored.body, stored.modifiedAt);
  return isRange ? { ...part, isRange } : part;
}

/** Whether readers would join something that belongs to no whole part of the chain. */
export function isBroken(listing: Listing, { parts }: Checkpoint, beyond: Beyond): boolean {
  const reached = new Set([...parts, ...beyond.parts].map(nameOf));
  return beyond.torn !== undefined || hasStranded(listing, reached);
}

/**
 * Opens the next generation; after a source that is behind, of everything that is whole: the parts before the damage, and
 * the complete lines of a part that was cut. The head then stays in front of the source.
 */
export async function openAfter(
  bucket: Bucket,
  listing: Listing,
  base: Checkpoint,
  reason: string,
  who: string,
  beyond?: Beyond,
): Promise<Checkpoint | 'lost'> {
  if (beyond === undefined) return openGeneration(bucket, listing, base, reason, who);
  const { parts, endLine, torn } = beyond;
  const whole = { ...base, parts: [...base.parts, ...parts] };
  const opened = await openGeneration(bucket, listing, whole, reason, who);
  if (opened === 'lost') return 'lost';
  const lines = completeLines(torn ?? Buffer.alloc(0));
  if (lines.length > 0) {
    const name = partName(opened.sequence, opened.generation, endLine);
    const options = { contentType: 'application/x-ndjson' };
    await bucket.putIfAbsent(listing.prefix + name, Buffer.concat(lines), options);
  }
  return { ...opened, parts: base.parts, ahead: true };
}
