import { lstatSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { Bucket } from '../bucket/bucket.js';
import { destinationId } from '../config/destination.js';
import type { Settings } from '../config/settings.js';
import { NotAllowedError } from '../errors.js';
import { nodeIo } from '../io.js';
import { withoutLinks } from '../links.js';
import { bucketLayout } from '../protocol/keys.js';
import { Coverage } from '../search/cache/coverage.js';
import { PackFolder } from '../search/cache/pack-folder.js';
import { type Keep, SearchPacks } from '../search/cache/search-packs.js';
import type { Pack } from '../search/pack/pack.js';
import { SharedPacks } from '../search/published/shared-packs.js';
import { homeFolder } from '../system-user.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a search reads instead of parts. */
export type UsedPacks = Pick<SearchPacks, 'coverage' | 'keeper' | 'settle'>;

interface CacheUse {
  readonly env: Environment;
  /** By the store's clock. */
  readonly nowMs: number;
  readonly keep: Keep;
}

/** The packs of this machine, where they can be used, and those in the bucket. */
export async function openPacks(
  bucket: Bucket,
  settings: Settings,
  use: CacheUse,
): Promise<UsedPacks> {
  const shared = await sharedPacks(bucket, settings);
  const own = await openSearchPacks(bucket, settings, { ...use, shared });
  if (own !== undefined) return own;
  const { root } = bucketLayout(settings.project);
  const coverage = new Coverage(root, shared);
  return { coverage, keeper: undefined, settle: async () => undefined };
}

/** Whoever may not read them reads the parts. */
async function sharedPacks(bucket: Bucket, { project }: Destination): Promise<readonly Pack[]> {
  try {
    const opened = await new SharedPacks(bucket, bucketLayout(project)).open();
    return opened.map(({ pack }) => pack);
  } catch (error) {
    if (error instanceof NotAllowedError) return [];
    throw error;
  }
}

/** The packs of this machine; `undefined` where they cannot be used. A search can do without. */
export async function openSearchPacks(
  bucket: Bucket,
  settings: Settings,
  { env, nowMs, keep, shared }: CacheUse & { readonly shared?: readonly Pack[] },
): Promise<SearchPacks | undefined> {
  const base = cacheBase(env);
  const folder = searchCacheFolder(bucket, settings, env);
  if (!isPrivate(join(base, 'search')) || !isPrivate(folder)) return undefined;
  const { root } = bucketLayout(settings.project);
  const io = withoutLinks(nodeIo, base);
  return SearchPacks.open({ io, folder, root, nowMs, keep, shared }).catch(() => undefined);
}

/**
 * Removes what the bucket's packs and this machine's cache have of streams, named from the project's folder on. Caches of
 * other machines notice with their next search that reads everything. Change the purge mark before.
 */
export async function forgetSearched(
  bucket: Bucket,
  settings: Destination,
  env: Environment,
  isMeant: (prefix: string) => boolean,
): Promise<void> {
  await new SharedPacks(bucket, bucketLayout(settings.project)).forget(isMeant);
  await packFolder(bucket, settings, env).forget(isMeant);
}

type Destination = Pick<Settings, 'project'>;

export function packFolder(bucket: Bucket, settings: Destination, env: Environment): PackFolder {
  const io = withoutLinks(nodeIo, cacheBase(env));
  return new PackFolder(io, searchCacheFolder(bucket, settings, env));
}

function searchCacheFolder(bucket: Bucket, { project }: Destination, env: Environment): string {
  return join(cacheBase(env), 'search', destinationId(bucket.location, project));
}

function cacheBase(env: Environment): string {
  const { XDG_CACHE_HOME: base } = env;
  const home = base !== undefined && isAbsolute(base) ? base : join(homeFolder(env), '.cache');
  return join(home, 'tracecraft');
}

/** Whoever can write to a folder decides what is found. One that is not there yet will be ours. */
function isPrivate(folder: string): boolean {
  try {
    const stat = lstatSync(folder, { throwIfNoEntry: false });
    if (stat === undefined) return true;
    const isOurs = process.getuid === undefined || stat.uid === process.getuid();
    const isClosed = process.platform === 'win32' || (stat.mode & 0o022) === 0;
    return stat.isDirectory() && isOurs && isClosed;
  } catch {
    return false;
  }
}
