import { lstatSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../aborted.js';
import type { Entry, ListOptions, ObjectEntry, Prefix } from '../bucket.js';
import { diskError, isAbsence, onDisk } from '../disk-errors.js';
import { checkPrefix, compareKeys, isSegment, sortKeys } from '../key.js';
import { fileTime } from './file-time.js';
import { internalFolder, type LocalLayout } from './layout.js';

interface Walk {
  readonly root: string;
  readonly prefix: Prefix;
  readonly after: string | undefined;
  readonly delimiter: '/' | undefined;
  readonly detailsOnDemand: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Keys below the root in byte order, one folder at a time. Opens nothing that the prefix or `after` excludes; skips
 * what vanishes meanwhile.
 */
export function listFolder(
  { root, assertPresent, isListable }: LocalLayout,
  prefix: Prefix,
  { after, delimiter, detailsOnDemand = false, signal }: ListOptions = {},
): AsyncGenerator<Entry> {
  const start = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  return walk({ root, prefix, after, delimiter, detailsOnDemand, signal }, async () => {
    checkPrefix(prefix);
    await assertPresent();
    return (await isListable(start)) ? keysIn(root, start) : [];
  });
}

/** Files examined without a pause: signals and timers must wait that long. */
const mostTogether = 512;

/** One folder and what is below it. Not nested in another generator: each level would cost every entry three promises. */
async function* walk(scope: Walk, keys: () => Promise<readonly string[]>): AsyncGenerator<Entry> {
  let together = 0;
  for (const key of await keys()) {
    if (!key.startsWith(scope.prefix) || isPassed(key, scope.after)) continue;
    throwIfAborted(scope.signal);
    if (key.endsWith('/')) {
      yield* folderEntries(scope, key);
      continue;
    }
    const entry = scope.detailsOnDemand
      ? new UnexaminedObject(scope.root, key)
      : objectAt(scope.root, key);
    if (entry !== undefined) yield entry;
    together = (together + 1) % mostTogether;
    if (together === 0) await setImmediate();
  }
}

async function* folderEntries(scope: Walk, key: string): AsyncGenerator<Entry> {
  if (scope.delimiter === undefined) yield* walk(scope, () => keysIn(scope.root, key));
  else if (scope.after?.startsWith(key) !== true && (await holdsObject(scope.root, key))) {
    yield { kind: 'prefix', prefix: key };
  }
}

/**
 * `base` is the key of a folder: empty, or ending with a slash. Files as keys, folders as keys with a trailing slash,
 * sorted: a folder's keys then sort exactly where the slash puts them.
 */
async function keysIn(root: string, base: string): Promise<readonly string[]> {
  const folder = join(root, base);
  const entries = await onDisk(`list ${folder}`, () =>
    readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      if (isAbsence(error)) return [];
      throw error;
    }),
  );
  const keys: string[] = [];
  for (const entry of entries) {
    if (base === '' && entry.name === internalFolder) continue;
    if (!isSegment(entry.name) || entry.name.includes('\uFFFD')) continue;
    if (entry.isFile()) keys.push(`${base}${entry.name}`);
    if (entry.isDirectory()) keys.push(`${base}${entry.name}/`);
  }
  return sortKeys(keys);
}

/** Whether everything `key` stands for (for a folder: all below it) is at or before `after`. */
function isPassed(key: string, after: string | undefined): boolean {
  if (after === undefined) return false;
  if (key.endsWith('/') && after.startsWith(key)) return false;
  return compareKeys(key, after) <= 0;
}

/**
 * Synchronous, because the thread pool costs several times as much as the check itself (see
 * src/io.ts).
 */
function objectAt(root: string, key: string): ObjectEntry | undefined {
  // Not `join`: keys have no dots to resolve, and a mailbox may hold tens of thousands.
  const path = `${root}${sep}${key}`;
  try {
    const found = lstatSync(path);
    return { kind: 'object', key, size: found.size, modifiedAt: fileTime(found) };
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw diskError(error, `look at ${path}`);
  }
}

/** In a folder of tens of thousands, examining the files costs more than listing them. */
class UnexaminedObject implements ObjectEntry {
  readonly kind = 'object';
  readonly key: string;
  private readonly root: string;
  private examined: ObjectEntry | undefined;

  constructor(root: string, key: string) {
    this.root = root;
    this.key = key;
  }

  get size(): number {
    return this.details().size;
  }

  get modifiedAt(): Date {
    return this.details().modifiedAt;
  }

  private details(): ObjectEntry {
    this.examined ??= objectAt(this.root, this.key) ?? {
      kind: 'object',
      key: this.key,
      size: 0,
      modifiedAt: new Date(0),
    };
    return this.examined;
  }
}

/** An object store has no empty folders, so a leftover one does not count here either. */
async function holdsObject(root: string, base: string): Promise<boolean> {
  for (const key of await keysIn(root, base)) {
    if (!key.endsWith('/') || (await holdsObject(root, key))) return true;
  }
  return false;
}
