import { writeOver } from '../../bucket/write-over.js';
import { inParallel } from '../../concurrency.js';
import { DocumentError } from '../../protocol/documents.js';
import { parseStampName, stampName } from '../../protocol/keys.js';
import { encodeMemory, historyStamp } from '../../protocol/memory.js';
import { type MemoryPlace, readState, type StoredState } from './stored-state.js';

/** Stores a state unchanged. Doing it twice, from anywhere, stores it once. */
export async function keepInHistory(
  { bucket, layout }: MemoryPlace,
  key: string,
  state: StoredState,
): Promise<void> {
  const historyKey = `${layout.memoryHistory(key)}${historyName(state)}`;
  const body = state.isAdopted === true ? encodeMemory(state.document) : state.body;
  await writeOver(bucket, historyKey, body, undefined);
}

/** Derived from what was written, not from the version it counts as. */
export function historyName({ document, body, modifiedAt }: StoredState): string {
  return `${stampName(historyStamp(document, body, modifiedAt))}.json`;
}

/** If clocks differ, the latest version is still among the last few names. */
const lastNames = 8;

/** The latest version in the history, this state aside; 0 if there is none. */
export async function lastVersionBefore(
  place: MemoryPlace,
  key: string,
  state: StoredState,
): Promise<number> {
  const folder = place.layout.memoryHistory(key);
  const own = historyName(state);
  const keys: string[] = [];
  for await (const entry of place.bucket.list(folder, { delimiter: '/' })) {
    const leaf = entry.kind === 'object' ? entry.key.slice(folder.length) : '';
    if (leaf !== own && parseStampName(leaf) !== undefined) keys.push(`${folder}${leaf}`);
  }
  const states = await inParallel(keys.slice(-lastNames), (one) => readState(place, one));
  return states.reduce(
    (most, one) =>
      one === undefined || one instanceof DocumentError
        ? most
        : Math.max(most, one.document.version),
    0,
  );
}
