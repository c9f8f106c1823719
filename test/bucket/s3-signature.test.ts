import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { signed, type Unsigned } from '../../src/bucket/s3/signature.js';
import { signerWithoutSdk } from '../../src/bucket/s3/signer.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import { startHttpStore } from './http-store.js';

/** The examples of https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
describe('a signature', () => {
  const signer = {
    accessKey: 'AKIAIOSFODNN7EXAMPLE',
    secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    sessionToken: undefined,
    region: 'us-east-1',
  };
  const get: Unsigned = {
    method: 'GET',
    host: 'examplebucket.s3.amazonaws.com',
    path: '/',
    query: [],
    headers: {},
    body: undefined,
  };
  const examples: readonly (readonly [string, Partial<Unsigned>, string])[] = [
    [
      'of a read with a range',
      { path: '/test.txt', headers: { range: 'bytes=0-9' } },
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    ],
    [
      'of a write',
      {
        method: 'PUT',
        path: '/test%24file.text',
        headers: {
          date: 'Fri, 24 May 2013 00:00:00 GMT',
          'x-amz-storage-class': 'REDUCED_REDUNDANCY',
        },
        body: Buffer.from('Welcome to Amazon S3.'),
      },
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    ],
    [
      'of a listing',
      {
        query: [
          ['prefix', 'J'],
          ['max-keys', '2'],
        ],
      },
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    ],
  ];

  it.each(examples)('%s is the one that Amazon computes', (_, request, expected) => {
    const { headers } = signed({ ...get, ...request }, signer, new Date('2013-05-24T00:00:00Z'));
    expect(headers.authorization).toContain(`Signature=${expected}`);
  });
});

describe('signing without the SDK', () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  const keys = { accessKey: 'AKIDCONFIG', secretKey: 's' };
  const place = { endpoint: 'http://127.0.0.1:1', profile: undefined, keys, region: undefined };

  beforeEach(async () => {
    folder = await createTemporaryFolder();
    for (const name of Object.keys(process.env)) {
      if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
    }
    vi.stubEnv('HOME', folder.path);
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  });

  afterEach(async () => {
    vi.unstubAllEnvs();
    await folder.remove();
  });

  it('is used if the config or variables have keys and a region', () => {
    expect(signerWithoutSdk(place)).toMatchObject({ ...keys, region: 'us-east-1' });
    expect(signerWithoutSdk({ ...place, region: 'auto' })).toMatchObject({ region: 'auto' });
    const ambient = { ...place, keys: undefined };
    expect(signerWithoutSdk(ambient)).toBeUndefined();
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDENV');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 's');
    expect(signerWithoutSdk(ambient)).toBeUndefined();
    vi.stubEnv('AWS_REGION', 'eu-west-9');
    expect(signerWithoutSdk(ambient)).toMatchObject({ accessKey: 'AKIDENV', region: 'eu-west-9' });
    vi.stubEnv('AWS_PROFILE', 'work');
    expect(signerWithoutSdk(ambient)).toBeUndefined();
  });

  it('is not used for Amazon if a setting or a file may say otherwise', async () => {
    const amazon = { ...place, endpoint: undefined };
    expect(signerWithoutSdk(amazon)).toBeDefined();
    vi.stubEnv('AWS_USE_FIPS_ENDPOINT', 'true');
    expect(signerWithoutSdk(amazon)).toBeUndefined();
    vi.stubEnv('AWS_USE_FIPS_ENDPOINT', undefined);
    await mkdir(join(folder.path, '.aws'));
    await writeFile(join(folder.path, '.aws', 'config'), '[default]\nuse_fips_endpoint = true\n');
    expect(signerWithoutSdk(amazon)).toBeUndefined();
  });

  it('uses what the SDK found, once a request succeeded', async () => {
    await mkdir(join(folder.path, '.aws'));
    await writeFile(
      join(folder.path, '.aws', 'credentials'),
      '[work]\naws_access_key_id = AKIDWORK\naws_secret_access_key = s\n',
    );
    await writeFile(join(folder.path, '.aws', 'config'), '[profile work]\nregion = eu-west-9\n');
    const store = await startHttpStore(() => ({ headers: { ETag: '"e"' } }));
    const bucket = store.open({
      accessKey: undefined,
      secretKey: undefined,
      region: undefined,
      profile: 'work',
    });
    await bucket.put('a', Buffer.from('1'));
    await bucket.put('b', Buffer.from('2'));
    await store.stop();
    const [first, second] = store.seen;
    expect(first?.headers['user-agent']).toContain('aws-sdk-js');
    expect(second?.headers['user-agent']).toBeUndefined();
    for (const request of [first, second]) {
      expect(request?.headers.authorization).toMatch(/Credential=AKIDWORK\/\d+\/eu-west-9\//);
    }
  });
});
