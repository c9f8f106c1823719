import { dirname, isAbsolute, join } from 'node:path';
import type { TreeSettings } from '../files/transcript-tree.js';

/**
 * opencode keeps all sessions in one database in its data folder (`opencode-<channel>.db` for releases of a channel), or
 * where `OPENCODE_DB` says. `auth.json` next to it, and the tables that hold accounts, credentials and the secrets of
 * shared sessions, are never read.
 */
const database = /^opencode(?:-[a-z0-9._-]{1,64})?\.db$/i;

export interface OpenCodePlace {
  readonly folder: string;
  /** The only database of interest there; by default, any that has such a name. */
  readonly file: string | undefined;
}

export function placeOfDatabases({ env, home }: Pick<TreeSettings, 'env' | 'home'>): OpenCodePlace {
  const data = env.XDG_DATA_HOME ?? '';
  const folder = join(data === '' ? join(home, '.local', 'share') : data, 'opencode');
  const named = env.OPENCODE_DB ?? '';
  if (named === '' || named === ':memory:') return { folder, file: undefined };
  const path = isAbsolute(named) ? named : join(folder, named);
  return { folder: dirname(path), file: path.slice(dirname(path).length + 1) };
}

export function isDatabase({ file }: OpenCodePlace, name: string): boolean {
  return file === undefined ? database.test(name) : name === file;
}
