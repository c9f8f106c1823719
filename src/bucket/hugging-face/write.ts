import { pathToFileURL } from 'node:url';
import { UnreachableError, UnsupportedError } from '../../errors.js';
import { reclaimMemory } from '../../v8-heap.js';
import { coalesce, type Outcome, type Submit } from '../batcher.js';
import type { CallOptions, Etag, Key, TransferOptions, Written } from '../bucket.js';
import { spellEtag } from '../etag.js';
import { withSourceFile } from '../source-file.js';
import { type BatchRecord, recordingFetch } from './batch.js';
import type { HubConnection } from './connection.js';
import { statusOf } from './errors.js';
import { openHubPace } from './pace.js';

/**
 * Each client upload leaves 640 MB of buffers behind, 80 MB of them resident (`utils/uploadShards.ts` and
 * `utils/createXorbs.ts` in @huggingface/hub 2.17.5): 200 small writes in a row measured 630 MB without collecting.
 */
const enoughBytes = 130 * 1024 * 1024;

/** The client's own batch size. */
const maxFiles = 100;
/** Unpacked bytes in one batch of small writes. */
const maxBatchBytes = 64 * 1024 * 1024;
/** The batch size of the Hub's other clients. */
const maxDeletions = 1_000;
/** Long enough to gather sessions due at the same moment, negligible against an upload of 100 ms. */
const lingerMs = 10;

interface Upload {
  readonly key: Key;
  readonly content: Blob;
}

interface HubWriter {
  readonly put: Submit<Upload, Written>;
  readonly delete: Submit<Key, void>;
}

/**
 * One upload in flight per process: each allocates hundreds of megabytes of buffers, however little it sends. Writes
 * that arrive meanwhile go up together in the next.
 */
export function openHubWriter(connection: HubConnection): HubWriter {
  const { clock } = connection;
  const pace = openHubPace(clock);
  return {
    put: coalesce<Upload, Written>({
      clock,
      lingerMs,
      lanes: 1,
      maxItems: maxFiles,
      maxWeight: maxBatchBytes,
      weightOf: ({ content }) => content.size,
      keyOf: ({ key }) => key,
      send: async (uploads) => {
        await pace();
        try {
          return await sendFiles(connection, uploads);
        } finally {
          reclaimMemory(enoughBytes);
        }
      },
    }),
    delete: coalesce<Key, void>({
      clock,
      lingerMs,
      lanes: 1,
      maxItems: maxDeletions,
      maxWeight: maxDeletions,
      weightOf: () => 1,
      keyOf: (key) => key,
      send: (keys) => deleteKeys(connection, keys),
    }),
  };
}

/** `UnsupportedError` for an empty body: no known client of the Hub reads such a file back. */
export function assertNotEmpty(key: Key, bytes: number, location: string): void {
  if (bytes > 0) return;
  throw new UnsupportedError(
    `${key} would be empty, and ${location} does not store empty objects`,
    {
      hint: 'Give it a line of text, e.g. a newline.',
    },
  );
}

/** Streams from disk, in an upload of its own. */
export async function putHubFile(
  connection: HubConnection,
  key: Key,
  path: string,
  { signal, onProgress }: TransferOptions = {},
): Promise<Written> {
  return withSourceFile(path, async ({ size }) => {
    assertNotEmpty(key, size, connection.location);
    let sent = 0;
    const tell = (share: number): void => {
      const bytes = Math.floor(share * size);
      if (bytes <= sent) return;
      sent = bytes;
      onProgress?.(bytes);
    };
    const files = [{ key, content: pathToFileURL(path) }];
    const outcomes = await sendFiles(connection, files, {
      signal,
      onProgress: (share) => tell(Math.min(share, 0.999)),
    });
    reclaimMemory(enoughBytes);
    const outcome = outcomes.get(key);
    if (outcome?.ok !== true) throw outcome?.error ?? unsaid(key, connection);
    tell(1);
    return outcome.value;
  });
}

interface Sending {
  readonly key: Key;
  readonly content: Blob | URL;
}

interface SendOptions extends CallOptions {
  /** Called with the share of a file that has been sent. */
  readonly onProgress?: (share: number) => void;
}

async function sendFiles(
  connection: HubConnection,
  files: readonly Sending[],
  { signal, onProgress }: SendOptions = {},
): Promise<ReadonlyMap<string, Outcome<Written>>> {
  const [first] = files;
  const action = files.length === 1 ? `write ${first?.key}` : `write ${files.length} objects`;
  const record = await connection.run({ action, signal }, async ({ client, params }) => {
    const { fetch, record } = recordingFetch(params.fetch);
    const events = client.commitIter({
      ...params,
      fetch,
      title: action,
      operations: files.map(({ key, content }) => ({
        operation: 'addOrUpdate',
        path: key,
        content,
      })),
    });
    for await (const event of events) {
      if (event.event === 'fileProgress') onProgress?.(event.progress);
    }
    return record;
  });
  return new Map(files.map(({ key }) => [key, outcomeOf(key, record, connection)]));
}

function outcomeOf(
  key: Key,
  { hashes, failed }: BatchRecord,
  connection: HubConnection,
): Outcome<Written> {
  const reason = failed.get(key);
  if (reason !== undefined) {
    const message = `cannot write ${key} in ${connection.location}: ${reason}`;
    const hint = 'The Hub accepted the rest of the batch. Try again.';
    return { ok: false, error: new UnreachableError(message, { hint }) };
  }
  const hash = hashes.get(key);
  if (hash === undefined) return { ok: false, error: unsaid(key, connection) };
  return { ok: true, value: { etag: hubEtag(hash) } };
}

/** The content hash, which the Hub's listings also contain. */
export function hubEtag(xetHash: string): Etag {
  return spellEtag(xetHash);
}

async function deleteKeys(
  connection: HubConnection,
  keys: readonly Key[],
): Promise<ReadonlyMap<string, Outcome<void>>> {
  const action = keys.length === 1 ? `delete ${keys[0]}` : `delete ${keys.length} objects`;
  const failed = await connection.run({ action }, async ({ client, params }) => {
    const { fetch, record } = recordingFetch(params.fetch);
    try {
      await client.deleteFiles({ ...params, fetch, paths: [...keys] });
    } catch (error) {
      const isOutcome = record.isAnswered && record.failed.size > 0;
      if (!isOutcome || (statusOf(error) ?? 422) !== 422) throw error;
    }
    if (record.failed.size === 0) return record.failed;
    // A missing object needs no delete, whatever the Hub says.
    const present = await client.pathsInfo({ ...params, paths: [...record.failed.keys()] });
    return new Map(present.map(({ path }) => [path, record.failed.get(path) ?? 'no reason given']));
  });
  return new Map(
    keys.map((key): [Key, Outcome<void>] => {
      const reason = failed.get(key);
      if (reason === undefined) return [key, { ok: true, value: undefined }];
      const message = `cannot delete ${key} in ${connection.location}: ${reason}`;
      return [key, { ok: false, error: new UnreachableError(message) }];
    }),
  );
}

function unsaid(key: Key, { location }: HubConnection): UnreachableError {
  return new UnreachableError(`${location} did not say what happened to ${key}`);
}
