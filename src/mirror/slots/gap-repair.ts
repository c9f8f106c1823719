import { partName, slotTag } from '../../protocol/parts.js';
import { type Checkpoint, nextPartName, type ShippedPart } from '../checkpoint.js';
import { fingerprint } from '../lines.js';
import type { LineStream, Position } from '../stream.js';
import type { Listing } from './listing.js';
import { compareStored, isUnsteady, plain, type ReconcileContext } from './reconcile.js';

/**
 * How many end lines are tried for the missing part before the gap is left alone; hashing that many names takes a fifth
 * of a second.
 */
const mostLines = 50_000;

/**
 * Puts back a part that vanished from a chain (someone deleted it, or the store lost it), with its old boundaries, so
 * that the parts after it still follow. Local state knows where each part ended; otherwise the end of a single missing
 * part is found from the next one's name. Returns the listing with the part, or `undefined` if there is no gap that can
 * be filled.
 */
export async function fillGap(
  context: ReconcileContext,
  stream: LineStream,
  listing: Listing,
  checkpoint: Checkpoint,
  hints: ReadonlyMap<string, ShippedPart>,
): Promise<Listing | undefined> {
  const remembered = hints.get(nextPartName(checkpoint));
  const endLine = remembered?.endLine ?? endOfMissing(listing, checkpoint);
  if (endLine === undefined) return undefined;
  const lines = endLine - checkpoint.position.line;
  const chunk = await stream.read(checkpoint.position, { lines, bytes: Number.POSITIVE_INFINITY });
  if (isUnsteady(chunk) || chunk.lines.length < lines) return undefined;
  const isKnown =
    remembered !== undefined && fingerprint(plain(chunk.lines)) === remembered.fingerprint;
  if (!isKnown && !(await isFollowedBy(context, stream, listing, checkpoint, chunk.next))) {
    return undefined;
  }
  const body = Buffer.concat(plain(chunk.lines).map((line) => context.redactor.redact(line).bytes));
  const name = nextPartName(checkpoint);
  const key = listing.prefix + name;
  await context.bucket.putIfAbsent(key, body, { contentType: 'application/x-ndjson' });
  const stored = await context.bucket.get(key);
  if (stored === undefined) return undefined;
  const { size, modifiedAt } = stored;
  const entry = { kind: 'object', key, size, modifiedAt } as const;
  return { ...listing, parts: new Map([...listing.parts, [name, entry]]) };
}

/** Whether the part stored after the gap agrees with this source too: only then did the missing part. */
async function isFollowedBy(
  { bucket }: ReconcileContext,
  stream: LineStream,
  { prefix }: Listing,
  { generation, sequence }: Checkpoint,
  position: Position,
): Promise<boolean> {
  const following = await bucket.get(prefix + partName(sequence + 1, generation, position.line));
  if (following === undefined) return false;
  const comparison = await compareStored(stream, position, following.body);
  return comparison === 'behind' || typeof comparison === 'object';
}

/** Where the missing part ended, found from the name of the next part. */
function endOfMissing(
  listing: Listing,
  { generation, sequence, position }: Checkpoint,
): number | undefined {
  const following = followingTags(listing, sequence + 1);
  if (following.size === 0) return undefined;
  const startLine = position.line;
  for (let line = startLine + 1; line <= startLine + mostLines; line += 1) {
    if (following.has(slotTag(generation, line))) return line;
  }
  return undefined;
}

function followingTags({ parts }: Listing, sequence: number): ReadonlySet<string> {
  const begin = partName(sequence, 0, 0).replace(/[a-f0-9]{8}\.jsonl$/, '');
  const names = [...parts.keys()].filter((name) => name.startsWith(begin));
  return new Set(names.map((name) => name.slice(begin.length, begin.length + 8)));
}
