import type { Bucket } from '../../bucket/bucket.js';
import type { Clock } from '../../clock.js';
import { SourceError } from '../../errors.js';
import type { Layout } from '../../protocol/keys.js';
import { agrees, countMarkers } from '../../redact/redaction-match.js';
import { completeLines, endsWithNewline } from '../lines.js';
import type { Line, LineStream, Position, RecordStream, Stream } from '../stream.js';
import { startPosition } from '../stream.js';
import { currentGeneration, type Listing, listStream } from './listing.js';
import { readChain } from './reader.js';

/**
 * The result of comparing one stream's parts in the bucket with its source. It reads the chain as any reader would,
 * from the bucket alone, and shares no state with the mirror.
 */
export interface Verdict {
  /**
   * `ok`: the joined parts agree with every complete line. `behind`: they agree, and the source has more. `ahead`: they
   * agree as far as the source goes (it was truncated, or deleted). `differs`: some line does not agree. `unreadable`: the
   * source cannot be read, so nothing is known.
   */
  readonly state: 'ok' | 'behind' | 'ahead' | 'differs' | 'missing' | 'unreadable';
  readonly generation: number;
  readonly parts: number;
  readonly shippedLines: number;
  readonly sourceLines: number;
  /** Lines that differ from the source because something in them was redacted. */
  readonly redactedLines: number;
  /** Bytes of an unterminated last line of the source; they wait for its newline. */
  readonly rest: number;
  /** What is wrong, in words, without any content. */
  readonly problem: string | null;
}

const readBytes = 4 << 20;
const recordsQuietMs = 2_100;
const mostCopies = 64;
/** A source that keeps changing is given up on after this many attempts. */
const mostAttempts = 5;

export async function verifyStream(
  bucket: Bucket,
  prefix: string,
  stream: Stream,
): Promise<Verdict> {
  const listing = await listStream(bucket, prefix);
  if (stream.kind === 'records') return verifyRecords(bucket, listing, stream);
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const verdict = await verifyLines(bucket, listing, stream);
    if (verdict !== 'moved') return verdict;
  }
  return unreadable('the source changes faster than it is read');
}

export interface VerifiedSource {
  readonly stream: Stream;
  /** The stream's name in the bucket. */
  readonly name: string;
  readonly verdict: Verdict;
}

/**
 * Compares every source with its chain. Of several files that claim to be one stream, the one that agrees furthest is
 * the stream, and the others are looked up among the copies.
 */
export async function* verifySources(
  bucket: Bucket,
  layout: Layout,
  sources: readonly Stream[],
  clock: Clock,
): AsyncIterable<VerifiedSource> {
  await waitUntilQuiet(sources, clock);
  const claims = new Map<string, Stream[]>();
  for (const stream of sources) {
    const key = [stream.session.harness, stream.session.id, stream.name].join('\n');
    claims.set(key, [...(claims.get(key) ?? []), stream]);
  }
  for (const duplicates of claims.values()) {
    const verified: VerifiedSource[] = [];
    for (const stream of duplicates)
      verified.push(await verifyAs(bucket, layout, stream, stream.name));
    const [main, ...others] = verified.sort(furthestFirst);
    if (main !== undefined) yield main;
    for (const other of others) yield await verifyCopy(bucket, layout, other);
  }
}

/** Records appear only once they were unchanged for a while: all sources are looked at first, then waited for together. */
async function waitUntilQuiet(sources: readonly Stream[], clock: Clock): Promise<void> {
  let isWaiting = false;
  for (const stream of sources) {
    if (stream.kind !== 'records') continue;
    const chunk = await stream.read(startPosition, { bytes: 1 }).catch(unreadableAsGone);
    isWaiting ||= typeof chunk !== 'string' && chunk.rest > 0;
  }
  if (isWaiting) await clock.sleep(recordsQuietMs);
}

/** Anything unreadable is reported where it is compared. */
function unreadableAsGone(error: unknown): 'gone' {
  if (error instanceof SourceError) return 'gone';
  throw error;
}

async function verifyAs(
  bucket: Bucket,
  layout: Layout,
  stream: Stream,
  name: string,
): Promise<VerifiedSource> {
  const { harness, id } = stream.session;
  const prefix = layout.stream(harness, id, name);
  try {
    return { stream, name, verdict: await verifyStream(bucket, prefix, stream) };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return { stream, name, verdict: unreadable(error.message) };
  }
}

async function verifyCopy(
  bucket: Bucket,
  layout: Layout,
  source: VerifiedSource,
): Promise<VerifiedSource> {
  if (source.stream.kind === 'records') return source;
  const own = source.stream.name === '' ? '' : `/${source.stream.name}`;
  let found = source;
  for (let number = 1; number <= mostCopies; number += 1) {
    const copy = await verifyAs(bucket, layout, source.stream, `copies/${number}${own}`);
    if (copy.verdict.state === 'ok') return copy;
    // A copy that was truncated since agrees as far as it goes, with no other stream further.
    if (copy.verdict.state === 'ahead' && found.verdict.state !== 'ok') found = copy;
    // Copies are numbered without gaps, so the first missing number ends the search.
    if (copy.verdict.parts === 0) break;
  }
  return found;
}

function furthestFirst({ verdict: left }: VerifiedSource, { verdict: right }: VerifiedSource) {
  const order = Number(right.state === 'ok') - Number(left.state === 'ok');
  return order !== 0 ? order : right.shippedLines - left.shippedLines;
}

/**
 * Compares with the generation that readers take for the current transcript; a match with an older one would help
 * nobody.
 */
async function verifyLines(
  bucket: Bucket,
  listing: Listing,
  stream: LineStream,
): Promise<Verdict | 'moved'> {
  const generation = currentGeneration(listing);
  const source = new SourceLines(stream);
  let [parts, shippedLines, redactedLines] = [0, 0, 0];
  let [isRange, isAhead] = [false, false];
  const verdict = async (
    state: Verdict['state'],
    problem: string | null,
  ): Promise<Verdict | 'moved'> => {
    const sourceLines = await source.count();
    const { rest } = source;
    if (source.hasMoved) return 'moved';
    return { state, generation, parts, shippedLines, sourceLines, redactedLines, rest, problem };
  };
  for await (const part of readChain(bucket, listing, generation)) {
    parts += 1;
    isRange ||= part.isRange;
    if (!endsWithNewline(part.body)) return verdict('differs', `${part.key} ends mid-line`);
    for (const shipped of completeLines(part.body)) {
      const line = isAhead ? undefined : await source.next();
      isAhead ||= line === undefined;
      // The rest is read too: what nobody compares may still be damaged.
      if (line === undefined) continue;
      if (!agrees(shipped, line)) {
        return verdict('differs', `line ${shippedLines + 1} (${part.key}) differs from the source`);
      }
      shippedLines += 1;
      if (!shipped.equals(line)) redactedLines += 1;
    }
  }
  const hasMore = !isAhead && (await source.next()) !== undefined;
  const surplus = isRange || listing.newestGeneration > 0 ? 0 : listing.parts.size - parts;
  // If no generation was opened, a reader may join every part there is, and would see lines twice.
  if (!hasMore && surplus > 0) return verdict('differs', `${surplus} parts belong to no chain`);
  if (!hasMore) return verdict(isAhead ? 'ahead' : 'ok', null);
  return verdict(parts === 0 ? 'missing' : 'behind', 'the source has lines that were not uploaded');
}

/** The complete lines of a source, one after another, in constant memory. */
class SourceLines {
  readonly #stream: LineStream;
  #position: Position = startPosition;
  #lines: readonly Line[] = [];
  #index = 0;
  #count = 0;
  #more = true;
  /** It was replaced or truncated during the read: the count so far means nothing. */
  hasMoved = false;
  rest = 0;

  constructor(stream: LineStream) {
    this.#stream = stream;
  }

  async next(): Promise<Buffer | undefined> {
    while (this.#index >= this.#lines.length) {
      if (!this.#more || !(await this.#fill())) return undefined;
    }
    const line = this.#lines[this.#index];
    this.#index += 1;
    this.#count += 1;
    return Buffer.isBuffer(line) ? line : undefined;
  }

  /** All lines of the source, including those not requested yet. */
  async count(): Promise<number> {
    while ((await this.next()) !== undefined);
    return this.#count;
  }

  async #fill(): Promise<boolean> {
    const chunk = await this.#stream.read(this.#position, { bytes: readBytes });
    this.hasMoved ||= chunk === 'moved';
    this.#more = chunk !== 'moved' && chunk !== 'gone' && chunk.more;
    this.#index = 0;
    this.#lines = [];
    if (chunk === 'moved' || chunk === 'gone') return false;
    this.#lines = chunk.lines;
    this.#position = chunk.next;
    this.rest = chunk.rest;
    return chunk.lines.length > 0;
  }
}

/**
 * Compares records as a set: everything that the source shows now was uploaded and agrees. If a source compares its
 * records itself, it then has nothing new.
 */
async function verifyRecords(
  bucket: Bucket,
  listing: Listing,
  stream: RecordStream,
): Promise<Verdict> {
  const newest = currentGeneration(listing);
  let [parts, shippedLines] = [0, 0];
  let position = startPosition;
  const shipped: Buffer[] = [];
  for await (const part of readChain(bucket, listing, newest)) {
    const lines = completeLines(part.body);
    position = stream.fold(position, lines);
    shipped.push(...lines);
    parts += 1;
    shippedLines += lines.length;
    if (!endsWithNewline(part.body))
      return { ...unreadable(`${part.key} ends mid-line`), state: 'differs' };
  }
  const waiting = await stream.read(position, { bytes: Number.POSITIVE_INFINITY });
  if (waiting === 'moved') return unreadable('the source changes faster than it is read');
  const left = typeof waiting === 'string' ? 0 : waiting.lines.length;
  const found = stream.isCompared
    ? {
        wrong: 0,
        sourceLines: shippedLines + left,
        redactedLines: shipped.filter(isRedacted).length,
      }
    : await comparedRecords(stream, shipped, left);
  const { wrong, sourceLines, redactedLines } = found;
  return {
    state: wrong > 0 ? 'differs' : left > 0 ? (parts === 0 ? 'missing' : 'behind') : 'ok',
    generation: newest,
    parts,
    shippedLines,
    sourceLines,
    redactedLines,
    rest: 0,
    problem: wrong > 0 ? `${wrong} records differ from what was uploaded` : null,
  };
}

/** Compares each record that the source shows now with everything uploaded. */
async function comparedRecords(stream: RecordStream, shipped: readonly Buffer[], left: number) {
  const present = await stream.read(startPosition, { bytes: Number.POSITIVE_INFINITY });
  const sources = typeof present === 'string' ? [] : present.lines.map(sourceLine);
  const unlike = sources.filter((line) => !shipped.some((candidate) => agrees(candidate, line)));
  const changed = sources.filter((line) => !shipped.some((one) => one.equals(line)));
  return {
    wrong: unlike.length - left,
    sourceLines: sources.length,
    redactedLines: changed.length - left,
  };
}

function isRedacted(shipped: Buffer): boolean {
  return countMarkers(shipped).size > 0;
}

function sourceLine(line: Line): Buffer {
  return Buffer.isBuffer(line) ? line : line.seal(line.text);
}

function unreadable(problem: string): Verdict {
  return {
    state: 'unreadable',
    generation: 0,
    parts: 0,
    shippedLines: 0,
    sourceLines: 0,
    redactedLines: 0,
    rest: 0,
    problem,
  };
}
