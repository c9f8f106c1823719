import { ListMultipartUploadsCommand, S3Client, UploadPartCommand } from '@aws-sdk/client-s3';
import type { S3Server } from './r2.js';

export interface BegunUpload {
  readonly key: string;
  readonly uploadId: string;
}

/**
 * Whether the store still keeps parts of an upload that belong to no object. The R2 simulator does not list uploads; there, a
 * part that is still taken tells.
 */
export async function isUnfinished(
  { endpoint, region, bucket, accessKey, secretKey }: S3Server,
  { key, uploadId }: BegunUpload,
): Promise<boolean> {
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  });
  const place = { Bucket: bucket, Key: key, UploadId: uploadId };
  try {
    const command = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key });
    const { Uploads: uploads = [] } = await client.send(command);
    return uploads.some(({ UploadId }) => UploadId === uploadId);
  } catch (error) {
    if (nameOf(error) !== 'NotImplemented') throw error;
    const part = new UploadPartCommand({ ...place, PartNumber: 1, Body: Buffer.from('x') });
    return await client.send(part).then(
      () => true,
      (refusal: unknown) => {
        if (nameOf(refusal) === 'NoSuchUpload') return false;
        throw refusal;
      },
    );
  } finally {
    client.destroy();
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}
