import { createHash } from 'node:crypto';
import { inParallel } from '../../concurrency.js';
import { UnreachableError } from '../../errors.js';
import { throwIfAborted } from '../aborted.js';
import type { Key, TransferOptions, Written } from '../bucket.js';
import { md5Of, spellEtag } from '../etag.js';
import { readExactly, type SourceFile } from '../source-file.js';
import { notS3, type S3Connection } from './connection.js';
import { headObject } from './read.js';
import { contentMd5 } from './requests.js';

/** Larger files are sent in parts. */
export const singlePutBytes = 16 * 1024 * 1024;
const mebibyte = 1024 * 1024;
/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const maxParts = 10_000;
/** Parts in memory and in flight. */
const lanes = 4;
/** For one part, and for the completion. */
const attempts = 4;
const basePauseMs = 500;

interface Part {
  readonly PartNumber: number;
  readonly ETag: string;
}

interface Upload {
  readonly connection: S3Connection;
  readonly key: Key;
  readonly file: SourceFile;
  readonly uploadId: string;
  readonly partBytes: number;
  readonly call: TransferOptions;
}

/** Sends a file in parts of equal size, four at a time, retrying each on its own; or leaves nothing behind. */
export async function putMultipart(
  connection: S3Connection,
  key: Key,
  file: SourceFile,
  call: TransferOptions,
): Promise<Written> {
  throwIfAborted(call.signal);
  const uploadId = await begin(connection, key);
  const partBytes = partBytesFor(file.size);
  const upload: Upload = { connection, key, file, uploadId, partBytes, call };
  try {
    const parts = await sendParts(upload);
    return await complete(upload, parts);
  } catch (error) {
    await abort(upload);
    throwIfAborted(call.signal);
    throw error;
  }
}

/** 16 MiB, or whatever keeps the number of parts within the limit. */
function partBytesFor(size: number): number {
  return Math.max(singlePutBytes, Math.ceil(size / maxParts / mebibyte) * mebibyte);
}

/** Without the caller's signal: an upload whose id never arrived could not be aborted. */
async function begin(connection: S3Connection, key: Key): Promise<string> {
  const answer = await connection.askSdk(
    { action: `begin the upload of ${key}` },
    ({ sdk, client, bucket, options }) =>
      client.send(new sdk.CreateMultipartUploadCommand({ Bucket: bucket, Key: key }), options),
  );
  if (!answer.ok) throw answer.failure.error;
  const { UploadId } = answer.value;
  if (UploadId === undefined) throw notS3(connection.location, 'an upload id');
  return UploadId;
}

async function sendParts(upload: Upload): Promise<readonly Part[]> {
  const { file, partBytes, call } = upload;
  const count = Math.ceil(file.size / partBytes);
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  const buffers: Buffer[] = [];
  let sent = 0;
  return inParallel(
    numbers,
    async (number, signal) => {
      const buffer = buffers.pop() ?? Buffer.allocUnsafe(Math.min(partBytes, file.size));
      const body = await readPart(upload, number, buffer);
      const part = await sendPart(upload, number, body, signal);
      buffers.push(buffer);
      sent += body.length;
      call.onProgress?.(sent);
      return part;
    },
    { atOnce: lanes, signal: call.signal },
  );
}

async function readPart(upload: Upload, number: number, buffer: Buffer): Promise<Buffer> {
  const start = (number - 1) * upload.partBytes;
  const length = Math.min(upload.partBytes, upload.file.size - start);
  const part = buffer.subarray(0, length);
  await readExactly(upload.file, part, start);
  return part;
}

async function sendPart(
  { connection, key, uploadId }: Upload,
  number: number,
  body: Buffer,
  signal: AbortSignal,
): Promise<Part> {
  const call = { action: `send part ${number} of ${key}`, signal };
  for (let attempt = 1; ; attempt += 1) {
    const answer = await connection.askSdk(call, ({ sdk, client, bucket, options }) =>
      client.send(
        new sdk.UploadPartCommand({
          Bucket: bucket,
          Key: key,
          UploadId: uploadId,
          PartNumber: number,
          Body: body,
          ContentMD5: contentMd5(body),
        }),
        options,
      ),
    );
    if (answer.ok) {
      if (answer.value.ETag === undefined) throw notS3(connection.location, 'an ETag');
      return { PartNumber: number, ETag: answer.value.ETag };
    }
    await pauseOrThrow(connection, answer.failure.error, attempt, signal);
  }
}

/**
 * Unconditional: most stores ignore a condition here. The stored object then shows whether a failed
 * attempt was applied after all.
 */
async function complete(upload: Upload, parts: readonly Part[]): Promise<Written> {
  const { connection, key, file, uploadId } = upload;
  const call = { action: `complete the upload of ${key}`, signal: upload.call.signal };
  for (let attempt = 1; ; attempt += 1) {
    const answer = await connection.askSdk(call, ({ sdk, client, bucket, options }) =>
      client.send(
        new sdk.CompleteMultipartUploadCommand({
          Bucket: bucket,
          Key: key,
          UploadId: uploadId,
          MultipartUpload: { Parts: [...parts] },
        }),
        options,
      ),
    );
    const expected = multipartEtag(parts);
    if (answer.ok) {
      // Ceph 16 leaves it empty here.
      const etag = answer.value.ETag || expected;
      if (etag === undefined) throw notS3(connection.location, 'an ETag');
      return { etag: spellEtag(etag) };
    }
    const present = await headObject(connection, key, call).catch(() => undefined);
    // Nobody else ends this upload, so if it is gone, an earlier attempt completed it.
    const isGone = attempt > 1 && answer.failure.code === 'NoSuchUpload';
    const isThere = present?.etag === expected || (isGone && present?.size === file.size);
    if (present !== undefined && isThere) return { etag: present.etag };
    await pauseOrThrow(connection, answer.failure.error, attempt, call.signal);
  }
}

/** Full jitter, and no less than the store asks for. */
async function pauseOrThrow(
  { clock }: S3Connection,
  error: unknown,
  attempt: number,
  signal?: AbortSignal,
): Promise<void> {
  const isFinal = attempt >= attempts || signal?.aborted === true;
  if (!(error instanceof UnreachableError) || isFinal) throw error;
  const pauseMs = Math.random() * basePauseMs * 2 ** attempt;
  await clock.sleep(Math.max(pauseMs, error.retryAfterMs ?? 0), signal);
}

/** MD5 of the parts' MD5s, plus their number: what every store we measured computes. */
function multipartEtag(parts: readonly Part[]): string | undefined {
  const md5 = createHash('md5');
  for (const { ETag } of parts) {
    const part = md5Of(ETag);
    if (part === undefined) return undefined;
    md5.update(Buffer.from(part, 'hex'));
  }
  return `"${md5.digest('hex')}-${parts.length}"`;
}

/**
 * Abandoned parts cost money and nobody sees them. A part that was on its way may arrive after the
 * abort, so the abort is repeated until the store knows no such upload
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html). The caller does
 * not need to hear of a failure here.
 */
async function abort(upload: Upload): Promise<void> {
  const { connection, key, uploadId } = upload;
  const call = { action: `abort the upload of ${key}` };
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const answer = await connection.askSdk(call, ({ sdk, client, bucket, options }) =>
      client.send(
        new sdk.AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: uploadId }),
        options,
      ),
    );
    const isRefused = !answer.ok && !(answer.failure.error instanceof UnreachableError);
    if (isRefused || (answer.ok && !(await hasParts(upload)))) return;
    await connection.clock.sleep(Math.random() * basePauseMs * 2 ** attempt);
  }
}

async function hasParts({ connection, key, uploadId }: Upload): Promise<boolean> {
  const call = { action: `look for parts of ${key}` };
  const answer = await connection.askSdk(call, ({ sdk, client, bucket, options }) =>
    client.send(
      new sdk.ListPartsCommand({ Bucket: bucket, Key: key, UploadId: uploadId, MaxParts: 1 }),
      options,
    ),
  );
  return answer.ok && (answer.value.Parts ?? []).length > 0;
}
