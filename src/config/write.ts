import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { appendFile, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { NotAllowedError, UsageError } from '../errors.js';
import type { Io } from '../io.js';
import { type ConfigFile, isThere, readConfigFile } from './files.js';

/** The fields of a config, in reading order. Keys are present only if given as flags. */
export interface NewConfig {
  readonly backend: 'local' | 's3' | 'hf';
  readonly bucket: string;
  readonly project: string;
  readonly agent_id: string;
  /** null means Amazon; the Python tool requires the field. */
  readonly endpoint: string | null;
  readonly region?: string;
  readonly profile?: string;
  readonly access_key?: string;
  readonly secret_key?: string;
  readonly hf_token?: string;
}

/** Throws `UsageError` if anything has that name already, unless it may be overwritten. */
export async function refuseExisting(path: string, overwrite: boolean): Promise<void> {
  if (overwrite || !isThere(path)) return;
  throw new UsageError(`config already exists: ${path}`, {
    hint: 'Overwrite it with --force, or keep it: "tracecraft trust" shows what it does.',
  });
}

/** Mode 600, whole or not at all; read back, so that exactly the file on disk gets trusted. */
export async function writeConfig(
  io: Io,
  path: string,
  scope: ConfigFile['scope'],
  config: NewConfig,
): Promise<ConfigFile> {
  try {
    await io.replaceFile(path, `${JSON.stringify(config, null, 2)}\n`);
  } catch (error) {
    throw new NotAllowedError(`cannot write the config: ${path}: ${String(error)}`, {
      hint: 'Make the folder writable, or run "tracecraft init" elsewhere.',
      cause: error,
    });
  }
  const written = await readConfigFile(path, scope);
  if (written !== undefined) return written;
  throw new NotAllowedError(`the config vanished while it was being written: ${path}`, {
    hint: 'Run "tracecraft init" again.',
  });
}

/** A clone may contain a link of that name, or an archive a pipe; git itself does not follow a link there. */
const noLink = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const appending = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | noLink;
const maxIgnoreBytes = 1 << 20;

export type GitIgnored = 'no-repository' | 'already' | 'added' | 'declined' | 'tracked';

/**
 * Keeps git from adding a file that may hold keys or what was said. 'tracked': git already has it, and no .gitignore
 * changes that. `mayAdd` is asked only if a line must be added.
 */
export async function keepOutOfGit(
  path: string,
  mayAdd: () => Promise<boolean> = async () => true,
): Promise<GitIgnored> {
  const standing = await gitStanding(path);
  if (standing !== 'open') return standing;
  const folder = dirname(path);
  const name = basename(path);
  const ignoreFile = join(folder, '.gitignore');
  const before = await ignoreRules(ignoreFile).catch((error: unknown) => {
    throw cannotIgnore(ignoreFile, name, error);
  });
  const lines = before.split('\n').map((line) => line.trim());
  if (lines.includes(name) || lines.includes(`/${name}`)) return 'already';
  if (!(await mayAdd())) return 'declined';
  const separator = before === '' || before.endsWith('\n') ? '' : '\n';
  try {
    await appendFile(ignoreFile, `${separator}${name}\n`, { flag: appending });
  } catch (error) {
    throw cannotIgnore(ignoreFile, name, error);
  }
  return 'added';
}

/** Whether git would add it; 'open' if nothing keeps it from doing so. */
export async function gitStanding(
  path: string,
): Promise<'no-repository' | 'already' | 'tracked' | 'open'> {
  const folder = dirname(path);
  const name = basename(path);
  if (!(await isInWorkTree(folder))) return 'no-repository';
  if (await gitSays(folder, ['ls-files', '--error-unmatch', '--', name])) return 'tracked';
  return (await gitSays(folder, ['check-ignore', '-q', '--', name])) ? 'already' : 'open';
}

function cannotIgnore(ignoreFile: string, name: string, cause: unknown): NotAllowedError {
  return new NotAllowedError(`cannot add to ${ignoreFile}: ${String(cause)}`, {
    hint: `Add the line ${name} to it yourself, then try again.`,
    cause,
  });
}

/** The file's text; empty if there is none. Throws if it is anything but a file of reasonable size. */
async function ignoreRules(path: string): Promise<string> {
  if (!isThere(path)) return '';
  const file = await open(path, constants.O_RDONLY | noLink);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new Error('it is not a file');
    if (found.size > maxIgnoreBytes) throw new Error('it is larger than 1 MiB');
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** `.git` is a folder, or a file in linked work trees and submodules. */
async function isInWorkTree(folder: string): Promise<boolean> {
  for (let current = folder; ; current = dirname(current)) {
    if (isThere(join(current, '.git'))) return true;
    if (current === dirname(current)) return false;
  }
}

/** Whether that git command succeeds; no if there is no git. */
async function gitSays(folder: string, args: readonly string[]): Promise<boolean> {
  try {
    await promisify(execFile)('git', ['-C', folder, ...args], { timeout: 5_000 });
    return true;
  } catch {
    return false;
  }
}
