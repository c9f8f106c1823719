import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import * as v from 'valibot';
import type { Clock } from '../clock.js';
import { NotAllowedError, TracecraftError } from '../errors.js';
import type { Io } from '../io.js';
import { withoutLinks } from '../links.js';
import { sha256Hex } from '../sha256.js';
import { type ConfigContext, type ConfigFile, localRoot, tracecraftHome } from './files.js';

/**
 * Decides which configs found in folders may be used at all. A record holds the config's path, a hash of its content
 * and, for a folder, where its bucket really is. So a cloned repository can neither send nor show anything by itself,
 * nor redirect things later, not even with a link in the bucket's place. One small file per path: two concurrent
 * `tracecraft trust` cannot lose each other's record.
 */
export interface TrustStore {
  isTrusted(file: Trustable): Promise<boolean>;
  trust(file: Trustable): Promise<void>;
  /** Whether there was a record. */
  revoke(path: string): Promise<boolean>;
  list(): Promise<readonly TrustRecord[]>;
}

type TrustContext = Pick<ConfigContext, 'home' | 'env'>;

type Trustable = Pick<ConfigFile, 'path' | 'sha256' | 'folder' | 'document'>;

const recordSchema = v.object({
  path: v.pipe(v.string(), v.maxLength(8192)),
  sha256: v.pipe(v.string(), v.regex(/^[a-f0-9]{64}$/)),
  /** The real path; null for a bucket that is not a folder. */
  bucket_folder: v.nullable(v.pipe(v.string(), v.maxLength(8192))),
  trusted_at: v.pipe(v.string(), v.maxLength(64)),
});
export type TrustRecord = v.InferOutput<typeof recordSchema>;

export function openTrustStore(context: TrustContext, disk: Io, clock: Clock): TrustStore {
  const stateFolder = tracecraftHome(context);
  const io = withoutLinks(disk, stateFolder);
  const folder = join(stateFolder, 'trusted');
  const fileOf = (path: string): string => join(folder, recordName(path));
  return {
    isTrusted: async (file) => {
      const record = await readRecord(io, fileOf(file.path));
      if (record?.path !== file.path || record.sha256 !== file.sha256) return false;
      return record.bucket_folder === (await bucketFolderOf(file, context));
    },
    trust: async (file) => {
      const { path, sha256 } = file;
      const record: TrustRecord = {
        path,
        sha256,
        bucket_folder: await bucketFolderOf(file, context),
        trusted_at: new Date(clock.now()).toISOString(),
      };
      try {
        await io.replaceFile(fileOf(path), `${JSON.stringify(record, null, 2)}\n`);
      } catch (error) {
        if (error instanceof TracecraftError) throw error;
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
      const records = await Promise.all(
        files.map(({ name }) => readRecord(io, join(folder, name))),
      );
      return records
        .filter((record) => record !== undefined)
        .sort((a, b) => (a.path < b.path ? -1 : 1));
    },
  };
}

async function readRecord(io: Io, file: string): Promise<TrustRecord | undefined> {
  const bytes = await io.readFile(file).catch(() => undefined);
  const record = bytes === undefined ? undefined : parseRecord(bytes);
  // A record speaks only for the path its name was made from.
  return record !== undefined && recordName(record.path) === basename(file) ? record : undefined;
}

/**
 * The real path of a local bucket, however the config spells it: `~/clone/bucket` can be swapped just like `bucket`.
 */
export async function bucketFolderOf(
  { document, folder }: Trustable,
  { home }: TrustContext,
): Promise<string | null> {
  const { backend, bucket } = document;
  if (backend !== 'local') return null;
  return realPlace(localRoot(bucket, folder, home), mostLinks);
}

/** Matches the system's limit on chained links. */
const mostLinks = 40;

/** The real path that something has, or would have once created: neither the bucket nor its drive need exist yet. */
function realPlace(path: string, linksLeft: number): string {
  const real = realIfThere(path);
  if (real !== undefined) return real;
  if (linksLeft > 0 && isLink(path)) {
    const from = realPlace(dirname(path), linksLeft - 1);
    return realPlace(resolve(from, readlinkSync(path)), linksLeft - 1);
  }
  const above = dirname(path);
  return above === path ? path : join(realPlace(above, linksLeft), basename(path));
}

function realIfThere(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

function recordName(path: string): string {
  return `${sha256Hex(path).slice(0, 32)}.json`;
}

function parseRecord(bytes: Buffer): TrustRecord | undefined {
  try {
    const result = v.safeParse(recordSchema, JSON.parse(bytes.toString('utf8')));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}
