import type { Bucket, ObjectEntry } from '../../bucket/bucket.js';
import { inParallel } from '../../concurrency.js';
import { eventTypeSchema, type UploadEvent, uploadEventSchema } from '../../protocol/artifacts.js';
import { DocumentError, parseDocument } from '../../protocol/documents.js';
import { type Layout, parseStampName } from '../../protocol/keys.js';

/** A file in the bucket, as a listing shows it. */
export type ListedObject = Pick<ObjectEntry, 'key' | 'size' | 'modifiedAt' | 'md5'>;

/** What was recorded about an artifact when it was uploaded. */
export interface Upload {
  readonly agent: string;
  /** ISO 8601 UTC, the store's time. */
  readonly at: string;
  readonly size: number;
  readonly sha256: string;
  /** ETag of the object that was written; missing from older events. */
  readonly etag: string | undefined;
}

export interface RecordedUploads {
  /** By key, oldest first; only those that can describe the present content. */
  readonly uploads: ReadonlyMap<string, readonly Upload[]>;
  /** Events that could not be read. */
  readonly skipped: readonly DocumentError[];
}

const minuteMs = 60_000;
/** Listings have whole seconds, and a client knows the store's clock only that precisely. */
const toleranceMs = 2_000;
/** An event has the time it was written: never much before its object's... */
const earlyMs = minuteMs;
/** ...and possibly long after it, where the store dates an object by the start of its upload, as S3 does. */
const lateMs = 24 * 60 * minuteMs;
/** Our own events are far smaller; a planted object of any size must not end up in memory. */
const maxEventBytes = 1024 * 1024;
const firstBatch = 8;
const laterBatch = 48;

/**
 * Finds the events that describe these objects. Reads only events from around the time of an object, and stops once
 * each has one; `thorough` reads all that may describe them.
 */
export async function readUploads(
  { bucket, layout }: { readonly bucket: Bucket; readonly layout: Layout },
  objects: readonly ListedObject[],
  { thorough = false }: { readonly thorough?: boolean } = {},
): Promise<RecordedUploads> {
  if (objects.length === 0) return { uploads: new Map(), skipped: [] };
  const known = new Map(objects.map((object) => [object.key, object]));
  const open = new Map(known);
  const uploads = new Map<string, Upload[]>();
  const skipped: DocumentError[] = [];

  const take = async (events: readonly ObjectEntry[]): Promise<void> => {
    for (const event of await inParallel(events, (entry) => readUpload(bucket, entry))) {
      if (event instanceof DocumentError) skipped.push(event);
      if (event === undefined || event instanceof DocumentError) continue;
      const { key, upload } = event;
      const object = known.get(key);
      if (object === undefined || !speaksOf(upload, object)) continue;
      uploads.set(key, [...(uploads.get(key) ?? []), upload]);
    }
    if (thorough) return;
    for (const [key, object] of open) {
      if (uploads.get(key)?.some((upload) => isUploadOf(upload, object))) open.delete(key);
    }
  };

  let batch: ObjectEntry[] = [];
  let batchSize = firstBatch;
  const [firstMs, lastMs] = spanOf(objects);
  for await (const entry of eventsSince(bucket, layout, firstMs)) {
    const timeMs = timeOf(layout, entry);
    if (timeMs === undefined) continue;
    if (timeMs > lastMs) break;
    if (!isWanted(timeMs, open)) continue;
    batch.push(entry);
    if (batch.length < batchSize) continue;
    await take(batch);
    if (open.size === 0) return { uploads, skipped };
    batch = [];
    batchSize = laterBatch;
  }
  await take(batch);
  return { uploads, skipped };
}

/** Whether an event describes the present content rather than content replaced since. */
function speaksOf({ at }: Upload, { modifiedAt }: ListedObject): boolean {
  return modifiedAt.getTime() <= Date.parse(at) + toleranceMs;
}

/**
 * Whether this is the very upload, as far as a listing shows: two at the same moment may have the
 * same size.
 */
export function isUploadOf({ size, etag }: Upload, object: ListedObject): boolean {
  if (size !== object.size) return false;
  return !isMd5(etag) || object.md5 === undefined || etag === `"${object.md5}"`;
}

function isMd5(etag: string | undefined): boolean {
  return /^"[0-9a-f]{32}"$/.test(etag ?? '');
}

async function* eventsSince(
  bucket: Bucket,
  layout: Layout,
  sinceMs: number,
): AsyncGenerator<ObjectEntry> {
  const time = String(BigInt(Math.max(0, Math.trunc(sinceMs))) * 1_000_000n).padStart(19, '0');
  const after = `${layout.events()}${time}`;
  for await (const entry of bucket.list(layout.events(), { after })) {
    if (entry.kind === 'object') yield entry;
  }
}

/** When the first and the last event about these objects may have been written. */
function spanOf(objects: readonly ListedObject[]): [firstMs: number, lastMs: number] {
  let [firstMs, lastMs] = [Number.POSITIVE_INFINITY, 0];
  for (const { modifiedAt } of objects) {
    firstMs = Math.min(firstMs, modifiedAt.getTime() - earlyMs);
    lastMs = Math.max(lastMs, modifiedAt.getTime() + lateMs);
  }
  return [firstMs, lastMs];
}

/** Milliseconds; `undefined` if it is not an event's name. */
function timeOf(layout: Layout, { key }: ObjectEntry): number | undefined {
  const stamp = parseStampName(key.slice(layout.events().length));
  return stamp === undefined ? undefined : Number(stamp.timeNs / 1_000_000n);
}

function isWanted(timeMs: number, open: ReadonlyMap<string, ListedObject>): boolean {
  for (const { modifiedAt } of open.values()) {
    const sinceMs = timeMs - modifiedAt.getTime();
    if (sinceMs >= -earlyMs && sinceMs <= lateMs) return true;
  }
  return false;
}

interface FoundUpload {
  readonly key: string;
  readonly upload: Upload;
}

/** `undefined` for an event of another kind. */
async function readUpload(
  bucket: Bucket,
  { key, size }: ObjectEntry,
): Promise<FoundUpload | DocumentError | undefined> {
  if (size > maxEventBytes) return new DocumentError(key, `${size} bytes is too large`);
  const stored = await bucket.get(key);
  if (stored === undefined) return undefined;
  try {
    const { type } = parseDocument(eventTypeSchema, key, stored.body);
    if (type !== 'artifact.uploaded') return undefined;
    return found(parseDocument(uploadEventSchema, key, stored.body));
  } catch (error) {
    if (error instanceof DocumentError) return error;
    throw error;
  }
}

function found({ agent, at, data: { ref, size, sha256, etag } }: UploadEvent): FoundUpload {
  return { key: ref.key, upload: { agent, at, size, sha256, etag } };
}
