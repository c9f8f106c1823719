import { createHash } from 'node:crypto';
import type { Bucket, Key, ObjectEntry } from '../../bucket/bucket.js';
import { type PackedPart, packedPart } from '../pack/packed-part.js';
import { settledMs } from '../packed-rows.js';

/** A part that the mirror has just put. */
export interface SentPart {
  readonly harness: string;
  readonly key: Key;
  readonly startLine: number;
  readonly endLine: number;
  readonly body: Buffer;
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

/**
 * Asks the bucket, with one listing per stream, whether it still holds these parts as they were sent. A part that
 * somebody rewrote or removed since must not come back as text of a pack.
 */
export async function confirmParts(
  bucket: Bucket,
  root: string,
  parts: readonly QueuedPart[],
  time: StoreTime,
): Promise<Confirmed> {
  const ready: ConfirmedPart[] = [];
  const fresh: QueuedPart[] = [];
  for (const [folder, some] of byFolder(parts)) {
    const listed = await listParts(bucket, folder, some);
    for (const sent of some.sort((left, right) => left.startLine - right.startLine)) {
      const entry = listed.get(sent.key);
      if (entry === undefined || !isAsSent(entry, sent, time)) continue;
      const isFresh =
        entry.md5 === undefined && entry.modifiedAt.getTime() > time.nowMs - settledMs;
      if (isFresh) fresh.push(sent);
      else ready.push({ sent, part: packedPart(root, sent, entry) });
    }
  }
  return { ready, fresh };
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
  { body, sentMs }: QueuedPart,
  { nowMs, monotonicMs }: StoreTime,
): boolean {
  if (size !== body.length) return false;
  if (md5 !== undefined) return md5 === createHash('md5').update(body).digest('hex');
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
