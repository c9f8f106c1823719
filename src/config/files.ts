import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  realpathSync,
} from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { NotAllowedError, UsageError } from '../errors.js';
import { sha256Hex } from '../sha256.js';
import { type ConfigDocument, parseConfig } from './schema.js';

export const projectConfigName = '.tracecraft.json';
const homeConfigName = 'config.json';
const maxConfigBytes = 256 * 1024;

/** Where configs come from, as the process sees it; injected so that nothing here reads the real environment. */
export interface ConfigContext {
  /** Absolute. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home folder, absolute. */
  readonly home: string;
}

export interface ConfigFile {
  /** Symbolic links resolved: trust is recorded for this path, and relative paths start from it. */
  readonly path: string;
  readonly folder: string;
  readonly scope: 'project' | 'home';
  /** Lower-case hex, of the bytes `document` was parsed from. */
  readonly sha256: string;
  /** Whether users other than its owner can read it. */
  readonly readableByOthers: boolean;
  readonly document: ConfigDocument;
}

/** `TRACECRAFT_HOME` or `~/.tracecraft`: the home config, trust records and local state. */
export function tracecraftHome(context: Pick<ConfigContext, 'home' | 'env'>): string {
  const named = context.env.TRACECRAFT_HOME;
  if (named === undefined || named === '') return join(context.home, '.tracecraft');
  if (isAbsolute(named)) return named;
  throw new UsageError(`TRACECRAFT_HOME is not an absolute path: ${JSON.stringify(named)}`, {
    hint: 'Set it to an absolute path, or unset it to use ~/.tracecraft.',
  });
}

export function homeConfigPath(context: ConfigContext): string {
  return join(tracecraftHome(context), homeConfigName);
}

/** The nearest `.tracecraft.json`, from the current folder upwards. */
export async function findProjectConfig(context: ConfigContext): Promise<ConfigFile | undefined> {
  for (let folder = context.cwd; ; folder = dirname(folder)) {
    const found = await readConfigFile(join(folder, projectConfigName), 'project');
    if (found !== undefined) return found;
    if (folder === dirname(folder)) return undefined;
  }
}

export async function findHomeConfig(context: ConfigContext): Promise<ConfigFile | undefined> {
  return readConfigFile(homeConfigPath(context), 'home');
}

/**
 * `undefined` if nothing has that name. A config that exists but is unusable is an error: falling through to the next
 * one would send data where its owner does not expect it. Synchronous below: the first asynchronous read starts four
 * threads, which cost a short command more than all it reads.
 */
export async function readConfigFile(
  path: string,
  scope: ConfigFile['scope'],
): Promise<ConfigFile | undefined> {
  const file = openIfThere(path);
  if (file === undefined) return undefined;
  try {
    const { bytes, mode } = readBounded(file, path);
    const real = realpathSync(path);
    return {
      path: real,
      folder: dirname(real),
      scope,
      sha256: sha256Hex(bytes),
      readableByOthers: process.platform !== 'win32' && (mode & 0o077) !== 0,
      document: parseConfig(real, bytes),
    };
  } finally {
    closeSync(file);
  }
}

function openIfThere(path: string): number | undefined {
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer.
    return openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (!isThere(path)) return undefined;
    throw new NotAllowedError(`cannot read the config: ${path}: ${reasonOf(error)}`, {
      hint: 'Make it readable to you, or remove it.',
      cause: error,
    });
  }
}

/** Whether anything has this name, be it a link that leads nowhere. */
export function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function readBounded(
  file: number,
  path: string,
): { readonly bytes: Buffer; readonly mode: number } {
  const stat = fstatSync(file);
  if (!stat.isFile()) throw unusable(path, 'it is not a regular file');
  const bytes = Buffer.alloc(maxConfigBytes + 1);
  let filled = 0;
  while (filled < bytes.length) {
    const length = readSync(file, bytes, filled, bytes.length - filled, filled);
    if (length === 0) break;
    filled += length;
  }
  if (filled > maxConfigBytes) throw unusable(path, 'it is larger than 256 KiB');
  return { bytes: bytes.subarray(0, filled), mode: stat.mode };
}

function unusable(path: string, problem: string): UsageError {
  return new UsageError(`not a usable config: ${path}: ${problem}`, {
    hint: 'Remove it, or write a new one with "tracecraft init --force".',
  });
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT') return 'it is a dangling symbolic link';
  return code === 'EACCES' ? 'permission denied' : code;
}

/** `~` is the user's home; a relative path starts from the config's folder. */
export function localRoot(bucket: string, folder: string, home: string): string {
  if (bucket === '~') return home;
  if (bucket.startsWith('~/')) return join(home, bucket.slice(2));
  return resolve(folder, bucket);
}
