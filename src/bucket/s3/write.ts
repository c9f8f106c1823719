import { UnsupportedError } from '../../errors.js';
import type {
  CallOptions,
  Capabilities,
  Conditional,
  Etag,
  Key,
  PutOptions,
  Written,
} from '../bucket.js';
import { spellEtag } from '../etag.js';
import { notS3, type S3Connection } from './connection.js';
import { isMissingBucket, type S3Failure } from './errors.js';
import { headObject } from './read.js';
import type { S3Requests } from './requests.js';

/**
 * How this endpoint wants the ETag in `If-Match`. Amazon, R2 and most others take it as given, in quotes; Ceph up to
 * version 19 and DigitalOcean compare the bare hex (https://github.com/ceph/ceph/pull/63348).
 */
export interface MatchStyle {
  known: 'quoted' | 'unquoted' | undefined;
}

interface Condition {
  readonly ifNoneMatch?: '*';
  readonly ifMatch?: string;
}

export async function putObject(
  connection: S3Connection,
  key: Key,
  body: Uint8Array,
  options: PutOptions = {},
): Promise<Written> {
  return connection.send(
    { action: `write ${key}`, signal: options.signal },
    sendPut(connection, key, body, options, {}),
  );
}

export async function putObjectIfAbsent(
  connection: S3Connection,
  key: Key,
  body: Uint8Array,
  options: PutOptions = {},
): Promise<Conditional> {
  const answer = await putIf(connection, key, body, options, { ifNoneMatch: '*' });
  return answer === 'refused' ? { written: false } : { written: true, ...answer };
}

export async function putObjectIfMatch(
  connection: S3Connection,
  style: MatchStyle,
  key: Key,
  body: Uint8Array,
  etag: Etag,
  options: PutOptions = {},
): Promise<Conditional> {
  const first = style.known ?? 'quoted';
  const answer = await putIf(connection, key, body, options, { ifMatch: spell(etag, first) });
  if (answer !== 'refused') {
    style.known = first;
    return { written: true, ...answer };
  }
  if (style.known !== undefined) return { written: false };
  return retryUnquoted(connection, style, key, body, etag, options);
}

export async function deleteObject(
  connection: S3Connection,
  key: Key,
  { signal }: CallOptions = {},
): Promise<void> {
  const call = { action: `delete ${key}`, signal };
  const answer = await connection.ask(call, (requests) => requests.delete(key));
  if (answer.ok) return;
  const { failure } = answer;
  if (failure.status === 404 && !isMissingBucket(failure)) return;
  throw failure.error;
}

export function assertCapable(
  capabilities: Capabilities,
  capability: keyof Capabilities,
  location: string,
): void {
  if (capabilities[capability]) return;
  throw new UnsupportedError(`${location} does not arbitrate conditional writes (${capability})`, {
    hint: 'Use a store that does, e.g. Amazon S3, Cloudflare R2, MinIO, Ceph, or a local folder.',
  });
}

/**
 * A store that has never accepted a quoted ETag may have refused the quotes rather than the ETag. Resending is
 * harmless: the store compares either way.
 */
async function retryUnquoted(
  connection: S3Connection,
  style: MatchStyle,
  key: Key,
  body: Uint8Array,
  etag: Etag,
  options: PutOptions,
): Promise<Conditional> {
  const call = { action: `write ${key}`, signal: options.signal };
  const present = await headObject(connection, key, call);
  if (present === undefined || bare(present.etag) !== bare(etag)) return { written: false };
  const condition = { ifMatch: spell(etag, 'unquoted') };
  const answer = await putIf(connection, key, body, options, condition);
  if (answer === 'refused') return { written: false };
  style.known = 'unquoted';
  return { written: true, ...answer };
}

/** 'refused' is the store's definite no: nothing was written. Every other failure is thrown. */
async function putIf(
  connection: S3Connection,
  key: Key,
  body: Uint8Array,
  options: PutOptions,
  condition: Condition,
): Promise<Written | 'refused'> {
  const answer = await connection.ask(
    { action: `write ${key}`, signal: options.signal },
    sendPut(connection, key, body, options, condition),
  );
  if (answer.ok) return answer.value;
  if (isRefusal(answer.failure, condition)) return 'refused';
  throw answer.failure.error;
}

/** 412; and for `If-Match` on a missing key, 404 on Amazon and newer Cephs. */
function isRefusal(failure: S3Failure, { ifMatch }: Condition): boolean {
  if (failure.status === 412) return true;
  return ifMatch !== undefined && failure.status === 404 && !isMissingBucket(failure);
}

function sendPut(
  { location }: S3Connection,
  key: Key,
  body: Uint8Array,
  { contentType, digests }: PutOptions,
  condition: Condition,
): (requests: S3Requests) => Promise<Written> {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return async (requests) => {
    const etag = await requests.put({ key, body: bytes, contentType, digests, ...condition });
    if (!etag) throw notS3(location, 'an ETag');
    return { etag: spellEtag(etag) };
  };
}

function bare(etag: Etag): string {
  return etag.replaceAll('"', '');
}

function spell(etag: Etag, style: 'quoted' | 'unquoted'): string {
  return style === 'quoted' ? `"${bare(etag)}"` : bare(etag);
}
