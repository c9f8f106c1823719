import type { Conditional } from '../../bucket/bucket.js';
import { LostError, NotFoundError } from '../../errors.js';
import type { DocumentError } from '../../protocol/documents.js';
import { checkValue, encodeMemory, type MemoryDocument } from '../../protocol/memory.js';
import { checkMemoryKey } from '../../protocol/names.js';
import type { CoordinationContext } from '../context.js';
import { newId } from '../event-timestamp.js';
import { afterwards, writeEvent } from '../events.js';
import { copyForOlderTool } from './forms.js';
import { historyName, keepInHistory } from './keep.js';
import { type FoundMemory, type Memory, memoryOf, readPresent } from './read.js';

/** What must hold for the current state before a change is made. */
export interface Condition {
  /** There is no value: there never was one, or it was deleted. */
  readonly ifAbsent?: boolean | undefined;
  /** The current version, including a deletion's; 0: there never was a value. */
  readonly ifVersion?: number | undefined;
}

export type Change =
  | {
      readonly written: true;
      readonly memory: Memory;
      /** The store does not arbitrate: someone else may believe they made a change at the same moment. */
      readonly isBestEffort: boolean;
    }
  | {
      readonly written: false;
      /** What is stored instead; `undefined` if there never was a value. */
      readonly present: Memory | undefined;
    };

const attempts = 64;
/**
 * The nth pause between two attempts is random below n times this, so that each of many concurrent writers gets a
 * turn.
 */
const pauseMs = 20;
/** Milliseconds a non-arbitrating store is given to show what others wrote at the same time. */
const visibilityDelayMs = 2_000;
/** Characters of a value, as JSON, that its event repeats. */
const longestInEvent = 2_000;

/** Sets a value as the next version. Losing is a value; `LostError` only if an unconditional set keeps losing. */
export function setMemory(
  context: CoordinationContext,
  key: string,
  value: unknown,
  condition: Condition = {},
): Promise<Change> {
  checkValue(value);
  return change(context, checkMemoryKey(key), condition, () => ({ value }));
}

/** Deletes a value; the next set continues its version. `NotFoundError` if there is none. */
export function deleteMemory(
  context: CoordinationContext,
  key: string,
  condition: Pick<Condition, 'ifVersion'> = {},
): Promise<Change> {
  return change(context, checkMemoryKey(key), condition, (present) => {
    if (present === undefined || present.deleted) throw absent(key, present);
    return { value: null, deleted: true };
  });
}

/** The current value. `NotFoundError` if there is none, `DocumentError` if it is unreadable. */
export async function getMemory(
  place: Pick<CoordinationContext, 'bucket' | 'layout'>,
  key: string,
): Promise<{ readonly memory: Memory; readonly skipped: readonly DocumentError[] }> {
  const found = await readPresent(place, checkMemoryKey(key));
  const { present } = found;
  if (present === undefined || present.document.deleted === true) {
    throw absent(key, present === undefined ? undefined : memoryOf(key, present.document));
  }
  return { memory: memoryOf(key, present.document), skipped: found.skipped };
}

type FollowFilter = Pick<MemoryDocument, 'value'> & { readonly deleted?: true };

async function change(
  context: CoordinationContext,
  key: string,
  condition: Condition,
  news: (present: Memory | undefined) => FollowFilter,
): Promise<Change> {
  const { bucket, clock, agent } = context;
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const found = await readPresent(context, key);
    const present = found.present === undefined ? undefined : memoryOf(key, found.present.document);
    if (!isMet(condition, present, found.version)) return { written: false, present };
    const { value, deleted = false } = news(present);
    const now = await bucket.now();
    const document: MemoryDocument = {
      value,
      set_by: agent,
      set_at: now.toISOString(),
      version: found.version + 1,
      deleted,
      id: newId(),
    };
    // Its writer may have been stopped before writing its history: the next write would lose it.
    if (found.present !== undefined) await keepInHistory(context, key, found.present);
    const { written } = await write(context, found, document, condition);
    if (written || (await wasWritten(context, key, document))) {
      return finish(context, key, document, found.slash);
    }
    await clock.sleep(Math.random() * pauseMs * attempt);
  }
  throw new LostError(`${key} keeps changing: ${context.layout.memory(key)}`, {
    hint: 'Several agents are writing it right now. Try again.',
  });
}

function isMet(
  { ifAbsent = false, ifVersion }: Condition,
  present: Memory | undefined,
  version: number,
): boolean {
  if (ifAbsent && present !== undefined && !present.deleted) return false;
  return ifVersion === undefined || ifVersion === version;
}

async function write(
  context: CoordinationContext,
  { key, etag }: FoundMemory,
  document: MemoryDocument,
  { ifAbsent = false, ifVersion }: Condition,
): Promise<Conditional> {
  const { bucket, clock } = context;
  const body = encodeMemory(document);
  if (isArbitrated(context)) {
    return etag === undefined ? bucket.putIfAbsent(key, body) : bucket.putIfMatch(key, body, etag);
  }
  const written = await bucket.put(key, body);
  if (!ifAbsent && ifVersion === undefined) return { written: true, ...written };
  await clock.sleep(visibilityDelayMs);
  const stored = await bucket.get(key);
  return stored?.body.equals(body) ? { written: true, etag: stored.etag } : { written: false };
}

/**
 * The answer may have been lost and the value replaced since; but whoever replaces it first adds it
 * to the history.
 */
async function wasWritten(
  { bucket, layout }: CoordinationContext,
  key: string,
  document: MemoryDocument,
): Promise<boolean> {
  const body = encodeMemory(document);
  const name = historyName({ document, body, modifiedAt: new Date(0) });
  return (await bucket.get(layout.memoryHistory(key) + name)) !== undefined;
}

async function finish(
  context: CoordinationContext,
  key: string,
  document: MemoryDocument,
  slash: FoundMemory['slash'],
): Promise<Change> {
  const { layout, bucket } = context;
  const { value, version, deleted } = document;
  const isShort = JSON.stringify(value).length <= longestInEvent;
  const said = deleted === true || !isShort ? {} : { value };
  const body = encodeMemory(document);
  await Promise.all([
    keepInHistory(context, key, { document, body, modifiedAt: await bucket.now() }),
    afterwards(context, copyForOlderTool(context, key, document, slash)),
    writeEvent(context, {
      type: deleted === true ? 'memory.deleted' : 'memory.set',
      data: { ref: { key: layout.memory(key), version }, key, version, ...said },
    }),
  ]);
  return { written: true, memory: memoryOf(key, document), isBestEffort: !isArbitrated(context) };
}

function isArbitrated({ bucket }: Pick<CoordinationContext, 'bucket'>): boolean {
  return bucket.capabilities.putIfAbsent && bucket.capabilities.putIfMatch;
}

function absent(key: string, present: Memory | undefined): NotFoundError {
  if (present === undefined) {
    return new NotFoundError(`no value is set for ${key}`, {
      hint: '"tracecraft memory list" shows all keys.',
    });
  }
  const { set_by, version } = present;
  return new NotFoundError(`${key} was deleted by ${set_by ?? 'someone'} (version ${version})`, {
    hint: `"tracecraft memory history ${key}" shows its old values.`,
  });
}
