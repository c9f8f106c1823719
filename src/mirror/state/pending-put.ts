import { createHash } from 'node:crypto';
import type { Bucket, Key } from '../../bucket/bucket.js';
import { SourceError, TracecraftError } from '../../errors.js';
import type { Io } from '../../io.js';

/**
 * What is about to be put into a store that cannot refuse a second writer of the same part. The batch is kept on
 * disk, frozen, until the store has it. Whatever happens to this process, the next one first puts exactly these bytes
 * under this key again, so a part is never cut in two different ways.
 */
export interface PendingPut {
  /** Saves the batch, then puts it. */
  put(bucket: Bucket, key: Key, body: Buffer): Promise<void>;
  /** Repeats what an earlier attempt may or may not have put; returns whether there was anything. */
  replay(bucket: Bucket): Promise<boolean>;
  /** Call this once it is recorded that the batch was put. */
  forget(): Promise<void>;
}

const contentType = 'application/x-ndjson';

/** One file: the key in a line of JSON, then the body. */
export function pendingPutFile(io: Io, path: string): PendingPut {
  /** Whether the file's content was put, as far as this process knows; `undefined` if there is no file. */
  let isPut: boolean | undefined = false;

  return {
    put: async (bucket, key, body) => {
      isPut = false;
      const checkpoint = Buffer.from(`${JSON.stringify({ key, sha256: digestOf(key, body) })}\n`);
      await onDisk(path, () => io.replaceFile(path, Buffer.concat([checkpoint, body]), 'flushed'));
      await bucket.put(key, body, { contentType });
      isPut = true;
    },
    replay: async (bucket) => {
      if (isPut !== false) return false;
      const kept = await onDisk(path, () => io.readFile(path));
      const batch = kept === undefined ? undefined : parse(path, kept);
      if (batch !== undefined) await bucket.put(batch.key, batch.body, { contentType });
      isPut = batch === undefined ? undefined : true;
      return batch !== undefined;
    },
    forget: async () => {
      if (isPut !== true) return;
      await onDisk(path, () => io.remove(path));
      isPut = undefined;
    },
  };
}

/** For streams without local state: lasts as long as the process. */
export function pendingPutInMemory(): PendingPut {
  let batch: { readonly key: Key; readonly body: Buffer } | undefined;
  return {
    put: async (bucket, key, body) => {
      batch = { key, body };
      await bucket.put(key, body, { contentType });
      batch = undefined;
    },
    replay: async (bucket) => {
      if (batch === undefined) return false;
      await bucket.put(batch.key, batch.body, { contentType });
      batch = undefined;
      return true;
    },
    forget: async () => undefined,
  };
}

function parse(path: string, kept: Buffer): { readonly key: Key; readonly body: Buffer } {
  const end = kept.indexOf(0x0a);
  try {
    const checkpoint: unknown = JSON.parse(kept.subarray(0, end).toString('utf8'));
    const body = kept.subarray(end + 1);
    if (
      typeof checkpoint === 'object' &&
      checkpoint !== null &&
      'key' in checkpoint &&
      'sha256' in checkpoint
    ) {
      if (
        typeof checkpoint.key === 'string' &&
        checkpoint.sha256 === digestOf(checkpoint.key, body)
      ) {
        return { key: checkpoint.key, body };
      }
    }
  } catch {
    // Reported below.
  }
  throw new SourceError('unreachable', `not a batch that was about to be sent: ${path}`, {
    hint: 'Something else changed the file. Move it away: its lines will be sent again from the transcript.',
  });
}

function digestOf(key: Key, body: Buffer): string {
  return createHash('sha256').update(`${key}\n`).update(body).digest('hex');
}

/** Nothing is sent that could not be saved first: a full disk stops uploads, and loses nothing. */
async function onDisk<T>(path: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof TracecraftError) throw error;
    throw new SourceError('unreachable', `cannot keep what is about to be sent in ${path}`, {
      hint: 'Nothing is sent to this bucket unless it can be kept there first. Free some space, or make the folder writable.',
      cause: error,
    });
  }
}
