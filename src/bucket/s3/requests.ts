import { Digests } from '../digests.js';
import type { Wire } from './client.js';

/** The bytes of an object or of a range, as they came; nothing is checked yet. */
export interface Fetched {
  readonly body: Buffer;
  readonly etag: string | undefined;
  readonly modifiedAt: Date | undefined;
  /** Announced bytes. */
  readonly length: number | undefined;
  /** `bytes 0-9/1234`, answering a range. */
  readonly range: string | undefined;
}

export interface Described {
  readonly etag: string | undefined;
  readonly modifiedAt: Date | undefined;
  readonly size: number | undefined;
}

export interface Upload {
  readonly key: string;
  /** Never a stream: that would be sent in signed chunks, which many stores do not understand. */
  readonly body: Buffer;
  readonly contentType: string | undefined;
  /** Of the body, if known. */
  readonly digests?: Digests | undefined;
  readonly ifNoneMatch?: '*';
  /** In this store's spelling. */
  readonly ifMatch?: string;
}

interface ListRequest {
  readonly prefix: string;
  readonly delimiter: string | undefined;
  readonly after: string | undefined;
  /** Where an earlier page said to continue. */
  readonly token: string | undefined;
}

export interface Listed {
  readonly key: string | undefined;
  readonly size: number | undefined;
  readonly modifiedAt: Date | undefined;
  readonly etag: string | undefined;
}

export interface Page {
  readonly objects: readonly Listed[];
  readonly prefixes: readonly (string | undefined)[];
  readonly isTruncated: boolean;
  readonly next: string | undefined;
}

/**
 * The small requests that account for nearly all traffic. Each is sent once; anything but plain
 * success is thrown, in a shape `failureOf` reads.
 */
export interface S3Requests {
  /** `range` as in the header, e.g. `bytes=0-9`. */
  get(key: string, range: string | undefined): Promise<Fetched>;
  head(key: string): Promise<Described>;
  headBucket(): Promise<void>;
  /** The ETag. */
  put(upload: Upload): Promise<string | undefined>;
  delete(key: string): Promise<void>;
  list(request: ListRequest): Promise<Page>;
}

/** Through the SDK, which knows every kind of credentials and every oddity of Amazon's endpoints. */
export function sdkRequests(wire: Wire): S3Requests {
  const { sdk, client, bucket: Bucket, options } = wire;
  return {
    get: (key, range) => get(wire, key, range),
    head: async (Key) => {
      const output = await client.send(new sdk.HeadObjectCommand({ Bucket, Key }), options);
      return { etag: output.ETag, modifiedAt: output.LastModified, size: output.ContentLength };
    },
    headBucket: async () => {
      await client.send(new sdk.HeadBucketCommand({ Bucket }), options);
    },
    put: (upload) => put(wire, upload),
    delete: async (Key) => {
      await client.send(new sdk.DeleteObjectCommand({ Bucket, Key }), options);
    },
    list: (request) => list(wire, request),
  };
}

/**
 * For `Content-MD5`, the one checksum that every S3 store knows. A bucket with a default retention (Object Lock) refuses
 * uploads without one: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
 */
export function contentMd5(body: Buffer, { md5 } = new Digests(body)): string {
  return Buffer.from(md5, 'hex').toString('base64');
}

async function get(
  { sdk, client, bucket, options }: Wire,
  key: string,
  range: string | undefined,
): Promise<Fetched> {
  const wanted = range === undefined ? {} : { Range: range };
  const command = new sdk.GetObjectCommand({ Bucket: bucket, Key: key, ...wanted });
  const output = await client.send(command, options);
  const body = Buffer.from((await output.Body?.transformToByteArray()) ?? []);
  return {
    body,
    etag: output.ETag,
    modifiedAt: output.LastModified,
    length: output.ContentLength,
    range: output.ContentRange,
  };
}

async function put(
  { sdk, client, bucket, options }: Wire,
  { key, body, contentType, digests, ifNoneMatch, ifMatch }: Upload,
): Promise<string | undefined> {
  const command = new sdk.PutObjectCommand({
    Bucket: bucket,
    Key: key,
    Body: body,
    ContentMD5: contentMd5(body, digests),
    ...(contentType === undefined ? {} : { ContentType: contentType }),
    ...(ifNoneMatch === undefined ? {} : { IfNoneMatch: ifNoneMatch }),
    ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }),
  });
  return (await client.send(command, options)).ETag;
}

async function list(
  { sdk, client, bucket, options }: Wire,
  { prefix, delimiter, after, token }: ListRequest,
): Promise<Page> {
  const command = new sdk.ListObjectsV2Command({
    Bucket: bucket,
    Prefix: prefix,
    ...(delimiter === undefined ? {} : { Delimiter: delimiter }),
    ...(after === undefined ? {} : { StartAfter: after }),
    ...(token === undefined ? {} : { ContinuationToken: token }),
  });
  const output = await client.send(command, options);
  return {
    objects: (output.Contents ?? []).map(({ Key, Size, LastModified, ETag }) => ({
      key: Key,
      size: Size,
      modifiedAt: LastModified,
      etag: ETag,
    })),
    prefixes: (output.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
    isTruncated: output.IsTruncated === true,
    next: output.NextContinuationToken,
  };
}
