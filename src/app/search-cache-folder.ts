import { lstatSync, type Stats } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { Bucket } from '../bucket/bucket.js';
import { destinationId } from '../config/destination.js';
import type { Settings } from '../config/settings.js';
import { bucketLayout } from '../protocol/keys.js';
import { homeFolder } from '../system-user.js';

export type Environment = Readonly<Record<string, string | undefined>>;
type Destination = Pick<Settings, 'project'>;

/** Whether a search may find packs, on this machine or in the bucket: if not, nothing that reads them is loaded. */
export async function mayHavePacks(
  bucket: Bucket,
  settings: Destination,
  env: Environment,
): Promise<boolean> {
  try {
    if (statOf(searchCacheFolder(bucket, settings, env)) !== undefined) return true;
    for await (const _ of bucket.list(bucketLayout(settings.project).searchPacks())) return true;
    return false;
  } catch {
    return true;
  }
}

export function searchCacheFolder(
  bucket: Bucket,
  { project }: Destination,
  env: Environment,
): string {
  return join(cacheBase(env), 'search', destinationId(bucket.location, project));
}

export function cacheBase(env: Environment): string {
  const { XDG_CACHE_HOME: base } = env;
  const home = base !== undefined && isAbsolute(base) ? base : join(homeFolder(env), '.cache');
  return join(home, 'tracecraft');
}

/** Whether nobody else can write to the folder, or to the one around it: whoever can decides what is found. */
export function isOurs(folder: string): boolean {
  return isPrivate(dirname(folder)) && isPrivate(folder);
}

/** One that is not there yet will be ours. */
function isPrivate(folder: string): boolean {
  try {
    const stat = statOf(folder);
    if (stat === undefined) return true;
    const isOwn = process.getuid === undefined || stat.uid === process.getuid();
    const isClosed = process.platform === 'win32' || (stat.mode & 0o022) === 0;
    return stat.isDirectory() && isOwn && isClosed;
  } catch {
    return false;
  }
}

function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
