import { accessSync, type Dir, type Dirent, lstatSync, opendirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../aborted.js';
import type { Entry, ListOptions, ObjectEntry, Prefix } from '../bucket.js';
import { diskError, isAbsence, onDisk } from '../disk-errors.js';
import { Entries } from '../entries.js';
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
): Entries {
  const start = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const scope = { root, prefix, after, delimiter, detailsOnDemand, signal };
  const pages = walk(scope, async () => {
    checkPrefix(prefix);
    await assertPresent();
    return (await isListable(start)) ? keysIn(root, start) : [];
  });
  return new Entries(pages);
}

/** Files examined without a pause: signals and timers must wait that long. A folder counts as several. */
const mostTogether = 512;
const filesPerFolder = 8;

/**
 * One folder and what is below it, by pages: to hand out each entry by itself takes longer than to find it. The first pages
 * are short, for whoever only wants to know whether there is anything.
 */
async function* walk(
  scope: Walk,
  keys: () => Promise<readonly string[]>,
): AsyncGenerator<readonly Entry[]> {
  const neighbours = new Neighbours(scope.root);
  let page: Entry[] = [];
  let [together, most] = [0, 1];
  for (const key of await keys()) {
    if (!key.startsWith(scope.prefix) || isPassed(key, scope.after)) continue;
    throwIfAborted(scope.signal);
    const isFolder = key.endsWith('/');
    if (isFolder && scope.delimiter === undefined) {
      if (page.length > 0) yield page;
      page = [];
      yield* walk(scope, () => keysIn(scope.root, key));
      continue;
    }
    const entry = isFolder ? prefixAt(scope, key, neighbours) : objectIn(scope, key);
    if (entry !== undefined) page.push(entry);
    together += isFolder ? filesPerFolder : 1;
    if (together < most) continue;
    if (page.length > 0) yield page;
    page = [];
    if (most === mostTogether) await setImmediate();
    most = Math.min(mostTogether, 2 * most);
    together = 0;
  }
  if (page.length > 0) yield page;
}

function prefixAt({ after }: Walk, key: string, neighbours: Neighbours): Entry | undefined {
  if (after?.startsWith(key) === true || !neighbours.holdObject(key)) return undefined;
  return { kind: 'prefix', prefix: key };
}

function objectIn({ root, detailsOnDemand }: Walk, key: string): ObjectEntry | undefined {
  return detailsOnDemand ? new UnexaminedObject(root, key) : objectAt(root, key);
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
    if (!isListed(entry)) continue;
    if (entry.isFile()) keys.push(`${base}${entry.name}`);
    if (entry.isDirectory()) keys.push(`${base}${entry.name}/`);
  }
  return sortKeys(keys);
}

function isListed({ name }: Dirent): boolean {
  return isSegment(name) && !name.includes('\uFFFD');
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

/**
 * An object store has no empty folders, so a leftover one does not count here either. Stops at the first file, and is
 * synchronous: with 100,000 sessions this is most of what a listing costs.
 */
class Neighbours {
  readonly #root: string;
  /** Folders side by side mostly have a file of the same name, and a look at it costs half of what opening a folder does. */
  #name: string | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /** Whether there is a file anywhere in this folder. */
  holdObject(base: string): boolean {
    const name = this.#name;
    const isLikeIt = name !== undefined && isThere(`${this.#root}${sep}${base}${name}`);
    return isLikeIt || this.#findObject(base);
  }

  #findObject(base: string): boolean {
    const below: string[] = [];
    const folder = openFolder(`${this.#root}${sep}${base}`);
    if (folder === undefined) return false;
    try {
      for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
        if (!isListed(entry)) continue;
        if (entry.isFile()) {
          this.#name = entry.name;
          return true;
        }
        if (entry.isDirectory()) below.push(`${base}${entry.name}/`);
      }
    } catch (error) {
      throw diskError(error, `list ${folder.path}`);
    } finally {
      folder.closeSync();
    }
    return below.some((one) => this.#findObject(one));
  }
}

/** Only whether it is there, which costs a quarter of asking what it is: a link or a folder of this name was planted. */
function isThere(path: string): boolean {
  try {
    accessSync(path);
    return true;
  } catch {
    // Opening its folder will tell why.
    return false;
  }
}

function openFolder(path: string): Dir | undefined {
  try {
    return opendirSync(path);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw diskError(error, `list ${path}`);
  }
}
