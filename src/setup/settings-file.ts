import { constants } from 'node:fs';
import { lstat, mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LostError, messageOf, NotAllowedError, UsageError } from '../errors.js';

const maxBytes = 4 << 20;
const newFileMode = 0o600;
const mark = '\uFEFF';

/** A settings file as found. */
export interface SettingsFile {
  /** As the harness names it. */
  readonly path: string;
  /** Symbolic links resolved: this file is replaced, so links stay links. */
  readonly real: string;
  readonly exists: boolean;
  /** Without the byte order mark. */
  readonly text: string;
  readonly hasMark: boolean;
  readonly mode: number;
}

/** Throws `UsageError` or `NotAllowedError` for a file that cannot be read, or not reproduced byte for byte. */
export async function readSettings(path: string): Promise<SettingsFile> {
  const real = await resolved(path);
  const found = real === undefined ? undefined : await readBounded(path, real);
  if (real === undefined || found === undefined) {
    return { path, real: path, exists: false, text: '', hasMark: false, mode: newFileMode };
  }
  const text = decoded(path, found.bytes);
  const hasMark = text.startsWith(mark);
  return {
    path,
    real,
    exists: true,
    text: hasMark ? text.slice(mark.length) : text,
    hasMark,
    mode: found.mode,
  };
}

/** Whole or not at all, keeping its mode; `LostError` if someone changed it meanwhile. */
export async function writeSettings(file: SettingsFile, text: string): Promise<void> {
  const temporary = `${file.real}.tracecraft-${process.pid}`;
  try {
    await mkdir(dirname(file.real), { recursive: true, mode: 0o700 });
    await writeWhole(temporary, (file.hasMark ? mark : '') + text, file.mode);
    await refuseChanged(file);
    await rename(temporary, file.real);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error instanceof LostError ? error : notWritable(file.path, error);
  }
}

export async function removeSettings(file: SettingsFile): Promise<void> {
  await refuseChanged(file);
  await rm(file.real).catch((error: unknown) => {
    throw notWritable(file.path, error);
  });
}

async function refuseChanged(file: SettingsFile): Promise<void> {
  const now = await readSettings(file.path);
  if (now.text === file.text && now.exists === file.exists && now.real === file.real) return;
  throw new LostError(`someone else changed ${file.path} at the same time`, {
    hint: 'Nothing was changed. Run this again.',
  });
}

async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const handle = await open(path, 'wx', mode);
  try {
    await handle.chmod(mode);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export function notWritable(path: string, error: unknown): NotAllowedError {
  return new NotAllowedError(`cannot write ${path}: ${messageOf(error)}`, {
    hint: 'Make it writable, and run this again.',
    cause: error,
  });
}

async function resolved(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((await lstat(path).catch(() => undefined)) !== undefined) {
      throw new UsageError(`cannot use ${path}: it is a dangling symbolic link`, {
        hint: 'Remove it, or create its target.',
      });
    }
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new NotAllowedError(`cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}

async function readBounded(
  path: string,
  real: string,
): Promise<{ readonly bytes: Buffer; readonly mode: number } | undefined> {
  try {
    const handle = await open(real, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await handle.stat();
      if (!stat.isFile()) throw unusable(path, 'it is not a regular file');
      if (stat.size > maxBytes) throw unusable(path, 'it is larger than 4 MiB');
      return { bytes: await handle.readFile(), mode: stat.mode & 0o7777 };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new NotAllowedError(`cannot read ${path}: ${messageOf(error)}`, {
      hint: 'Make it readable to you.',
      cause: error,
    });
  }
}

function decoded(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw unusable(path, 'it is not UTF-8');
  }
}

function unusable(path: string, reason: string): UsageError {
  return new UsageError(`cannot use ${path}: ${reason}`, { hint: 'Nothing was changed.' });
}

function codeOf(error: unknown): unknown {
  return Reflect.get(Object(error), 'code');
}

/** The missing folders above a path, outermost first. */
export async function missingAbove(path: string): Promise<readonly string[]> {
  const missing: string[] = [];
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    if ((await lstat(folder).catch(() => undefined)) !== undefined) break;
    missing.unshift(folder);
  }
  return missing;
}

/** Where setup keeps its record. */
export function setupFolder(tracecraftHome: string): string {
  return join(tracecraftHome, 'setup');
}
