import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { foundSigner, signerWithoutSdk } from '../../src/bucket/s3/signer.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import { startHttpStore } from './http-store.js';

const amazon = { endpoint: undefined, profile: undefined, keys: undefined, region: 'eu-west-1' };
const credentials = { accessKeyId: 'AKIDFOUND', secretAccessKey: 's' };
let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;

beforeEach(async () => {
  folder = await createTemporaryFolder();
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
  }
  vi.stubEnv('HOME', folder.path);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDENV');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 's');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});

describe('signing without the SDK', () => {
  it('takes keys and region from variables', () => {
    expect(signerWithoutSdk(amazon)).toMatchObject({ accessKey: 'AKIDENV', region: 'eu-west-1' });
  });

  it.each([
    ['AWS_USE_FIPS_ENDPOINT', 'true'],
    ['AWS_USE_DUALSTACK_ENDPOINT', 'true'],
    ['AWS_CREDENTIAL_EXPIRATION', '2026-01-01T00:00:00Z'],
    ['AWS_CREDENTIAL_SCOPE', 'somewhere'],
    ['AWS_PROFILE', 'work'],
  ])('is not certain enough with %s=%s', (name, value) => {
    vi.stubEnv(name, value);
    expect(signerWithoutSdk(amazon)).toBeUndefined();
  });

  it('is not used if a config file may name another endpoint', async () => {
    await mkdir(join(folder.path, '.aws'));
    await writeFile(join(folder.path, '.aws', 'config'), '[default]\nuse_fips_endpoint = true\n');
    expect(signerWithoutSdk(amazon)).toBeUndefined();
  });
});

describe('what the SDK has found', () => {
  const found = (config: object) =>
    foundSigner(amazon, new S3Client({ region: 'eu-west-1', credentials, ...config }));

  it('is reused for an ordinary endpoint', async () => {
    expect(await found({})).toMatchObject({ accessKey: 'AKIDFOUND', region: 'eu-west-1' });
  });

  it.each([
    ['FIPS', { useFipsEndpoint: true }],
    ['dual-stack', { useDualstackEndpoint: true }],
    ['custom', { endpoint: 'https://store.example' }],
  ])('does not serve for a %s endpoint', async (_, config) => {
    expect(await found(config)).toBeUndefined();
  });
});

it('credentials that expire are renewed while in use', async () => {
  const store = await startHttpStore(() => ({
    headers: { ETag: '"0123456789abcdef0123456789abcdef"' },
  }));
  vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
  const counter = join(folder.path, 'asked');
  const script = join(folder.path, 'credentials.mjs');
  await writeFile(
    script,
    `import { appendFileSync, readFileSync } from 'node:fs';
    appendFileSync(${JSON.stringify(counter)}, 'x');
    const AccessKeyId = 'AKID' + readFileSync(${JSON.stringify(counter)}).length;
    const Expiration = new Date(Date.now() + 60_000).toISOString();
    console.log(JSON.stringify({ Version: 1, AccessKeyId, SecretAccessKey: 's', Expiration }));`,
  );
  await mkdir(join(folder.path, '.aws'));
  await writeFile(
    join(folder.path, '.aws', 'config'),
    `[profile short]\nregion = eu-west-1\ncredential_process = ${process.execPath} ${script}\n`,
  );
  vi.stubEnv('AWS_CONFIG_FILE', join(folder.path, '.aws', 'config'));
  const bucket = store.open({ accessKey: undefined, secretKey: undefined, profile: 'short' });
  const body = Buffer.from('{}');
  const ids = new Set<string | undefined>();
  // The SDK renews in the background what is about to expire; ends with the time that a test has.
  while (ids.size < 2) {
    await bucket.put('a', body);
    const { authorization = '' } = store.seen.at(-1)?.headers ?? {};
    ids.add(/AKID\d+/.exec(authorization)?.[0]);
  }
  expect([...ids].slice(0, 2)).toEqual(['AKID1', 'AKID2']);
  await store.stop();
});
