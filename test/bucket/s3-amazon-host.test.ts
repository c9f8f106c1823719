import { S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { amazonHost } from '../../src/bucket/s3/amazon-host.js';

/** What the SDK makes of it: it knows every partition that there was when it was published. */
function resolvedBySdk(bucket: string, region: string): string {
  const client = new S3Client({ region });
  const { url } = client.config.endpointProvider({
    Bucket: bucket,
    Region: region,
    UseFIPS: false,
    UseDualStack: false,
    Accelerate: false,
    UseGlobalEndpoint: false,
    ForcePathStyle: false,
    UseArnRegion: false,
    DisableMultiRegionAccessPoints: false,
  });
  client.destroy();
  return url.hostname;
}

describe('the host of a bucket at Amazon', () => {
  const known = [
    ['us-east-1', 'pond.s3.us-east-1.amazonaws.com'],
    ['eu-central-1', 'pond.s3.eu-central-1.amazonaws.com'],
    ['ap-southeast-4', 'pond.s3.ap-southeast-4.amazonaws.com'],
    ['il-central-1', 'pond.s3.il-central-1.amazonaws.com'],
    ['mx-central-1', 'pond.s3.mx-central-1.amazonaws.com'],
    ['us-gov-west-1', 'pond.s3.us-gov-west-1.amazonaws.com'],
    ['cn-north-1', 'pond.s3.cn-north-1.amazonaws.com.cn'],
    ['cn-northwest-1', 'pond.s3.cn-northwest-1.amazonaws.com.cn'],
  ] as const;

  it.each(known)('in %s is the one that the SDK resolves', (region, host) => {
    expect(amazonHost('pond', region)).toBe(host);
    expect(resolvedBySdk('pond', region)).toBe(host);
  });

  it.each([
    'us-iso-east-1',
    'us-isob-east-1',
    'us-isof-south-1',
    'eu-isoe-west-1',
    'eusc-de-east-1',
    'xx-north-1',
    'aws-global',
    's3-external-1',
    'us-east-1.attacker.example/',
    '',
  ])('in %j is left to the SDK', (region) => {
    expect(amazonHost('pond', region)).toBeUndefined();
  });

  it.each(['my.pond', 'Pond', 'my_pond'])('of a bucket named %s is left to the SDK', (bucket) => {
    expect(amazonHost(bucket, 'us-east-1')).toBeUndefined();
  });
});
