import { inParallel } from '../../concurrency.js';
import { DocumentError } from '../../protocol/documents.js';
import { type MemoryDocument, memoryKeyOf, slashKey } from '../../protocol/memory.js';
import { type Forms, presentOf } from './forms.js';
import { type MemoryPlace, readState, type StoredState } from './stored-state.js';

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

export interface FoundMemory {
  /** Key of the object a change replaces or creates: the dotted form. */
  readonly key: string;
  /** Of the stored object; `undefined`: there is none. */
  readonly etag: string | undefined;
  /** Whichever of the two forms counts; `undefined`: neither exists. */
  readonly present: StoredState | undefined;
  /** The highest version of both forms, 0 if there is none; the next is one more. */
  readonly version: number;
  /** The Python tool's form, as it was read. */
  readonly slash: (StoredState & { readonly etag: string }) | undefined;
  /** Objects that could not be read and do not count. */
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
  const present = await presentOf(place, name, { dotted, slash: other });
  return {
    key,
    etag: dotted?.etag,
    present,
    version: Math.max(...[dotted, other, present].map((one) => one?.document.version ?? 0)),
    slash: other,
    skipped: slash instanceof DocumentError ? [slash] : [],
  };
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
  const forms = new Map<string, Forms>();
  const skipped: DocumentError[] = [];
  for (const { key, isDotted, state } of read) {
    if (state instanceof DocumentError) skipped.push(state);
    if (state === undefined || state instanceof DocumentError) continue;
    const known = forms.get(key) ?? { dotted: undefined, slash: undefined };
    forms.set(key, isDotted ? { ...known, dotted: state } : { ...known, slash: state });
  }
  const present = await inParallel([...forms], async ([key, both]) => ({
    key,
    state: await presentOf(place, key, both),
  }));
  const memories = present
    .flatMap(({ key, state }) => (state === undefined ? [] : [memoryOf(key, state.document)]))
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
