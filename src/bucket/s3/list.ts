import { UnreachableError, UnsupportedError } from '../../errors.js';
import type { Entry, ListOptions, Prefix } from '../bucket.js';
import { Entries } from '../entries.js';
import { md5Of } from '../etag.js';
import { checkPrefix, compareKeys, isKey } from '../key.js';
import type { S3Connection } from './connection.js';
import type { Listed } from './requests.js';

interface Page {
  readonly entries: readonly Entry[];
  /** Where the next page starts, if there is one. */
  readonly next: string | undefined;
}

export function listObjects(
  connection: S3Connection,
  prefix: Prefix,
  options: ListOptions = {},
): AsyncIterable<Entry> {
  return new Entries(listPages(connection, prefix, options));
}

async function* listPages(
  connection: S3Connection,
  prefix: Prefix,
  options: ListOptions,
): AsyncGenerator<readonly Entry[]> {
  checkPrefix(prefix);
  const { after } = options;
  let last: string | undefined;
  let token: string | undefined;
  do {
    const page = await listPage(connection, prefix, options, token);
    const entries: Entry[] = [];
    for (const entry of page.entries) {
      const name = nameOf(entry);
      // Stores differ in whether they list the group that contains the start, and a page may repeat the previous
      // one's group.
      if (name === last || (entry.kind === 'prefix' && after?.startsWith(name) === true)) continue;
      if (last !== undefined && compareKeys(name, last) < 0) throw outOfOrder(connection, name);
      last = name;
      entries.push(entry);
    }
    yield entries;
    if (page.next !== undefined && page.next === token) throw stuck(connection);
    token = page.next;
  } while (token !== undefined);
}

async function listPage(
  connection: S3Connection,
  prefix: Prefix,
  { after, delimiter, signal }: ListOptions,
  token: string | undefined,
): Promise<Page> {
  const { objects, prefixes, isTruncated, next } = await connection.send(
    { action: `list ${prefix}`, signal },
    (requests) => requests.list({ prefix, delimiter, after, token }),
  );
  if (isTruncated && !next) throw stuck(connection);
  const groups: Entry[] = [];
  for (const prefix of prefixes) {
    if (prefix !== undefined && isKey(prefix.slice(0, -1))) groups.push({ kind: 'prefix', prefix });
  }
  const entries = objects.flatMap((object) => toEntry(object, connection));
  return { entries: merged(entries, groups), next: isTruncated ? next : undefined };
}

function merged(objects: readonly Entry[], groups: readonly Entry[]): readonly Entry[] {
  if (groups.length === 0) return objects;
  const all = objects.length === 0 ? groups : [...objects, ...groups];
  const isAfter = (entry: Entry, at: number): boolean => {
    const before = all[at - 1];
    return before === undefined || compareKeys(nameOf(before), nameOf(entry)) <= 0;
  };
  return all.every(isAfter) ? all : all.toSorted((a, b) => compareKeys(nameOf(a), nameOf(b)));
}

/** Keys that are not ours, such as the folder placeholders of web consoles, cannot be read here either. */
function toEntry(object: Listed, { clock }: S3Connection): Entry[] {
  const { key, size = 0, modifiedAt = new Date(clock.now()) } = object;
  if (key === undefined || !isKey(key)) return [];
  const md5 = md5Of(object.etag);
  return [{ kind: 'object', key, size, modifiedAt, ...(md5 === undefined ? {} : { md5 }) }];
}

function nameOf(entry: Entry): string {
  return entry.kind === 'object' ? entry.key : entry.prefix;
}

/** Resuming after the last key seen would miss keys: S3 Express, for one, lists in no order. */
function outOfOrder({ location }: S3Connection, key: string): UnsupportedError {
  return new UnsupportedError(`${location} does not list in order: ${key} arrived too late`, {
    hint: 'Use a general-purpose bucket.',
  });
}

function stuck({ location }: S3Connection): UnreachableError {
  return new UnreachableError(`${location} says that its listing continues, but not where`);
}
