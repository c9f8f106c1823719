import { type Clock, systemClock } from '../../clock.js';
import { NotAllowedError } from '../../errors.js';
import { throwIfAborted } from '../aborted.js';
import type {
  Bucket,
  CallOptions,
  Capabilities,
  Key,
  TransferOptions,
  Written,
} from '../bucket.js';
import { checkKey } from '../key.js';
import { readExactly, withSourceFile } from '../source-file.js';
import { type ConnectionOptions, openConnection, type S3Connection } from './connection.js';
import { listObjects } from './list.js';
import { putMultipart, singlePutBytes } from './multipart.js';
import { getObject, getObjectFile } from './read.js';
import {
  assertCapable,
  deleteObject,
  type MatchStyle,
  putObject,
  putObjectIfAbsent,
  putObjectIfMatch,
} from './write.js';

export interface S3Options extends ConnectionOptions {
  /** What a probe has proven. By default both are assumed, as on Amazon, R2, MinIO and Ceph. */
  readonly capabilities?: Capabilities | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * A bucket on any S3 store. Loads and sends nothing before the first request. Each call is one request, sent once:
 * wrap it in `withRetry`. `UsageError` for an impossible bucket name or endpoint.
 */
export function openS3Bucket(options: S3Options): Bucket {
  const { capabilities = { putIfAbsent: true, putIfMatch: true }, clock = systemClock } = options;
  const connection = openConnection(options, clock);
  const { location } = connection;
  const style: MatchStyle = { known: undefined };
  return {
    kind: 's3',
    location,
    capabilities,
    get: async (key, call = {}) => getObject(connection, checkKey(key), call),
    put: async (key, body, call) => putObject(connection, checkKey(key), body, call),
    putIfAbsent: async (key, body, call) => {
      assertCapable(capabilities, 'putIfAbsent', location);
      return putObjectIfAbsent(connection, checkKey(key), body, call);
    },
    putIfMatch: async (key, body, etag, call) => {
      assertCapable(capabilities, 'putIfMatch', location);
      return putObjectIfMatch(connection, style, checkKey(key), body, etag, call);
    },
    putFile: async (key, path, call) => putFile(connection, checkKey(key), path, call),
    getFile: async (key, path, call) => getObjectFile(connection, checkKey(key), path, call),
    list: (prefix, call) => listObjects(connection, prefix, call),
    delete: async (key, call) => deleteObject(connection, checkKey(key), call),
    now: (call) => storeTime(connection, call),
    close: () => connection.close(),
  };
}

/**
 * Whether it had to be created. `NotAllowedError` if it belongs to someone else, or these
 * credentials are not allowed to check.
 */
export async function createS3BucketIfMissing(options: S3Options): Promise<boolean> {
  const connection = openConnection(options, options.clock ?? systemClock);
  try {
    if (await hasBucket(connection)) return false;
    return await createBucket(connection);
  } finally {
    await connection.close();
  }
}

async function putFile(
  connection: S3Connection,
  key: Key,
  path: string,
  call: TransferOptions = {},
): Promise<Written> {
  const { signal, onProgress } = call;
  return withSourceFile(path, async (file) => {
    if (file.size > singlePutBytes) return putMultipart(connection, key, file, call);
    const body = Buffer.allocUnsafe(file.size);
    await readExactly(file, body, 0);
    const written = await putObject(connection, key, body, { signal });
    onProgress?.(file.size);
    return written;
  });
}

/** Falls back to this machine's clock for the rare store whose answers carry no date. */
async function storeTime(connection: S3Connection, { signal }: CallOptions = {}): Promise<Date> {
  throwIfAborted(signal);
  const { storeClock, clock } = connection;
  const known = storeClock.read();
  if (known !== undefined) return new Date(known);
  const answer = await connection.ask({ action: 'ask for the time', signal }, (requests) =>
    requests.headBucket(),
  );
  const learnt = storeClock.read();
  if (learnt !== undefined) return new Date(learnt);
  if (!answer.ok && answer.failure.status === undefined) throw answer.failure.error;
  return new Date(clock.now());
}

/** By listing: the answer to a HEAD has no body, so it could not say what is wrong. */
async function hasBucket(connection: S3Connection): Promise<boolean> {
  const call = { action: 'look for the bucket' };
  const answer = await connection.askSdk(call, ({ sdk, client, bucket, options }) =>
    client.send(new sdk.ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 }), options),
  );
  if (answer.ok) return true;
  if (answer.failure.status === 404) return false;
  throw answer.failure.error;
}

/** In the client's region; the SDK puts it into the request. */
async function createBucket(connection: S3Connection): Promise<boolean> {
  const call = { action: 'create the bucket' };
  const answer = await connection.askSdk(call, ({ sdk, client, bucket, options }) =>
    client.send(new sdk.CreateBucketCommand({ Bucket: bucket }), options),
  );
  if (answer.ok) return true;
  const { code, error } = answer.failure;
  // Someone in this account created it meanwhile.
  if (code === 'BucketAlreadyOwnedByYou') return false;
  if (code !== 'BucketAlreadyExists') throw error;
  throw new NotAllowedError(`${connection.location} exists and belongs to someone else`, {
    hint: 'Bucket names are shared by all users of a store: choose another one.',
    cause: error,
  });
}
