import type { Bucket } from '../../bucket/bucket.js';
import { inParallel } from '../../concurrency.js';
import type { MetaDocument } from '../../protocol/documents.js';
import type { Layout } from '../../protocol/keys.js';
import { generationName, parsePartName, partName, slotTag } from '../../protocol/parts.js';
import { completeLines } from '../lines.js';
import { currentGeneration, listStream } from './listing.js';
import { readChain } from './reader.js';
import type { ListedSession } from './session-listing.js';

/**
 * The last `count` lines of a session's main stream. With a fresh `meta.json` it reads only the parts that hold them, and
 * whatever came after it was written.
 */
export async function readTail(
  bucket: Bucket,
  layout: Layout,
  session: ListedSession,
  count: number,
): Promise<readonly Buffer[]> {
  const from = Math.max(0, (session.meta?.total_lines ?? 0) - count);
  const lines = await readFrom(bucket, layout, session, from);
  if (lines !== undefined) return count === 0 ? [] : lines.slice(-count);
  return tailOfChain(bucket, layout.session(session.harness, session.id), count);
}

/**
 * A main stream's lines from line `from` on, read from the parts that hold them. `meta.json` says where to begin, the names
 * and the lengths of the parts prove it: `undefined` where they do not, and only the whole chain can tell.
 */
export async function readFrom(
  bucket: Bucket,
  layout: Layout,
  { harness, id, meta }: ListedSession,
  from: number,
): Promise<readonly Buffer[] | undefined> {
  const last = meta?.parts.at(-1);
  if (meta === undefined || last === undefined) return undefined;
  const prefix = layout.session(harness, id);
  const [startLine, endLine] = last.cursor_range;
  // Where both ends are in the names, the next one cannot be told in advance.
  if (last.name !== partName(last.seq, meta.generation, startLine) || from > endLine) {
    return undefined;
  }
  // All at once: how many of them are needed is known, should nothing have come after them.
  const [newer, older, later] = await Promise.all([
    readOn(bucket, prefix, meta.generation, last.seq + 1, endLine),
    linesUpTo(bucket, prefix, meta, from),
    bucket.get(prefix + generationName(meta.generation + 1)),
  ]);
  return later !== undefined || older === undefined ? undefined : [...older, ...newer];
}

/** No header of a harness is as long. */
const longestHead = 256 * 1024;

/** A main stream's first line, where the name of its first part is known. */
export async function readFirstLine(
  bucket: Bucket,
  layout: Layout,
  { harness, id, meta }: ListedSession,
): Promise<Buffer | undefined> {
  if (meta?.generation !== 0) return undefined;
  const key = layout.session(harness, id) + partName(0, 0, 0);
  const stored = await bucket.get(key, { range: { start: 0, end: longestHead - 1 } });
  return completeLines(stored?.body ?? Buffer.alloc(0))[0];
}

/** What `meta.json` speaks of, from a line on. */
async function linesUpTo(
  bucket: Bucket,
  prefix: string,
  { parts, generation }: MetaDocument,
  from: number,
): Promise<readonly Buffer[] | undefined> {
  const needed = parts.filter((part) => part.cursor_range[1] > from);
  const known = await inParallel(needed, ({ name }) => bucket.get(prefix + name));
  const bodies = known.map((stored) => (stored === undefined ? [] : completeLines(stored.body)));
  const [first] = needed;
  if (first === undefined) return [];
  let next = first.cursor_range[0];
  for (const [index, { cursor_range: range }] of needed.entries()) {
    if (range[0] !== next || bodies[index]?.length !== range[1] - next) return undefined;
    next = range[1];
  }
  const lines = bodies.flat();
  const [startLine] = first.cursor_range;
  if (startLine <= from) return lines.slice(from - startLine);
  if (first.name !== partName(first.seq, generation, startLine)) return undefined;
  const end = { generation, sequence: first.seq, startLine };
  const earlier = await readBack(bucket, prefix, end, from);
  return earlier === undefined ? undefined : [...earlier, ...lines];
}

/** A part of a chain by its place. */
interface PartPlace {
  readonly generation: number;
  readonly sequence: number;
  readonly startLine: number;
}

/** How many parts before those that are known are listed first, twice as many each time; and how much is read at once. */
const firstStep = 32;
const mostBytes = 8 * 1024 * 1024;
/** Beyond these, names are longer and no longer sort by number. */
const mostSorted = 99_999;

/** The lines from `from` up to where a part begins, going back from it: each name must fit what its part holds. */
async function readBack(
  bucket: Bucket,
  prefix: string,
  end: PartPlace,
  from: number,
): Promise<readonly Buffer[] | undefined> {
  if (end.sequence > mostSorted) return undefined;
  const read: (readonly Buffer[])[] = [];
  let { sequence, startLine } = end;
  for (let step = firstStep; startLine > from; step *= 2) {
    const listed = await partsBetween(bucket, prefix, Math.max(0, sequence - step), sequence);
    const found = await readNewest(bucket, prefix, listed);
    if (found.length === 0) return undefined;
    const low = Math.min(...found.map((part) => part.sequence));
    for (; sequence > low && startLine > from; sequence -= 1) {
      const lines = fitting(found, { ...end, sequence: sequence - 1, startLine });
      if (lines === undefined) return undefined;
      startLine -= lines.length;
      read.push(lines);
    }
  }
  return read
    .reverse()
    .flat()
    .slice(from - startLine);
}

interface ListedPart {
  readonly name: string;
  readonly sequence: number;
  readonly tag: string;
  readonly size: number;
}

interface FoundPart extends ListedPart {
  readonly lines: readonly Buffer[];
}

/** As many of the last as may be in memory together; at least one, if there is one. */
async function readNewest(
  bucket: Bucket,
  prefix: string,
  listed: readonly ListedPart[],
): Promise<readonly FoundPart[]> {
  let bytes = 0;
  const taken = [...listed].reverse().filter(({ size }, index) => {
    bytes += size;
    return index === 0 || bytes <= mostBytes;
  });
  return inParallel(taken, async (part) => {
    const stored = await bucket.get(prefix + part.name);
    return { ...part, lines: completeLines(stored?.body ?? Buffer.alloc(0)) };
  });
}

/** The one part of this number that ends at this line. */
function fitting(
  found: readonly FoundPart[],
  { generation, sequence, startLine: endLine }: PartPlace,
): readonly Buffer[] | undefined {
  const fits = found.filter((part) => {
    const { length } = part.lines;
    const isHere = part.sequence === sequence && length > 0 && length <= endLine;
    return isHere && part.tag === slotTag(generation, endLine - length);
  });
  const [only] = fits;
  return fits.length === 1 ? only?.lines : undefined;
}

/** The parts numbered from `low` up to `high`, without it: one short listing. */
async function partsBetween(
  bucket: Bucket,
  prefix: string,
  low: number,
  high: number,
): Promise<readonly ListedPart[]> {
  const parts: ListedPart[] = [];
  const after = `${prefix}part-${String(low).padStart(5, '0')}`;
  for await (const entry of bucket.list(prefix, { after })) {
    if (entry.kind !== 'object') continue;
    const name = entry.key.slice(prefix.length);
    const part = parsePartName(name);
    if (part === undefined || part.sequence < low) continue;
    if (part.sequence >= high) break;
    parts.push({ ...part, name, size: entry.size });
  }
  return parts;
}

async function readOn(
  bucket: Bucket,
  prefix: string,
  generation: number,
  sequence: number,
  startLine: number,
): Promise<Buffer[]> {
  const lines: Buffer[] = [];
  for (let next = sequence; ; next += 1) {
    const name = partName(next, generation, startLine + lines.length);
    const stored = await bucket.get(prefix + name);
    if (stored === undefined) return lines;
    lines.push(...completeLines(stored.body));
  }
}

/** The last lines of any stream, found by listing it. */
export async function tailOfChain(
  bucket: Bucket,
  prefix: string,
  count: number,
): Promise<Buffer[]> {
  const listing = await listStream(bucket, prefix);
  let lines: Buffer[] = [];
  for await (const part of readChain(bucket, listing, currentGeneration(listing))) {
    lines = [...lines, ...completeLines(part.body)].slice(-count);
  }
  return lines;
}
