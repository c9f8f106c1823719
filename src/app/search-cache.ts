import type { Bucket } from '../bucket/bucket.js';
import type { Settings } from '../config/settings.js';
import { NotAllowedError } from '../errors.js';
import { nodeIo } from '../io.js';
import { withoutLinks } from '../links.js';
import { bucketLayout } from '../protocol/keys.js';
import { Coverage } from '../search/cache/coverage.js';
import { PackFolder } from '../search/cache/pack-folder.js';
import { type Keep, SearchPacks } from '../search/cache/search-packs.js';
import type { Pack } from '../search/pack/pack.js';
import { changePurgeMark } from '../search/published/purge-mark.js';
import { SharedPacks } from '../search/published/shared-packs.js';
import { cacheBase, type Environment, isOurs, searchCacheFolder } from './search-cache-folder.js';

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
  const folder = searchCacheFolder(bucket, settings, env);
  if (!isOurs(folder)) return undefined;
  const { root } = bucketLayout(settings.project);
  const io = withoutLinks(nodeIo, cacheBase(env));
  return SearchPacks.open({ io, folder, root, nowMs, keep, shared }).catch(() => undefined);
}

/**
 * Removes what the bucket's packs and this machine's cache have of streams, named from the project's folder on. Caches of
 * other machines notice with their next search that reads everything. Change the purge mark before anything is removed; it
 * changes here once more, so that what was packed meanwhile is taken back.
 */
export async function forgetSearched(
  bucket: Bucket,
  settings: Destination,
  env: Environment,
  isMeant: (prefix: string) => boolean,
): Promise<void> {
  const layout = bucketLayout(settings.project);
  await changePurgeMark({ bucket, layout });
  await new SharedPacks(bucket, layout).forget(isMeant);
  await packFolder(bucket, settings, env).forget(isMeant);
}

type Destination = Pick<Settings, 'project'>;

export function packFolder(bucket: Bucket, settings: Destination, env: Environment): PackFolder {
  const io = withoutLinks(nodeIo, cacheBase(env));
  return new PackFolder(io, searchCacheFolder(bucket, settings, env));
}
