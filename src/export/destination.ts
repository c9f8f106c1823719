import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Bucket } from '../bucket/bucket.js';
import { exposureOf } from '../bucket/exposure.js';
import { type BucketTarget, openBucket } from '../bucket/open.js';
import { patientRetry, withRetry } from '../bucket/retry.js';
import { systemClock } from '../clock.js';
import { NotFoundError, UsageError } from '../errors.js';

/** Where an export goes: a folder or a place in a bucket. Names have `/` between their parts. */
export interface Destination {
  /** Safe to print. */
  readonly location: string;
  read(name: string): Promise<Buffer | undefined>;
  /** Puts a file in its place, whole. */
  publish(name: string, path: string): Promise<void>;
  put(name: string, body: Buffer): Promise<void>;
  remove(name: string): Promise<void>;
  /** Whether anyone can read what is there, by the file of this name; only stores have that. */
  isPublic(name: string): Promise<boolean>;
  close(): Promise<void>;
}

/** A path, `s3://BUCKET[/PREFIX]` or `hf://USER/BUCKET[/PREFIX]`; credentials come from the environment. */
export async function openDestination(to: string): Promise<Destination> {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(to)?.[1]?.toLowerCase();
  if (scheme === undefined) return folderDestination(resolve(to));
  const [place = '', ...rest] = to.slice(scheme.length + 3).split('/');
  const parts = rest.filter((part) => part !== '');
  if (scheme === 's3' && place !== '') {
    return bucketDestination(to, { backend: 's3', bucket: place }, parts);
  }
  const [name, ...prefix] = parts;
  if (scheme === 'hf' && place !== '' && name !== undefined) {
    return bucketDestination(to, { backend: 'hf', bucket: `${place}/${name}` }, prefix);
  }
  throw new UsageError(`not a destination: ${JSON.stringify(to.slice(0, 200))}`, {
    hint: 'Name a folder, s3://BUCKET/PREFIX, or hf://USER/BUCKET/PREFIX.',
  });
}

function folderDestination(root: string): Destination {
  const pathOf = (name: string): string => join(root, ...name.split('/'));
  const replace = async (name: string, write: (path: string) => Promise<void>): Promise<void> => {
    const path = pathOf(name);
    const temporary = `${path}.tmp-${randomBytes(6).toString('hex')}`;
    await mkdir(dirname(path), { recursive: true });
    try {
      await write(temporary);
      await rename(temporary, path);
    } finally {
      await rm(temporary, { force: true });
    }
  };
  return {
    location: root,
    read: (name) => readFile(pathOf(name)).catch(absent),
    publish: (name, path) => replace(name, (temporary) => copyFile(path, temporary)),
    put: (name, body) => replace(name, (temporary) => writeFile(temporary, body)),
    remove: (name) => rm(pathOf(name), { force: true }),
    isPublic: async () => false,
    close: async () => undefined,
  };
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}

async function bucketDestination(
  location: string,
  target: BucketTarget,
  parts: readonly string[],
): Promise<Destination> {
  if (parts.some((part) => part === '.' || part === '..')) {
    throw new UsageError(`not a prefix: ${parts.join('/')}`, { hint: 'Leave out . and ..' });
  }
  const bucket: Bucket = withRetry(await openBucket(target), {
    clock: systemClock,
    ...patientRetry,
  });
  const keyOf = (name: string): string => [...parts, name].join('/');
  return {
    location,
    read: async (name) => (await bucket.get(keyOf(name)))?.body,
    publish: async (name, path) => {
      await bucket.putFile(keyOf(name), path);
    },
    put: async (name, body) => {
      await bucket.put(keyOf(name), body);
    },
    remove: async (name) => {
      await bucket.delete(keyOf(name)).catch((error: unknown) => {
        if (!(error instanceof NotFoundError)) throw error;
      });
    },
    isPublic: async (name) => (await exposureOf(target, keyOf(name))) === 'public',
    close: () => bucket.close(),
  };
}
