import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import type { Clock } from '../clock.js';
import { NotAllowedError } from '../errors.js';
import type { Io } from '../io.js';
import type { ConfigFile } from './files.js';

/**
 * Which configs found in folders may move transcripts. A record holds a config's path and the hash of its content, so that a
 * cloned repository cannot send anyone's transcripts anywhere, nor change where they go later. One small file per path:
 * two `tracecraft trust` at once cannot lose each other's record.
 */
export interface TrustStore {
  isTrusted(file: Pick<ConfigFile, 'path' | 'sha256'>): Promise<boolean>;
  trust(file: Pick<ConfigFile, 'path' | 'sha256'>): Promise<void>;
  /** Whether there was a record. */
  revoke(path: string): Promise<boolean>;
  list(): Promise<readonly TrustRecord[]>;
}

const recordSchema = v.object({
  path: v.pipe(v.string(), v.maxLength(8192)),
  sha256: v.pipe(v.string(), v.regex(/^[a-f0-9]{64}$/)),
  trusted_at: v.pipe(v.string(), v.maxLength(64)),
});
export type TrustRecord = v.InferOutput<typeof recordSchema>;

export function openTrustStore(tracecraftHome: string, io: Io, clock: Clock): TrustStore {
  const folder = join(tracecraftHome, 'trusted');
  const fileOf = (path: string): string => join(folder, recordName(path));

  async function read(file: string): Promise<TrustRecord | undefined> {
    const bytes = await io.readFile(file).catch(() => undefined);
    const record = bytes === undefined ? undefined : parseRecord(bytes);
    // A record speaks only for the path that its name was made from.
    return record !== undefined && recordName(record.path) === basename(file) ? record : undefined;
  }

  return {
    isTrusted: async ({ path, sha256 }) => {
      const record = await read(fileOf(path));
      return record?.path === path && record.sha256 === sha256;
    },
    trust: async ({ path, sha256 }) => {
      const record: TrustRecord = {
        path,
        sha256,
        trusted_at: new Date(clock.now()).toISOString(),
      };
      try {
        await io.replaceFile(fileOf(path), `${JSON.stringify(record, null, 2)}\n`);
      } catch (error) {
        throw new NotAllowedError(`cannot record trust in ${folder}: ${String(error)}`, {
          hint: 'Make that folder writable, or name another with TRACECRAFT_HOME.',
          cause: error,
        });
      }
    },
    revoke: async (path) => {
      const file = fileOf(path);
      const existed = (await io.stat(file)) !== undefined;
      await io.remove(file);
      return existed;
    },
    list: async () => {
      const entries = (await io.readdir(folder)) ?? [];
      const files = entries.filter(({ kind, name }) => kind === 'file' && name.endsWith('.json'));
      const records = await Promise.all(files.map(({ name }) => read(join(folder, name))));
      return records
        .filter((record) => record !== undefined)
        .sort((a, b) => (a.path < b.path ? -1 : 1));
    },
  };
}

/** What moves transcripts asks this first. The config in the home folder is the user's own and needs no record. */
export function requireTrust(file: Pick<ConfigFile, 'path'>, trusted: boolean): void {
  if (trusted) return;
  throw new NotAllowedError(`not a trusted config: ${file.path}`, {
    hint: 'Look at what it would do and allow it with "tracecraft trust".',
  });
}

function recordName(path: string): string {
  return `${createHash('sha256').update(path).digest('hex').slice(0, 32)}.json`;
}

function parseRecord(bytes: Buffer): TrustRecord | undefined {
  try {
    const result = v.safeParse(recordSchema, JSON.parse(bytes.toString('utf8')));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}
