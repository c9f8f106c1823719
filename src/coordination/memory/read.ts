import type { Bucket } from '../../bucket/bucket.js';
import { inParallel } from '../../concurrency.js';
import { DocumentError } from '../../protocol/documents.js';
import type { Layout } from '../../protocol/keys.js';
import {
  type MemoryDocument,
  maxMemoryBytes,
  memoryKeyOf,
  parseMemory,
  slashKey,
} from '../../protocol/memory.js';

export interface MemoryPlace {
  readonly bucket: Bucket;
  readonly layout: Layout;
}

/** A value as commands show it. */
export interface Memory {
  /** The dotted key. */
  readonly key: string;
  readonly value: unknown;
  readonly version: number;
  readonly set_by: string | null;
  readonly set_at: string | null;
  readonly deleted: boolean;
}

export function memoryOf(key: string, document: MemoryDocument): Memory {
  const { value, version, set_by, set_at, deleted } = document;
  return { key, value, version, set_by, set_at, deleted: deleted === true };
}

/** A state as stored in the bucket. */
export interface StoredState {
  readonly document: MemoryDocument;
  readonly body: Buffer;
  /** By the store's clock. */
  readonly modifiedAt: Date;
}

export interface FoundMemory {
  /** Key of the object a change replaces or creates: the dotted form. */
  readonly key: string;
  /** Of the stored object; `undefined`: there is none. */
  readonly etag: string | undefined;
  /** The newer of the two forms; `undefined`: there is neither. */
  readonly present: StoredState | undefined;
  /** The highest version of both forms, 0 if there is none; the next is one more. */
  readonly version: number;
  /** What could not be read, and does not count. */
  readonly skipped: readonly DocumentError[];
}

/** `DocumentError` if the dotted form is unreadable: its version is unknown, and must not restart. */
export async function readPresent(place: MemoryPlace, name: string): Promise<FoundMemory> {
  const key = place.layout.memory(name);
  const older = slashKey(place.layout, name);
  const [dotted, slash] = await Promise.all([
    readState(place, key),
    older === undefined ? undefined : readState(place, older),
  ]);
  if (dotted instanceof DocumentError) throw dotted;
  if (slash instanceof DocumentError && dotted === undefined) throw slash;
  const other = slash instanceof DocumentError ? undefined : slash;
  return {
    key,
    etag: dotted?.etag,
    present: newerOf(dotted, other),
    version: Math.max(dotted?.document.version ?? 0, other?.document.version ?? 0),
    skipped: slash instanceof DocumentError ? [slash] : [],
  };
}

/**
 * Of two states written in the same second (S3's resolution), the one with the higher version; on a tie, the left
 * one.
 */
function newerOf<State extends Pick<StoredState, 'document' | 'modifiedAt'>>(
  left: State | undefined,
  right: State | undefined,
): State | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  const apart = left.modifiedAt.getTime() - right.modifiedAt.getTime();
  const ahead = apart !== 0 ? apart : left.document.version - right.document.version;
  return ahead >= 0 ? left : right;
}

/** `undefined`: there is none. */
export async function readState(
  { bucket }: Pick<MemoryPlace, 'bucket'>,
  key: string,
): Promise<(StoredState & { readonly etag: string }) | DocumentError | undefined> {
  const stored = await bucket.get(key, { range: { start: 0, end: maxMemoryBytes } });
  if (stored === undefined) return undefined;
  const { body, size, modifiedAt, etag } = stored;
  try {
    return { document: parseMemory(key, body, size), body, modifiedAt, etag };
  } catch (error) {
    if (error instanceof DocumentError) return error;
    throw error;
  }
}

export interface ListedMemories {
  /** In key order; deleted values are omitted. */
  readonly memories: readonly Memory[];
  /** Objects that could not be read. */
  readonly skipped: readonly DocumentError[];
  /** Objects that are not memories. */
  readonly strays: readonly string[];
}

/** The current values of all keys that start with `beginning`. */
export async function listMemories(place: MemoryPlace, beginning = ''): Promise<ListedMemories> {
  const strays: string[] = [];
  const wanted: { readonly key: string; readonly objectKey: string }[] = [];
  for (const objectKey of await objectKeys(place)) {
    const key = memoryKeyOf(place.layout, objectKey);
    if (key === undefined) strays.push(objectKey);
    else if (key.startsWith(beginning)) wanted.push({ key, objectKey });
  }
  const read = await inParallel(wanted, async ({ key, objectKey }) => ({
    key,
    isDotted: objectKey === place.layout.memory(key),
    state: await readState(place, objectKey),
  }));
  // The dotted form comes first, as it does without a listing.
  read.sort((left, right) => Number(right.isDotted) - Number(left.isDotted));
  const present = new Map<string, StoredState>();
  const skipped: DocumentError[] = [];
  for (const { key, state } of read) {
    if (state instanceof DocumentError) skipped.push(state);
    else if (state !== undefined) present.set(key, newerOf(present.get(key), state) ?? state);
  }
  const memories = [...present]
    .map(([key, { document }]) => memoryOf(key, document))
    .filter(({ deleted }) => !deleted)
    .sort((left, right) => (left.key < right.key ? -1 : 1));
  return { memories, skipped, strays };
}

/** Without the history, which may be far larger than the current values. */
async function objectKeys({ bucket, layout }: MemoryPlace): Promise<string[]> {
  const keys: string[] = [];
  const folders: string[] = [];
  for await (const entry of bucket.list(layout.memories(), { delimiter: '/' })) {
    const name = entry.kind === 'object' ? entry.key : entry.prefix;
    if (name.startsWith(`${layout.memories()}_`)) continue;
    if (entry.kind === 'object') keys.push(name);
    else folders.push(name);
  }
  const below = await inParallel(folders, async (folder) => {
    const found: string[] = [];
    for await (const entry of bucket.list(folder)) {
      if (entry.kind === 'object') found.push(entry.key);
    }
    return found;
  });
  return [...keys, ...below.flat()];
}
