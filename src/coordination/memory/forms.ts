import { writeOver } from '../../bucket/write-over.js';
import { DocumentError } from '../../protocol/documents.js';
import { encodeMemory, type MemoryDocument, slashKey } from '../../protocol/memory.js';
import { historyName, keepInHistory, lastVersionBefore } from './keep.js';
import { type MemoryPlace, readState, type StoredState } from './stored-state.js';

/**
 * The Python tool keeps `design.contract` as `memory/design/contract.json`, without versions. We
 * keep it under its dotted key and write a copy to where that tool looks, so of the two forms:
 * - the dotted one is the truth, and our copy never outranks it;
 * - whatever the other tool has written since is its next version.
 */
export interface Forms {
  readonly dotted: StoredState | undefined;
  readonly slash: StoredState | undefined;
}

/** The current state of a memory and its version; `undefined`: neither form exists. */
export async function presentOf(
  place: MemoryPlace,
  key: string,
  { dotted, slash }: Forms,
): Promise<StoredState | undefined> {
  // A key without dots has one form: the other tool's write replaces ours, version and all.
  const own = dotted === undefined ? undefined : await numbered(place, key, dotted);
  if (slash === undefined) return own;
  if (own === undefined) return withVersion(slash, 1);
  return (await isLater(place, key, slash, own)) ? withVersion(slash, versionOf(own) + 1) : own;
}

async function numbered(place: MemoryPlace, key: string, state: StoredState): Promise<StoredState> {
  if (versionOf(state) > 0) return state;
  return withVersion(state, 1 + (await lastVersionBefore(place, key, state)));
}

async function isLater(
  place: MemoryPlace,
  key: string,
  slash: StoredState,
  dotted: StoredState,
): Promise<boolean> {
  if (isCopy(slash)) return versionOf(slash) > versionOf(dotted);
  const apartMs = slash.modifiedAt.getTime() - dotted.modifiedAt.getTime();
  if (apartMs !== 0) return apartMs > 0;
  if (versionOf(slash) > 0) return versionOf(slash) > versionOf(dotted);
  // S3 times have whole seconds. Whoever replaces a value first adds it to the history, so a value
  // that is not there came later.
  const kept = await place.bucket.get(place.layout.memoryHistory(key) + historyName(slash));
  return kept === undefined;
}

/** Only our states have an id. */
function isCopy({ document }: StoredState): boolean {
  return document.id !== null;
}

function versionOf({ document }: StoredState): number {
  return document.version;
}

/** A state without version counts as this one. */
function withVersion(state: StoredState, version: number): StoredState {
  if (versionOf(state) > 0) return state;
  return { ...state, document: { ...state.document, version }, isAdopted: true };
}

const attempts = 5;

/** Copies a new state to where the Python tool looks. What that tool wrote in the meantime stays. */
export async function copyForOlderTool(
  place: MemoryPlace,
  key: string,
  document: MemoryDocument,
  seen: (StoredState & { readonly etag: string }) | undefined,
): Promise<void> {
  const { bucket, layout } = place;
  const objectKey = slashKey(layout, key);
  if (objectKey === undefined) return;
  const body = encodeMemory(document);
  let over = seen;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if (over !== undefined && !isCopy(over)) await keepInHistory(place, key, over);
    if ((await writeOver(bucket, objectKey, body, over?.etag)).written) return;
    const present = await readState(place, objectKey);
    // Written by the other tool, or a later one of ours.
    if (present instanceof DocumentError || present === undefined) return;
    if (!isCopy(present) || present.document.version >= document.version) return;
    over = present;
  }
}
