import { inParallel } from '../../concurrency.js';
import { NotFoundError } from '../../errors.js';
import { DocumentError } from '../../protocol/documents.js';
import { parseStampName } from '../../protocol/keys.js';
import { historyName } from './keep.js';
import { type Memory, memoryOf, readPresent } from './read.js';
import { type MemoryPlace, readState, type StoredState } from './stored-state.js';

export interface MemoryHistory {
  /** Oldest first. */
  readonly states: readonly Memory[];
  /** Objects that could not be read. */
  readonly skipped: readonly DocumentError[];
  /** Keys no state can have. */
  readonly strays: readonly string[];
}

/** Every value a key ever had, including deletions. `NotFoundError` if it never had one. */
export async function memoryHistory(place: MemoryPlace, key: string): Promise<MemoryHistory> {
  const [past, present] = await Promise.all([pastStates(place, key), presentState(place, key)]);
  const { states, skipped, strays } = past;
  const now = present.state;
  const isKept = now !== undefined && past.names.has(historyName(now));
  const all = now === undefined || isKept ? states : [...states, now];
  if (all.length === 0 && skipped.length + present.skipped.length === 0) {
    throw new NotFoundError(`no value was ever set for ${key}`, {
      hint: '"tracecraft memory list" shows all keys.',
    });
  }
  const memories = all.map(({ document }) => memoryOf(key, document));
  return {
    // A stable sort: states with the same version, or none, stay in time order.
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

/** An unreadable state does not hide what came before it. */
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
