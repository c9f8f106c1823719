import type { Entry, ListOptions, Prefix } from '../bucket.js';
import { checkPrefix, compareKeys, isKey } from '../key.js';
import { askHub, encodePath, type HubConnection, type HubWire } from './connection.js';
import { statusOf } from './errors.js';
import { knownOf } from './read.js';

/**
 * The Hub lists by text prefix, siblings of a folder included, in no promised order. So we list the whole folder,
 * then filter and sort here.
 */
export async function* listHub(
  connection: HubConnection,
  prefix: Prefix,
  options: ListOptions = {},
): AsyncGenerator<Entry> {
  checkPrefix(prefix);
  const call = { action: `list ${prefix}`, signal: options.signal };
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1).replace(/\/$/, '');
  const isRecursive = options.delimiter === undefined;
  const entries = await connection.run(call, (wire) =>
    collect(connection, wire, { folder, isRecursive }),
  );
  const { after } = options;
  // Pages are fetched one after another: a concurrent write can move an entry to the next page, so it may appear
  // twice.
  const once = new Map(entries.map((entry) => [nameOf(entry), entry]));
  const wanted = [...once.values()].filter((entry) => {
    const name = nameOf(entry);
    if (!name.startsWith(prefix)) return false;
    if (after === undefined) return true;
    if (entry.kind === 'prefix' && after.startsWith(name)) return false;
    return compareKeys(name, after) > 0;
  });
  yield* wanted.sort((left, right) => compareKeys(nameOf(left), nameOf(right)));
}

interface Listing {
  /** Without a trailing slash. */
  readonly folder: string;
  readonly isRecursive: boolean;
}

async function collect(
  connection: HubConnection,
  wire: HubWire,
  { folder, isRecursive }: Listing,
): Promise<Entry[]> {
  const { client, params } = wire;
  const path = folder === '' ? {} : { path: encodePath(folder) };
  const entries: Entry[] = [];
  try {
    const files = client.listFiles({ ...params, ...path, recursive: isRecursive });
    for await (const file of files) {
      if (!isKey(file.path)) continue;
      if (file.type === 'file') {
        const { size, modifiedAt } = knownOf(connection, file);
        entries.push({ kind: 'object', key: file.path, size, modifiedAt });
      } else if (!isRecursive && file.type === 'directory') {
        entries.push({ kind: 'prefix', prefix: `${file.path}/` });
      }
    }
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    // Either the folder is missing or the bucket is: this throws if it is the bucket.
    await askHub(wire, '');
  }
  return entries;
}

function nameOf(entry: Entry): string {
  return entry.kind === 'object' ? entry.key : entry.prefix;
}
