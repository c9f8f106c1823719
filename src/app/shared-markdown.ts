import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Settings } from '../config/settings.js';
import { NotAllowedError } from '../errors.js';
import { escapeTerminalBlock } from '../escape-terminal.js';
import type { ListedSession } from '../mirror/slots/session-listing.js';
import { localNames, withoutLocalPaths } from '../replay/page/local-paths.js';
import { assertReplaceable } from './overwrite.js';
import { type Checked, checkSecrets } from './secret-check.js';

/** Text about a session as it may be given to others: without the secrets of a second look, local paths and names. */
export function sharedMarkdown(
  settings: Settings,
  { meta }: ListedSession,
  text: string,
  keepsPaths: boolean,
): Checked {
  const { text: clean, found } = checkSecrets(settings, escapeTerminalBlock(text), true);
  if (keepsPaths || meta === undefined) return { text: clean, found };
  return { text: withoutLocalPaths(meta.cwd, localNames([meta]))(clean), found };
}

/** Whole or not at all; returns where it is. */
export async function writeShared(file: string, text: string, force: boolean): Promise<string> {
  const path = resolve(file);
  await assertReplaceable(path, force);
  const temporary = `${path}.tmp-${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(temporary, text, { flag: 'wx', mode: 0o600 });
    await rename(temporary, path);
    return path;
  } catch (error) {
    await rm(temporary, { force: true });
    throw new NotAllowedError(`cannot write ${path}`, {
      hint: 'Name a file in a folder of yours with -o.',
      cause: error,
    });
  }
}
