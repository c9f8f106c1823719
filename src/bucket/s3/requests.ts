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
  readonly ifNoneMatch?: '*';
  /** In this store's spelling. */
  readonly ifMatch?: string;
}

export interface ListRequest {
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
 * The small requests that nearly everything consists of. Each is sent once; anything but plain success is thrown, in
 * a shape `failureOf` reads.
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

/** Through the SDK, which knows every kind of credential and every oddity of Amazon's. */
export function sdkRequests({ sdk, client, bucket, options }: Wire): S3Requests {
  const Bucket = bucket;
  return {
    get: async (Key, range) => {
      const wanted = range === undefined ? {} : { Range: range };
      const command = new sdk.GetObjectCommand({ Bucket, Key, ...wanted });
      const output = await client.send(command, options);
      const body = Buffer.from((await output.Body?.transformToByteArray()) ?? []);
      return {
        body,
        etag: output.ETag,
        modifiedAt: output.LastModified,
        length: output.ContentLength,
        range: output.ContentRange,
      };
    },
    head: async (Key) => {
      const output = await client.send(new sdk.HeadObjectCommand({ Bucket, Key }), options);
      return { etag: output.ETag, modifiedAt: output.LastModified, size: output.ContentLength };
    },
    headBucket: async () => {
      await client.send(new sdk.HeadBucketCommand({ Bucket }), options);
    },
    put: async ({ key: Key, body: Body, contentType, ifNoneMatch, ifMatch }) => {
      const command = new sdk.PutObjectCommand({
        Bucket,
        Key,
        Body,
        ...(contentType === undefined ? {} : { ContentType: contentType }),
        ...(ifNoneMatch === undefined ? {} : { IfNoneMatch: ifNoneMatch }),
        ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }),
      });
      return (await client.send(command, options)).ETag;
    },
    delete: async (Key) => {
      await client.send(new sdk.DeleteObjectCommand({ Bucket, Key }), options);
    },
    list: async ({ prefix, delimiter, after, token }) => {
      const command = new sdk.ListObjectsV2Command({
        Bucket,
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
    },
  };
}
