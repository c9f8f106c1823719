import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { SourceError } from '../../errors.js';
import type { Io } from '../../io.js';
import { withoutLinks } from '../../links.js';
import { type Harness, harnesses } from '../../protocol/harnesses.js';
import {
  type HookSignal,
  type HookSignalKind,
  type HookSignals,
  hookSignalKinds,
} from './hook-signal.js';

const maxBytes = 64 * 1024;
const maxFiles = 10_000;
/** One that nobody took is told again after this time. */
const againAfterMs = 60_000;
/** A hook writes beside and renames; what it left when it was killed goes after this time. */
const unfinishedMs = 3_600_000;

const contentSchema = v.object({
  session_id: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(512))),
  transcript_path: v.optional(v.pipe(v.string(), v.maxLength(8192))),
});

/** `<harness>.<whatever tells sessions apart>.<kind>` */
const namePattern = new RegExp(
  `^(${harnesses.join('|')})\\..{1,200}\\.(${hookSignalKinds.join('|')})$`,
);

/** What a hook writes beside before it renames. */
const unfinishedPattern = new RegExp(`^\\.(${harnesses.join('|')})\\.[\\w.]{1,100}$`);

/** As a hook does: what a command of ours has to tell a running watch. */
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
  // The spool lies right in the state folder, which may be a link itself.
  const own = withoutLinks(io, dirname(folder));
  await own.replaceFile(join(folder, `${harness}.${name}.${kind}`), content);
}

interface Waiting {
  readonly name: string;
  readonly version: string;
}

/**
 * The folder into which hooks drop what they have to tell, one small file per session and kind. What is not such a file (a
 * link, a folder, somebody else's, too large, no JSON) is told once by its name and left where it is.
 */
export function openHookSignals(
  folder: string,
  now: () => number,
  onTrouble: (error: Error) => void,
): HookSignals {
  const returned = new Map<string, string>();
  const files = new WeakMap<HookSignal, Waiting>();
  const told = new Set<string>();
  let folderVersion = '';

  function ignored(path: string, reason: string): undefined {
    if (told.size < maxFiles && !told.has(path)) {
      told.add(path);
      onTrouble(
        new SourceError('not-allowed', `ignored: ${path}: ${reason}`, { hint: 'Remove it.' }),
      );
    }
    return undefined;
  }

  async function names(): Promise<readonly string[]> {
    const stat = await lstat(folder).catch(() => undefined);
    if (stat === undefined) return [];
    if (!stat.isDirectory()) return ignored(folder, 'it is not a folder') ?? [];
    if (!isOwn(stat)) return ignored(folder, 'it is not yours') ?? [];
    const version = versionOf(stat);
    // Within the clock's resolution of the last look, one more change might leave the same time.
    if (version === folderVersion && returned.size === 0) return [];
    folderVersion = stat.mtimeMs < now() - 100 ? version : '';
    const names = (await readdir(folder)).slice(0, maxFiles);
    const present = new Set(names);
    for (const name of returned.keys()) if (!present.has(name)) returned.delete(name);
    return names;
  }

  async function read(name: string): Promise<HookSignal | undefined> {
    const path = join(folder, name);
    const stat = await lstat(path).catch(() => undefined);
    if (stat === undefined) return undefined;
    if (unfinishedPattern.test(name)) return sweepUnfinished(path, stat);
    const parsed = namePattern.exec(name);
    if (parsed === null) return ignored(path, 'no hook of tracecraft names a file so');
    if (!stat.isFile()) return ignored(path, 'it is not a regular file');
    if (!isOwn(stat)) return ignored(path, 'it is not yours');
    if (stat.size > maxBytes) return ignored(path, 'it is larger than 64 KiB');
    const version = versionOf(stat);
    const isOld = stat.mtimeMs < now() - againAfterMs;
    if (returned.get(name) === version && !isOld) return undefined;
    const content = parseContent(await readBounded(path));
    if (content === undefined) return ignored(path, 'its content is not what a hook writes');
    const hookSignal: HookSignal = {
      harness: harnessOf(parsed[1]),
      kind: kindOf(parsed[2]),
      sessionId: content.session_id,
      path: content.transcript_path,
      atMs: stat.mtimeMs,
    };
    files.set(hookSignal, { name, version });
    returned.set(name, version);
    return hookSignal;
  }

  async function sweepUnfinished(path: string, stat: Stats): Promise<undefined> {
    if (stat.isFile() && isOwn(stat) && stat.mtimeMs < now() - unfinishedMs) await remove(path);
  }

  return {
    waiting: async () => {
      try {
        const hookSignals: HookSignal[] = [];
        for (const name of await names()) {
          const hookSignal = await read(name);
          if (hookSignal !== undefined) hookSignals.push(hookSignal);
        }
        return hookSignals.sort((left, right) => left.atMs - right.atMs);
      } catch (error) {
        ignored(folder, error instanceof Error ? error.message : String(error));
        return [];
      }
    },
    take: async (hookSignal) => {
      const file = files.get(hookSignal);
      if (file === undefined) return;
      returned.delete(file.name);
      const path = join(folder, file.name);
      const stat = await lstat(path).catch(() => undefined);
      if (stat !== undefined && versionOf(stat) === file.version) await remove(path);
    },
  };

  async function remove(path: string): Promise<void> {
    await rm(path, { force: true }).catch((error: unknown) => ignored(path, String(error)));
  }
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

function harnessOf(text: string | undefined): Harness {
  return harnesses.find((one) => one === text) ?? 'claude-code';
}

function kindOf(text: string | undefined): HookSignalKind {
  return hookSignalKinds.find((one) => one === text) ?? 'advanced';
}
