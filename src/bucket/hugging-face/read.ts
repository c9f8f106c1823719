import { NotFoundError, UnreachableError } from '../../errors.js';
import { coalesce, type Outcome, type Submit } from '../batcher.js';
import type { GetOptions, Key, Stored, TransferOptions } from '../bucket.js';
import type { Range } from '../range.js';
import { receiveFile } from '../receive.js';
import { encodePath, type HubConnection, type HubWire, refusalOf } from './connection.js';
import { hubEtag } from './write.js';

/** What the Hub reports about a path. */
interface Known {
  readonly hash: string;
  readonly size: number;
  readonly modifiedAt: Date;
}

interface HubReader {
  get(key: Key, options: GetOptions): Promise<Stored | undefined>;
  getFile(key: Key, path: string, options?: TransferOptions): Promise<void>;
}

/** The API's limit is 1,000; asking for a few hundred is no slower than for one. */
const maxLookups = 500;
const lookupLanes = 4;
/** How often an object may be replaced between reading its metadata and its content. */
const attempts = 5;
const longestRedirect = 4;

export function openHubReader(connection: HubConnection): HubReader {
  const lookUp = coalesce<Key, Known | undefined>({
    clock: connection.clock,
    lingerMs: 0,
    lanes: lookupLanes,
    maxItems: maxLookups,
    maxWeight: maxLookups,
    weightOf: () => 1,
    keyOf: (key) => key,
    send: (keys) => lookUpAll(connection, keys),
  });
  return {
    get: (key, options) => get(connection, lookUp, key, options),
    getFile: (key, path, call) => getFile(connection, lookUp, key, path, call),
  };
}

type LookUp = Submit<Key, Known | undefined>;

async function lookUpAll(
  connection: HubConnection,
  keys: readonly Key[],
): Promise<ReadonlyMap<string, Outcome<Known | undefined>>> {
  const action = keys.length === 1 ? `look up ${keys[0]}` : `look up ${keys.length} objects`;
  const infos = await connection.run({ action }, ({ client, params }) =>
    client.pathsInfo({ ...params, paths: [...keys] }),
  );
  const found = new Map(infos.filter(({ type }) => type === 'file').map((one) => [one.path, one]));
  return new Map(
    keys.map((key) => {
      const info = found.get(key);
      return [key, { ok: true, value: info && knownOf(connection, info) }];
    }),
  );
}

interface HubEntry {
  readonly path: string;
  readonly size: number;
  readonly xetHash?: string | undefined;
  readonly uploadedAt?: string | undefined;
}

/** `UnreachableError` for an answer without the fields every Hub bucket has. */
export function knownOf({ location }: HubConnection, entry: HubEntry): Known {
  const modifiedAt = new Date(entry.uploadedAt ?? Number.NaN);
  if (entry.xetHash !== undefined && !Number.isNaN(modifiedAt.getTime())) {
    return { hash: entry.xetHash, size: entry.size, modifiedAt };
  }
  throw new UnreachableError(`${location} did not report the hash and time of ${entry.path}`, {
    hint: 'Is the endpoint really a Hugging Face one?',
  });
}

async function get(
  connection: HubConnection,
  lookUp: LookUp,
  key: Key,
  { range, atMost, signal }: GetOptions,
): Promise<Stored | undefined> {
  const call = { action: `read ${key}`, signal };
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const read = range === undefined ? readWhole : readRange;
    const wanted = { key, range, atMost, signal };
    const found = await connection.run(call, (wire) => read(wire, lookUp, wanted));
    if (found === 'changed') continue;
    if (found === undefined) return undefined;
    const { known, body } = found;
    const { size, modifiedAt } = known;
    return { body, etag: hubEtag(known.hash), size, modifiedAt };
  }
  throw new UnreachableError(`${key} in ${connection.location} changes faster than it can be read`);
}

interface Wanted {
  readonly key: Key;
  readonly range: Range | undefined;
  readonly atMost: number | undefined;
  readonly signal: AbortSignal | undefined;
}

type Found = { readonly known: Known; readonly body: Buffer } | 'changed' | undefined;

/** Metadata and content are requested in parallel and must belong together. */
async function readWhole(wire: HubWire, lookUp: LookUp, wanted: Wanted): Promise<Found> {
  const { key, atMost = Number.POSITIVE_INFINITY, signal } = wanted;
  const [known, content] = await Promise.all([
    lookUp(key, signal),
    resolve(wire, key, atMost, signal),
  ]);
  if (known === undefined && content === undefined) return undefined;
  if (known === undefined || content === undefined) return 'changed';
  const { hash, body } = content;
  const isSame = hash === undefined || hash === known.hash;
  if (isSame && body === undefined && known.size > atMost) return { known, body: Buffer.alloc(0) };
  if (!isSame || body?.length !== known.size) return 'changed';
  return { known, body };
}

async function readRange(
  { client, params }: HubWire,
  lookUp: LookUp,
  { key, range, signal }: Wanted,
): Promise<Found> {
  const known = await lookUp(key, signal);
  if (known === undefined || range === undefined) return undefined;
  if (range.start >= known.size) return { known, body: Buffer.alloc(0) };
  const path = encodePath(key);
  const blob = await client.downloadFile({ ...params, path, parallelDownloads: false });
  if (blob === null || !isOf(blob, known)) return 'changed';
  const end = Math.min(range.end + 1, known.size);
  const body = Buffer.from(await blob.slice(range.start, end).arrayBuffer());
  if (body.length !== end - range.start) throw new Error(`${body.length} bytes arrived`);
  return { known, body };
}

async function getFile(
  connection: HubConnection,
  lookUp: LookUp,
  key: Key,
  path: string,
  transfer: TransferOptions = {},
): Promise<void> {
  const { signal } = transfer;
  const call = { action: `read ${key}`, signal };
  const download = async ({ client, params }: HubWire): Promise<boolean> => {
    const known = await lookUp(key, signal);
    if (known === undefined) {
      throw new NotFoundError(`there is no ${key} in ${connection.location}`);
    }
    const blob = await client.downloadFile({ ...params, path: encodePath(key) });
    if (blob === null || !isOf(blob, known)) return false;
    await receiveFile(path, blob.stream(), { size: known.size }, transfer);
    return true;
  };
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    if (await connection.run(call, download)) return;
  }
  throw new UnreachableError(`${key} in ${connection.location} changes faster than it can be read`);
}

function isOf(blob: Blob, { hash, size }: Known): boolean {
  const isSame = !('hash' in blob) || blob.hash === undefined || blob.hash === hash;
  return isSame && blob.size === size;
}

interface Content {
  /** Missing if it is larger than what was wanted. */
  readonly body: Buffer | undefined;
  /** Missing if the Hub does not send one. */
  readonly hash: string | undefined;
}

/**
 * One request, plus one to wherever the Hub redirects. The token is sent along only if that is the
 * Hub itself.
 */
async function resolve(
  { params }: HubWire,
  key: Key,
  atMost: number,
  signal: AbortSignal | undefined,
): Promise<Content | undefined> {
  const { hubUrl, repo, accessToken, fetch } = params;
  const hub = new URL(hubUrl);
  let url = new URL(`${hubUrl}/buckets/${repo.name}/resolve/${encodePath(key)}`);
  let hash: string | undefined;
  for (let hop = 0; hop <= longestRedirect; hop += 1) {
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: url.origin === hub.origin ? { authorization: `Bearer ${accessToken}` } : {},
      ...(signal === undefined ? {} : { signal }),
    });
    if (url.origin === hub.origin) hash = answer.headers.get('x-xet-hash') ?? hash;
    const location = answer.headers.get('location');
    if (answer.status >= 300 && answer.status < 400 && location !== null) {
      url = new URL(location, url);
      if (url.protocol !== 'https:' && url.protocol !== hub.protocol) {
        throw new Error(`redirected to ${url.protocol}//${url.host}, and only https is followed`);
      }
      await answer.body?.cancel();
      continue;
    }
    const isAbsent = answer.headers.get('x-error-code') === 'EntryNotFound';
    if (answer.status === 404 && isAbsent) {
      await answer.body?.cancel();
      return undefined;
    }
    if (answer.ok) return { body: await bodyOf(answer, atMost), hash };
    const refusal = await refusalOf(answer);
    if (url.origin === hub.origin) throw refusal;
    // The content server's refusals have nothing to do with the token.
    throw new Error(`${url.host}, which the Hub sent us to, answered ${answer.status}`);
  }
  throw new Error('redirected too often');
}

/** `undefined`, and no more than that is received, if there is more. */
async function bodyOf(answer: Response, atMost: number): Promise<Buffer | undefined> {
  if (answer.body === null) return Buffer.alloc(0);
  const told = Number(answer.headers.get('content-length') ?? 0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (told <= atMost) {
    for await (const chunk of answer.body) {
      length += chunk.length;
      if (length > atMost) return undefined;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }
  await answer.body.cancel();
  return undefined;
}
