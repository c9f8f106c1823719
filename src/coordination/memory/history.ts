import { inParallel } from '../../concurrency.js';
import { NotFoundError } from '../../errors.js';
import { DocumentError } from '../../protocol/documents.js';
import { parseStampName, stampName } from '../../protocol/keys.js';
import { historyStamp } from '../../protocol/memory.js';
import {
  type Memory,
  type MemoryPlace,
  memoryOf,
  readPresent,
  readState,
  type StoredState,
} from './read.js';

/** Keeps a state as it is. Done twice, by whomever, it is there once. */
export async function keepInHistory(
  { bucket, layout }: MemoryPlace,
  key: string,
  state: StoredState,
): Promise<void> {
  const historyKey = `${layout.memoryHistory(key)}${historyName(state)}`;
  if (bucket.capabilities.putIfAbsent) await bucket.putIfAbsent(historyKey, state.body);
  else await bucket.put(historyKey, state.body);
}

function historyName({ document, body, modifiedAt }: StoredState): string {
  return `${stampName(historyStamp(document, body, modifiedAt))}.json`;
}

export interface MemoryHistory {
  /** The oldest first. */
  readonly states: readonly Memory[];
  /** Objects that could not be read. */
  readonly skipped: readonly DocumentError[];
  /** Keys that no state has. */
  readonly strays: readonly string[];
}

/** Every value that a key ever had, deletions included. `NotFoundError` when it never had one. */
export async function memoryHistory(place: MemoryPlace, key: string): Promise<MemoryHistory> {
  const [past, present] = await Promise.all([pastStates(place, key), presentState(place, key)]);
  const { states, skipped, strays } = past;
  const now = present.state;
  const isKept = now !== undefined && past.names.has(historyName(now));
  const all = now === undefined || isKept ? states : [...states, now];
  if (all.length === 0 && skipped.length + present.skipped.length === 0) {
    throw new NotFoundError(`nothing was ever remembered as ${key}`, {
      hint: 'See what is with "tracecraft memory list".',
    });
  }
  const memories = all.map(({ document }) => memoryOf(key, document));
  return {
    // A stable sort: what has the same version, or none, stays in the order of its times.
    states: memories.sort((left, right) => left.version - right.version),
    skipped: [...skipped, ...present.skipped],
    strays,
  };
}

interface PastStates {
  readonly names: ReadonlySet<string>;
  readonly states: readonly StoredState[];
  readonly skipped: readonly DocumentError[];
  readonly strays: readonly string[];
}

async function pastStates(place: MemoryPlace, key: string): Promise<PastStates> {
  const folder = place.layout.memoryHistory(key);
  const keys: string[] = [];
  const strays: string[] = [];
  for await (const entry of place.bucket.list(folder, { delimiter: '/' })) {
    if (entry.kind !== 'object') continue;
    const isState = parseStampName(entry.key.slice(folder.length)) !== undefined;
    (isState ? keys : strays).push(entry.key);
  }
  const read = await inParallel(keys, (one) => readState(place, one));
  return {
    names: new Set(keys.map((one) => one.slice(folder.length))),
    states: read.flatMap((one) => (one === undefined || one instanceof DocumentError ? [] : [one])),
    skipped: read.filter((one) => one instanceof DocumentError),
    strays,
  };
}

/** What nobody can read hides nothing of what came before. */
async function presentState(
  place: MemoryPlace,
  key: string,
): Promise<{
  readonly state: StoredState | undefined;
  readonly skipped: readonly DocumentError[];
}> {
  try {
    const { present, skipped } = await readPresent(place, key);
    return { state: present, skipped };
  } catch (error) {
    if (error instanceof DocumentError) return { state: undefined, skipped: [error] };
    throw error;
  }
}
