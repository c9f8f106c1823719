import { createHash } from 'node:crypto';
import { constants, lstatSync, mkdirSync, type Stats } from 'node:fs';
import { lstat, open, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { messageOf, SourceError } from '../../errors.js';
import type { Io } from '../../io.js';
import { withoutLinks } from '../../links.js';
import { type HookSignal, type HookSignals, hookSignalKinds } from './hook-signal.js';

const maxBytes = 64 * 1024;
const maxFiles = 10_000;
/** A signal that nobody took is offered again after this time. */
const againAfterMs = 60_000;
/** A hook writes a temporary file and renames it; what a killed hook left behind is removed after this time. */
const unfinishedMs = 3_600_000;

const contentSchema = v.object({
  session_id: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(512))),
  transcript_path: v.optional(v.pipe(v.string(), v.maxLength(8192))),
});

const harness = '[a-z0-9][a-z0-9-]{0,63}';
/** `<harness>.<session or a hash of it>.<kind>` */
const namePattern = new RegExp(`^(${harness})\\..{1,200}\\.(${hookSignalKinds.join('|')})$`);

/** What a hook writes before it renames. */
const unfinishedPattern = new RegExp(`^\\.${harness}\\.[\\w.]{1,100}$`);

/** Writes a signal like a hook does, for commands that report something to a running watch. */
export async function writeHookSignal(
  io: Io,
  folder: string,
  {
    harness,
    kind,
    sessionId,
  }: Pick<HookSignal, 'harness' | 'kind'> & { readonly sessionId: string },
): Promise<void> {
  const name = createHash('sha256').update(sessionId).digest('hex').slice(0, 32);
  const content = `${JSON.stringify({ session_id: sessionId })}\n`;
  // The hook-signal folder is directly in the state folder, which may itself be a link.
  const own = withoutLinks(io, dirname(folder));
  await own.replaceFile(join(folder, `${harness}.${name}.${kind}`), content);
}

interface Waiting {
  readonly name: string;
  readonly version: string;
}

/**
 * The folder into which hooks put signals, one small file per session and kind. Anything else in it (a link, a
 * folder, someone else's file, too large, not JSON) is reported once by name and left alone.
 */
export function openHookSignals(
  folder: string,
  now: () => number,
  onTrouble: (error: Error) => void,
): HookSignals {
  return new HookSignalFolder(folder, now, onTrouble);
}

class HookSignalFolder implements HookSignals {
  readonly #folder: string;
  readonly #now: () => number;
  readonly #onTrouble: (error: Error) => void;
  readonly #returned = new Map<string, string>();
  readonly #files = new WeakMap<HookSignal, Waiting>();
  readonly #told = new Set<string>();
  #folderVersion = '';

  constructor(folder: string, now: () => number, onTrouble: (error: Error) => void) {
    this.#folder = folder;
    this.#now = now;
    this.#onTrouble = onTrouble;
  }

  folder(): string | undefined {
    const stat = statOf(this.#folder) ?? madeFolder(this.#folder);
    return stat?.isDirectory() === true && isOwn(stat) ? this.#folder : undefined;
  }

  async waiting(): Promise<readonly HookSignal[]> {
    try {
      const hookSignals: HookSignal[] = [];
      for (const name of await this.#names()) {
        const hookSignal = await this.#read(name);
        if (hookSignal !== undefined) hookSignals.push(hookSignal);
      }
      return hookSignals.sort((left, right) => left.atMs - right.atMs);
    } catch (error) {
      this.#ignored(this.#folder, messageOf(error));
      return [];
    }
  }

  async take(hookSignal: HookSignal): Promise<void> {
    const file = this.#files.get(hookSignal);
    if (file === undefined) return;
    this.#returned.delete(file.name);
    const path = join(this.#folder, file.name);
    const stat = await lstat(path).catch(() => undefined);
    if (stat !== undefined && versionOf(stat) === file.version) await this.#remove(path);
  }

  async #names(): Promise<readonly string[]> {
    const stat = statOf(this.#folder);
    if (stat === undefined) return [];
    if (!stat.isDirectory()) return this.#ignored(this.#folder, 'it is not a folder') ?? [];
    if (!isOwn(stat)) return this.#ignored(this.#folder, 'it is not yours') ?? [];
    const version = versionOf(stat);
    // Within the clock's resolution, one more change might leave the folder's time unchanged.
    if (version === this.#folderVersion && this.#returned.size === 0) return [];
    this.#folderVersion = stat.mtimeMs < this.#now() - 100 ? version : '';
    const names = (await readdir(this.#folder)).slice(0, maxFiles);
    const present = new Set(names);
    for (const name of this.#returned.keys()) if (!present.has(name)) this.#returned.delete(name);
    return names;
  }

  async #read(name: string): Promise<HookSignal | undefined> {
    const path = join(this.#folder, name);
    const stat = await lstat(path).catch(() => undefined);
    if (stat === undefined) return undefined;
    if (unfinishedPattern.test(name)) return this.#sweepUnfinished(path, stat);
    const about = parseName(name);
    if (about === undefined)
      return this.#ignored(path, 'not a file name that a tracecraft hook uses');
    const reason = refusalOf(stat);
    if (reason !== undefined) return this.#ignored(path, reason);
    const version = versionOf(stat);
    const isOld = stat.mtimeMs < this.#now() - againAfterMs;
    if (this.#returned.get(name) === version && !isOld) return undefined;
    const content = parseContent(await readBounded(path));
    if (content === undefined) return this.#ignored(path, 'its content is not what a hook writes');
    const { session_id: sessionId, transcript_path: told } = content;
    const hookSignal: HookSignal = { ...about, sessionId, path: told, atMs: stat.mtimeMs };
    this.#files.set(hookSignal, { name, version });
    this.#returned.set(name, version);
    return hookSignal;
  }

  async #sweepUnfinished(path: string, stat: Stats): Promise<undefined> {
    if (stat.isFile() && isOwn(stat) && stat.mtimeMs < this.#now() - unfinishedMs) {
      await this.#remove(path);
    }
  }

  async #remove(path: string): Promise<void> {
    await rm(path, { force: true }).catch((error: unknown) => this.#ignored(path, String(error)));
  }

  #ignored(path: string, reason: string): undefined {
    if (this.#told.size >= maxFiles || this.#told.has(path)) return undefined;
    this.#told.add(path);
    this.#onTrouble(
      new SourceError('not-allowed', `ignored: ${path}: ${reason}`, { hint: 'Remove it.' }),
    );
    return undefined;
  }
}

function refusalOf(stat: Stats): string | undefined {
  if (!stat.isFile()) return 'it is not a regular file';
  if (!isOwn(stat)) return 'it is not yours';
  return stat.size > maxBytes ? 'it is larger than 64 KiB' : undefined;
}

function versionOf({ ino, mtimeMs, ctimeMs }: Stats): string {
  return `${ino}:${mtimeMs}:${ctimeMs}`;
}

function isOwn({ uid }: Stats): boolean {
  const own = process.getuid?.();
  return own === undefined || uid === own;
}

async function readBounded(path: string): Promise<Buffer> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const bytes = Buffer.alloc(maxBytes);
    const { bytesRead } = await handle.read(bytes, 0, maxBytes, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function parseContent(bytes: Buffer): v.InferOutput<typeof contentSchema> | undefined {
  try {
    const result = v.safeParse(contentSchema, JSON.parse(bytes.toString('utf8')));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

function parseName(name: string): Pick<HookSignal, 'harness' | 'kind'> | undefined {
  const [, harness, last] = namePattern.exec(name) ?? [];
  const kind = hookSignalKinds.find((one) => one === last);
  return harness === undefined || kind === undefined ? undefined : { harness, kind };
}

/** Where that is impossible, they are looked for as before. */
function madeFolder(folder: string): Stats | undefined {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch {
    return undefined;
  }
  return statOf(folder);
}

/** Synchronous: looked at twice a second where nothing tells of a change, which through the thread pool would cost more than the call itself. */
function statOf(folder: string): Stats | undefined {
  try {
    return lstatSync(folder);
  } catch {
    return undefined;
  }
}
