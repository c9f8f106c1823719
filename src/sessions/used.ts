import { setImmediate } from 'node:timers/promises';
import type { Bucket, Key } from '../bucket/bucket.js';
import { inParallel } from '../concurrency.js';
import { listIndexFiles } from '../mirror/index/index-files.js';
import { parsePage } from '../mirror/index/usage-page.js';
import { UsageTable } from '../mirror/index/usage-table.js';
import { usedRow } from '../mirror/index/used-rows.js';
import type { SessionRef } from '../mirror/stream.js';
import { type Layout, usagePageSuffix } from '../protocol/keys.js';
import { decodeId } from '../protocol/names.js';
import { fewSessions, largestBytes, readMetas } from './indexed.js';
import { type FirstNames, listFirstNames, listOtherNames } from './names.js';

/** One of so many pages of the index is asked for before the others; these tell how to divide the names. */
const pagesPerEarly = 3;

export interface UsedSessions {
  /** What they used. */
  readonly table: UsageTable;
  readonly count: number;
  /** Those whose `meta.json` was needed and is not there or cannot be read. */
  readonly unread: readonly SessionRef[];
  /** When the index was last written, by the store's clock; `undefined` if it was not used. */
  readonly asOf: Date | undefined;
  /** Pages of the index that cannot be read, so that their sessions were read one by one. */
  readonly unreadPages: readonly Key[];
}

/**
 * What every session of these harnesses used: of many from the derived index, and from `meta.json` where that lacks them.
 * The index is listed together with the first names: one request too many where sessions are few, a round less where
 * they are many. The other names are listed as soon as the first pages are read. `meanwhile` is called while there is
 * nothing to do but to wait for the store.
 */
export async function listUsed(
  bucket: Bucket,
  layout: Layout,
  wanted: readonly string[],
  meanwhile: () => void = () => undefined,
): Promise<UsedSessions> {
  const [heads, pages] = await Promise.all([
    listFirstNames(bucket, layout, wanted),
    listIndexFiles(bucket, layout, { ending: usagePageSuffix, mostBytes: largestBytes }),
  ]);
  const table = new UsageTable();
  const isMany = heads.reduce((sum, { names }) => sum + names.length, 0) > fewSessions;
  const reading = { bucket, layout, table };
  const { listed, unreadPages } = await readIndex(
    reading,
    isMany ? pages.keys : [],
    heads,
    meanwhile,
  );
  const { count, untold } = keepListed(table, listed);
  const read = await readMetas(bucket, layout, untold);
  table.addRows(
    read.flatMap(({ harness, id, meta }) =>
      meta === undefined ? [] : [{ ...usedRow(meta), harness, session_id: id }],
    ),
  );
  return {
    table,
    count,
    unread: read.filter(({ meta }) => meta === undefined),
    asOf: untold.length < count ? pages.asOf : undefined,
    unreadPages,
  };
}

interface Reading {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly table: UsageTable;
}

/** One harness's sessions, as their keys have them. */
interface Listed {
  readonly harness: string;
  readonly names: readonly (readonly string[])[];
}

async function readIndex(
  { bucket, layout, table }: Reading,
  keys: readonly Key[],
  heads: readonly FirstNames[],
  meanwhile: () => void,
): Promise<{ readonly listed: readonly Listed[]; readonly unreadPages: readonly Key[] }> {
  const isEarly = (_: Key, at: number): boolean => at % pagesPerEarly === 0;
  const others = keys.filter((key, at) => !isEarly(key, at));
  const earlyRead = readPages(bucket, keys.filter(isEarly), table);
  const othersRead = readPages(bucket, others, table);
  const namesListed = earlyRead.then(() =>
    inParallel(heads, async (one) => {
      const known = { ids: table.idsOf(one.harness), share: 1 / pagesPerEarly };
      const rest = await listOtherNames(bucket, layout, one, known);
      return { harness: one.harness, names: [one.names, ...rest] };
    }),
  );
  // Once the requests are on their way.
  const idled = setImmediate().then(meanwhile);
  const [listed, unread, unreadOthers] = await Promise.all([
    namesListed,
    earlyRead,
    othersRead,
    idled,
  ]);
  return { listed, unreadPages: [...unread, ...unreadOthers] };
}

/** How many they are, and those of which the index tells nothing. */
function keepListed(
  table: UsageTable,
  listed: readonly Listed[],
): { readonly count: number; readonly untold: readonly SessionRef[] } {
  let count = 0;
  const untold: SessionRef[] = [];
  for (const { harness, names } of listed) {
    for (const some of names) {
      count += some.length;
      for (const name of some) {
        const id = decodeId(name);
        if (!table.keep(harness, id)) untold.push({ harness, id });
      }
    }
  }
  return { count, untold };
}

/** Returns those that cannot be read. */
async function readPages(
  bucket: Bucket,
  keys: readonly Key[],
  table: UsageTable,
): Promise<readonly Key[]> {
  const unread: Key[] = [];
  await inParallel(keys, async (key) => {
    const stored = await bucket.get(key);
    if (stored === undefined) return;
    const page = parsePage(stored.body);
    if (page === undefined) unread.push(key);
    else table.add(page);
  });
  return unread;
}
