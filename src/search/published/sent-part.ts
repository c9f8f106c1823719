import type { Bucket, Etag, Key, ObjectEntry } from '../../bucket/bucket.js';
import { md5Of } from '../../bucket/etag.js';
import { type PackedPart, packedPart, untold } from '../pack/packed-part.js';
import { settledMs } from '../packed-rows.js';
import type { KnownStreams } from './known-streams.js';

/** A part that the mirror has just put. */
export interface SentPart {
  readonly harness: string;
  readonly key: Key;
  readonly startLine: number;
  readonly endLine: number;
  readonly body: Buffer;
  /** The store's answer. */
  readonly etag: Etag;
}

/** One that waits to be packed. */
export interface QueuedPart extends SentPart {
  /** Monotonic milliseconds: when it was sent. */
  readonly sentMs: number;
}

/** A part that the bucket holds as it was sent. */
export interface ConfirmedPart {
  readonly sent: QueuedPart;
  readonly part: PackedPart;
}

export interface Confirmed {
  readonly ready: readonly ConfirmedPart[];
  /** Written too recently to say. */
  readonly fresh: readonly QueuedPart[];
}

interface StoreTime {
  /** By the store's clock. */
  readonly nowMs: number;
  /** The same moment, by this process's. */
  readonly monotonicMs: number;
}

/** How far the dates of a store may be from its clock. */
const toleranceMs = 1_000;

interface Asked {
  readonly bucket: Bucket;
  /** The project's folder in the bucket. */
  readonly root: string;
  readonly streams: KnownStreams;
  readonly time: StoreTime;
}

/**
 * Asks the bucket whether it still holds these parts as they were sent, with one listing per stream that is not known. A part
 * that somebody rewrote or removed since must not come back as text of a pack.
 */
export async function confirmParts(asked: Asked, parts: readonly QueuedPart[]): Promise<Confirmed> {
  const { root, streams, time } = asked;
  const ready: ConfirmedPart[] = [];
  const fresh: QueuedPart[] = [];
  streams.forgetOld(time.monotonicMs);
  for (const [folder, some] of byFolder(parts)) {
    some.sort((left, right) => left.startLine - right.startLine);
    const entries = await entriesOf(asked, folder, some);
    const isKnown = entries.size === some.length && [...entries.values()].every(hasDigest);
    if (isKnown) streams.see(folder, time.monotonicMs);
    else streams.forget(folder);
    for (const sent of some) {
      const entry = entries.get(sent.key);
      if (entry === undefined) continue;
      const isFresh = !hasDigest(entry) && entry.modifiedAt.getTime() > time.nowMs - settledMs;
      if (isFresh) fresh.push(sent);
      else ready.push({ sent, part: packedPart(root, sent, entry) });
    }
  }
  return { ready, fresh };
}

/** Those that are there as they were sent. */
async function entriesOf(
  { bucket, streams, time }: Asked,
  folder: string,
  parts: readonly QueuedPart[],
): Promise<ReadonlyMap<Key, ObjectEntry>> {
  const toldBy = parts.map(entryOf);
  if (streams.has(folder) && toldBy.every(hasDigest)) {
    return new Map(toldBy.map((entry) => [entry.key, entry]));
  }
  const listed = await listParts(bucket, folder, parts);
  const asSent = parts.flatMap((sent): [Key, ObjectEntry][] => {
    const entry = listed.get(sent.key);
    return entry !== undefined && isAsSent(entry, sent, time) ? [[sent.key, entry]] : [];
  });
  return new Map(asSent);
}

/** As the answer to its put has it. */
function entryOf({ key, body, etag }: QueuedPart): ObjectEntry {
  const md5 = md5Of(etag);
  const entry = { kind: 'object' as const, key, size: body.length, modifiedAt: untold };
  return md5 === undefined ? entry : { ...entry, md5 };
}

function hasDigest({ md5 }: ObjectEntry): boolean {
  return md5 !== undefined;
}

/** Only what is named like the first of them or later. */
async function listParts(
  bucket: Bucket,
  folder: string,
  parts: readonly QueuedPart[],
): Promise<ReadonlyMap<Key, ObjectEntry>> {
  const wanted = new Set(parts.map(({ key }) => key));
  const first = [...wanted].sort()[0] ?? folder;
  const listed = new Map<Key, ObjectEntry>();
  for await (const entry of bucket.list(folder, { after: first.slice(0, -1) })) {
    if (entry.kind === 'object' && wanted.has(entry.key)) listed.set(entry.key, entry);
    if (listed.size === wanted.size) break;
  }
  return listed;
}

/** Without a digest, size and date must do: whatever was written later than it was sent is something else. */
function isAsSent(
  { size, md5, modifiedAt }: ObjectEntry,
  { body, etag, sentMs }: QueuedPart,
  { nowMs, monotonicMs }: StoreTime,
): boolean {
  if (size !== body.length) return false;
  if (md5 !== undefined) return md5 === md5Of(etag);
  return modifiedAt.getTime() <= nowMs - (monotonicMs - sentMs) + toleranceMs;
}

function byFolder(parts: readonly QueuedPart[]): ReadonlyMap<string, QueuedPart[]> {
  const folders = new Map<string, QueuedPart[]>();
  for (const part of parts) {
    const folder = part.key.slice(0, part.key.lastIndexOf('/') + 1);
    const known = folders.get(folder);
    if (known === undefined) folders.set(folder, [part]);
    else known.push(part);
  }
  return folders;
}
