import type { Bucket, Entry, ObjectEntry } from '../../bucket/bucket.js';
import type { Layout } from '../../protocol/keys.js';
import { decodeId } from '../../protocol/names.js';
import { parseGenerationName, parsePartName } from '../../protocol/parts.js';
import { completeLines } from '../lines.js';
import type { SessionRef } from '../stream.js';
import { currentGeneration, hasStranded, listStream, newestFirst } from './listing.js';
import { readingAhead } from './parts-ahead.js';
import {
  type LinesOfPart,
  type ReadPart,
  readChain,
  type WalkedPart,
  walkChain,
} from './reader.js';

export interface StreamPlace {
  /** '' for the main stream. */
  readonly name: string;
  readonly prefix: string;
  /** Its objects, if finding it has listed them. */
  readonly entries?: readonly ObjectEntry[];
}

/** The streams of a session, main stream first. */
export async function listStreams(
  bucket: Bucket,
  layout: Layout,
  { harness, id }: SessionRef,
): Promise<readonly StreamPlace[]> {
  const root = layout.streamsOf(harness, id);
  const further = furtherStreams(root, await listFolders(bucket, root));
  return [{ name: '', prefix: layout.session(harness, id) }, ...further];
}

/** The same with what is in each, for whoever reads all of them: both listings at once. */
export async function listWholeStreams(
  bucket: Bucket,
  layout: Layout,
  { harness, id }: SessionRef,
): Promise<readonly StreamPlace[]> {
  const [prefix, root] = [layout.session(harness, id), layout.streamsOf(harness, id)];
  const [own, further] = await Promise.all([
    listFolders(bucket, prefix),
    listFolders(bucket, root),
  ]);
  return wholeStreams(prefix, own, root, further);
}

/** What `listWholeStreams` gives, from listings that were made before. */
export function wholeStreams(
  prefix: string,
  own: Folders,
  root: string,
  further: Folders,
): readonly StreamPlace[] {
  return [{ name: '', prefix, entries: own.get(prefix) ?? [] }, ...furtherStreams(root, further)];
}

/** Parts and generations, by the folder that they are in. */
export type Folders = ReadonlyMap<string, readonly ObjectEntry[]>;

async function listFolders(bucket: Bucket, prefix: string): Promise<Folders> {
  const folders = new Map<string, ObjectEntry[]>();
  for await (const entry of bucket.list(prefix)) addPart(folders, entry);
  return folders;
}

/** Adds what is a part or opens a generation. */
export function addPart(folders: Map<string, ObjectEntry[]>, entry: Entry): void {
  if (entry.kind !== 'object') return;
  const cut = entry.key.lastIndexOf('/') + 1;
  const leaf = entry.key.slice(cut);
  if (parsePartName(leaf) === undefined && parseGenerationName(leaf) === undefined) return;
  const folder = entry.key.slice(0, cut);
  const entries = folders.get(folder);
  if (entries === undefined) folders.set(folder, [entry]);
  else entries.push(entry);
}

function furtherStreams(root: string, folders: Folders): readonly StreamPlace[] {
  const prefixes = [...folders.keys()].filter((prefix) => prefix !== root);
  return prefixes.sort().map((prefix) => {
    const segments = prefix.slice(root.length, -1).split('/');
    const name = segments.map(decodeId).join('/');
    return { name, prefix, entries: folders.get(prefix) ?? [] };
  });
}

/**
 * The lines of a stream in order, part by part, each with its newline: the newest readable generation. `entries`: what is in
 * its folder, if that was listed before.
 */
export async function* readLines(
  bucket: Bucket,
  prefix: string,
  entries?: readonly ObjectEntry[],
): AsyncIterable<readonly Buffer[]> {
  yield* linesOf(readParts(bucket, prefix, entries));
}

/** The lines of each generation before the one that `readLines` gives, newest generation first. */
export async function earlierGenerations(
  bucket: Bucket,
  { prefix, entries }: StreamPlace,
): Promise<readonly AsyncIterable<readonly Buffer[]>[]> {
  const listing = await listStream(bucket, prefix, entries);
  const current = currentGeneration(listing);
  return newestFirst(listing)
    .filter((generation) => generation < current)
    .map((generation) => linesOf(readChain(bucket, listing, generation)));
}

async function* linesOf(parts: AsyncIterable<ReadPart>): AsyncIterable<readonly Buffer[]> {
  for await (const part of parts) yield completeLines(part.body);
}

/** The parts of a stream in order: the newest readable generation. Small ones are fetched ahead. */
export async function* readParts(
  bucket: Bucket,
  prefix: string,
  entries?: readonly ObjectEntry[],
): AsyncIterable<ReadPart> {
  for await (const { body, entry: _, ...part } of walkParts(bucket, prefix, { entries })) {
    if (body !== undefined) yield { ...part, body };
  }
}

export interface PartWalk {
  /** Called at the end if the bucket has parts that only a missing one leads to. */
  readonly onMissing?: () => void;
  /** Parts of which it tells the number of lines are not read. */
  readonly linesOf?: LinesOfPart | undefined;
  /** What is in the stream's folder, if that was listed before. */
  readonly entries?: readonly Entry[] | undefined;
}

/** The same, but parts of which the number of lines is known are not read. */
export async function* walkParts(
  bucket: Bucket,
  prefix: string,
  { onMissing = () => undefined, linesOf, entries }: PartWalk = {},
): AsyncIterable<WalkedPart> {
  const listing = await listStream(bucket, prefix, entries);
  const unread = [...listing.parts].filter(([, entry]) => linesOf?.(entry) === undefined);
  const read = readingAhead(bucket, { prefix, parts: new Map(unread) });
  const reached = new Set<string>();
  for (const generation of newestFirst(listing)) {
    let isRange = false;
    for await (const part of walkChain(bucket, listing, generation, { read, linesOf })) {
      reached.add(part.key.slice(prefix.length));
      isRange ||= part.isRange;
      yield part;
    }
    // Where parts may overlap, some are none of the stream's.
    if (reached.size > 0 && isRange) return;
    if (reached.size > 0) break;
  }
  if (hasStranded(listing, reached) || (reached.size === 0 && listing.parts.size > 0)) onMissing();
}
