import { systemClock } from '../../clock.js';
import { UnreachableError, UnsupportedError } from '../../errors.js';
import { throwIfAborted } from '../aborted.js';
import type { Bucket, CallOptions, Capabilities } from '../bucket.js';
import { checkKey } from '../key.js';
import { checkRange } from '../range.js';
import { fieldOf } from './batch.js';
import { askHub, type HubConnection, type HubOptions, openHubConnection } from './connection.js';
import { statusOf } from './errors.js';
import { listHub } from './list.js';
import { openHubReader } from './read.js';
import { assertNotEmpty, openHubWriter, putHubFile } from './write.js';

export type { HubOptions } from './connection.js';

type Visibility = 'private' | 'public';

/** The Hub's API has no conditions of any kind; its JavaScript, Python and Rust clients send none. */
const capabilities: Capabilities = { putIfAbsent: false, putIfMatch: false };

/**
 * A bucket on the Hugging Face Hub, through its own client. Loads and sends nothing before the first request.
 * Concurrent writes share a batch; a failed one may have been applied. `UsageError` for an impossible bucket name or
 * endpoint, `UnsupportedError` for conditional writes and empty objects.
 */
export function openHubBucket(options: HubOptions): Bucket {
  const connection = openHubConnection(options, options.clock ?? systemClock);
  const { location } = connection;
  const reader = openHubReader(connection);
  const writer = openHubWriter(connection);
  return {
    kind: 'hf',
    location,
    capabilities,
    get: async (key, call = {}) => {
      checkRange(call.range);
      return reader.get(checkKey(key), call);
    },
    put: async (key, body, { signal } = {}) => {
      checkKey(key);
      throwIfAborted(signal);
      assertNotEmpty(key, body.byteLength, location);
      return writer.put({ key, content: new Blob([body]) }, signal);
    },
    putIfAbsent: async (key) => unconditional(checkKey(key), location),
    putIfMatch: async (key) => unconditional(checkKey(key), location),
    putFile: async (key, path, call) => putHubFile(connection, checkKey(key), path, call),
    getFile: async (key, path, call) => reader.getFile(checkKey(key), path, call),
    list: (prefix, call) => listHub(connection, prefix, call),
    delete: async (key, { signal } = {}) => {
      throwIfAborted(signal);
      return writer.delete(checkKey(key), signal);
    },
    now: (call) => storeTime(connection, call),
    close: async () => connection.close(),
  };
}

interface HubBucketState {
  /** Whether it had to be created. */
  readonly isNew: boolean;
  /** As read back from the Hub, whatever was asked for. */
  readonly visibility: Visibility;
}

/** Creates the bucket if missing. An existing one keeps its visibility. */
export async function createHubBucketIfMissing(
  options: HubOptions,
  wanted: Visibility = 'private',
): Promise<HubBucketState> {
  const connection = openHubConnection(options, options.clock ?? systemClock);
  const present = await visibilityOf(connection);
  if (present !== undefined) return { isNew: false, visibility: present };
  const isNew = await connection.run({ action: 'create the bucket' }, async (wire) => {
    try {
      await wire.client.createRepo({ ...wire.params, visibility: wanted });
      return true;
    } catch (error) {
      if (statusOf(error) === 409) return false;
      throw error;
    }
  });
  const visibility = await visibilityOf(connection);
  if (visibility !== undefined) return { isNew, visibility };
  throw new UnreachableError(`${connection.location} was created but cannot be seen`, {
    hint: 'Try again in a moment; the bucket may belong to someone else.',
  });
}

/** As the Hub reports it; `undefined` if there is no such bucket, or none this token can see. */
export async function hubVisibility(options: HubOptions): Promise<Visibility | undefined> {
  return visibilityOf(openHubConnection(options, options.clock ?? systemClock));
}

async function visibilityOf(connection: HubConnection): Promise<Visibility | undefined> {
  return connection.run({ action: 'look for the bucket' }, async (wire) => {
    try {
      const isPrivate = fieldOf(await askHub(wire, ''), 'private');
      if (typeof isPrivate === 'boolean') return isPrivate ? 'private' : 'public';
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
    throw new Error('the Hub did not say whether the bucket is private');
  });
}

/** Falls back to this machine's clock if the answers carry no date. */
async function storeTime(connection: HubConnection, { signal }: CallOptions = {}): Promise<Date> {
  throwIfAborted(signal);
  const { storeClock, clock } = connection;
  const known = storeClock.read();
  if (known !== undefined) return new Date(known);
  await connection.run({ action: 'ask for the time', signal }, (wire) => askHub(wire, ''));
  return new Date(storeClock.read() ?? clock.now());
}

function unconditional(key: string, location: string): never {
  throw new UnsupportedError(`${location} does not arbitrate conditional writes: ${key}`, {
    hint: 'Its S3 gateway does: "tracecraft init --backend s3 --endpoint https://s3.hf.co/<namespace>".',
  });
}
