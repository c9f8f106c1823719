import { addAbortSignal, Readable } from 'node:stream';
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { NotFoundError, UnreachableError } from '../../errors.js';
import type { GetOptions, Key, Stored, TransferOptions } from '../bucket.js';
import { md5Of, spellEtag } from '../etag.js';
import { checkRange, type Range, sliceRange } from '../range.js';
import { receiveFile } from '../receive.js';
import { type Call, notS3, type S3Connection } from './connection.js';
import { isMissingBucket, type S3Failure } from './errors.js';
import type { Fetched } from './requests.js';

/** What a HEAD reports. */
export type Headers = Omit<Stored, 'body'>;

export async function getObject(
  connection: S3Connection,
  key: Key,
  { range: asked, atMost, signal }: GetOptions,
): Promise<Stored | undefined> {
  checkRange(asked);
  const range = asked ?? (atMost === undefined ? undefined : { start: 0, end: atMost - 1 });
  const call = { action: `read ${key}`, signal };
  if (connection.redirects.redirects) return getRedirected(connection, key, call, range);
  const answer = await fetchObject(connection, key, call, range);
  // The store redirected just now, for the first time: the body came from elsewhere.
  if (connection.redirects.redirects) return getRedirected(connection, key, call, range);
  if (answer === undefined) return undefined;
  if (answer !== 'past-end') return { ...headersOf(connection, answer), body: answer.body };
  const headers = await headObject(connection, key, call);
  return headers === undefined ? undefined : { ...headers, body: Buffer.alloc(0) };
}

/** `undefined` if there is no such key. A HEAD cannot distinguish that from a missing bucket. */
export async function headObject(
  connection: S3Connection,
  key: Key,
  call: Call,
): Promise<Headers | undefined> {
  const answer = await connection.ask(call, (requests) => requests.head(key));
  if (!answer.ok) return absent(answer.failure);
  const { etag, size = 0, modifiedAt } = answer.value;
  return headersOf(connection, { etag, size, modifiedAt });
}

export async function getObjectFile(
  connection: S3Connection,
  key: Key,
  path: string,
  call: TransferOptions = {},
): Promise<void> {
  const { signal } = call;
  const answer = await connection.askSdk({ action: `read ${key}`, signal }, async (wire) => {
    const { sdk, client, bucket, options } = wire;
    const output = await client.send(
      new sdk.GetObjectCommand({ Bucket: bucket, Key: key }),
      options,
    );
    const { Body: body, ContentLength: size } = output;
    if (!(body instanceof Readable) || size === undefined) {
      throw notS3(connection.location, 'a body of known length');
    }
    if (signal !== undefined) addAbortSignal(signal, body);
    const md5 = connection.redirects.redirects ? undefined : contentMd5(output);
    try {
      await receiveFile(path, body, { size, md5 }, call);
    } finally {
      if (!body.readableEnded) body.destroy();
    }
  });
  if (answer.ok) return;
  absent(answer.failure);
  throw new NotFoundError(`there is no ${key} in ${connection.location}`);
}

interface Found {
  readonly body: Buffer;
  readonly etag: string | undefined;
  readonly size: number;
  readonly modifiedAt: Date | undefined;
}

/**
 * The ETag is requested before the body: if someone writes in between, it is the older one, and a conditional write
 * with it loses. The other way round would overwrite what the caller never saw.
 */
async function getRedirected(
  connection: S3Connection,
  key: Key,
  call: Call,
  range: Range | undefined,
): Promise<Stored | undefined> {
  const headers = await headObject(connection, key, call);
  if (headers === undefined) return undefined;
  const answer = await fetchObject(connection, key, call, range);
  if (answer === undefined) return undefined;
  if (answer === 'past-end') return { ...headers, body: Buffer.alloc(0) };
  return { ...headers, size: answer.size, body: answer.body };
}

async function fetchObject(
  connection: S3Connection,
  key: Key,
  call: Call,
  range: Range | undefined,
): Promise<Found | 'past-end' | undefined> {
  const wanted = range === undefined ? undefined : `bytes=${range.start}-${range.end}`;
  const answer = await connection.ask(call, (requests) => requests.get(key, wanted));
  if (answer.ok) return found(answer.value, range);
  if (answer.failure.status === 416) return 'past-end';
  return absent(answer.failure);
}

function found(
  { body, etag, modifiedAt, length, range: sent }: Fetched,
  range: Range | undefined,
): Found {
  if (length !== undefined && length !== body.length) {
    throw new UnreachableError(`${body.length} of ${length} bytes arrived`);
  }
  const total = /\/(\d+)$/.exec(sent ?? '')?.[1];
  if (total !== undefined) return { body, etag, modifiedAt, size: Number(total) };
  // A store that does not support ranges sends everything.
  const part = range === undefined ? body : sliceRange(body, range);
  return { body: part, etag, modifiedAt, size: body.length };
}

function headersOf(
  { location, clock }: S3Connection,
  { etag, size, modifiedAt }: Omit<Found, 'body'>,
): Headers {
  if (!etag) throw notS3(location, 'an ETag');
  return { etag: spellEtag(etag), size, modifiedAt: modifiedAt ?? new Date(clock.now()) };
}

/** The MD5 of the content, if the ETag is one: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html */
function contentMd5(output: GetObjectCommandOutput): string | undefined {
  const { ServerSideEncryption: encryption, SSECustomerAlgorithm } = output;
  const isPlain = encryption === undefined || encryption === 'AES256';
  return isPlain && SSECustomerAlgorithm === undefined ? md5Of(output.ETag) : undefined;
}

/** "Not there" is `undefined`; every other failure is thrown. */
function absent(failure: S3Failure): undefined {
  if (failure.status === 404 && !isMissingBucket(failure)) return undefined;
  throw failure.error;
}
