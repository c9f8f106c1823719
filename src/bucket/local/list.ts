import { lstatSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted } from '../aborted.js';
import type { Entry, ListOptions, ObjectEntry, Prefix } from '../bucket.js';
import { isAbsence, onDisk } from '../disk-errors.js';
import { checkPrefix, compareKeys, isSegment } from '../key.js';
import { internalFolder, type LocalLayout } from './layout.js';

interface Walk {
  readonly root: string;
  readonly prefix: Prefix;
  readonly after: string | undefined;
  readonly delimiter: '/' | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * Keys below the root in byte order, one folder at a time. Opens nothing that the prefix or `after` excludes; skips
 * what vanishes meanwhile.
 */
export async function* listFolder(
  { root, isListable }: LocalLayout,
  prefix: Prefix,
  options: ListOptions = {},
): AsyncGenerator<Entry> {
  checkPrefix(prefix);
  const { after, delimiter, signal } = options;
  const start = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  if (await isListable(start)) yield* walk({ root, prefix, after, delimiter, signal }, start);
}

/** Files examined together, once a caller wants that many. */
const mostTogether = 64;

/** `base` is the key of a folder: empty, or ending with a slash. */
async function* walk(scope: Walk, base: string): AsyncGenerator<Entry> {
  const isWanted = (key: string) => key.startsWith(scope.prefix) && !isPassed(key, scope.after);
  const keys = (await keysIn(scope.root, base)).filter(isWanted);
  let together = 1;
  for (let at = 0; at < keys.length; ) {
    const files = keys.slice(at, at + together);
    const folder = files.findIndex((key) => key.endsWith('/'));
    if (folder >= 0) files.length = folder;
    throwIfAborted(scope.signal);
    for (const entry of await Promise.all(files.map((key) => objectAt(scope.root, key)))) {
      throwIfAborted(scope.signal);
      if (entry !== undefined) yield entry;
    }
    at += files.length;
    together = Math.min(2 * together, mostTogether);
    if (folder >= 0) yield* folderEntries(scope, keys[at++]);
  }
}

async function* folderEntries(scope: Walk, key: string | undefined): AsyncGenerator<Entry> {
  if (key === undefined) return;
  if (scope.delimiter === undefined) yield* walk(scope, key);
  else if (scope.after?.startsWith(key) !== true && (await holdsObject(scope.root, key))) {
    yield { kind: 'prefix', prefix: key };
  }
}

/**
 * Files as keys, folders as keys with a trailing slash, sorted: a folder's keys then sort exactly where the slash
 * puts them.
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
  return keys.sort(compareKeys);
}

/** Whether everything `key` stands for (for a folder: all below it) is at or before `after`. */
function isPassed(key: string, after: string | undefined): boolean {
  if (after === undefined) return false;
  if (key.endsWith('/') && after.startsWith(key)) return false;
  return compareKeys(key, after) <= 0;
}

async function objectAt(root: string, key: string): Promise<ObjectEntry | undefined> {
  const path = join(root, key);
  return onDisk(`look at ${path}`, async () => {
    try {
      // Synchronous, because the thread pool costs several times what the look itself does (see src/io.ts).
      const { size, mtime } = lstatSync(path);
      return { kind: 'object', key, size, modifiedAt: mtime };
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  });
}

/** An object store has no empty folders, so a leftover one does not count here either. */
async function holdsObject(root: string, base: string): Promise<boolean> {
  for (const key of await keysIn(root, base)) {
    if (!key.endsWith('/') || (await holdsObject(root, key))) return true;
  }
  return false;
}
