import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createBucketIfMissing, openBucket, type S3Target } from '../../src/bucket/open.js';
import { withRetry } from '../../src/bucket/retry.js';
import { openS3Bucket, type S3Options } from '../../src/bucket/s3/bucket.js';
import { NotAllowedError, NotFoundError, UnsupportedError, UsageError } from '../../src/errors.js';
import { EagerClock } from '../support/eager-clock.js';
import { type S3Server, s3Servers } from '../support/s3-servers.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import { startHttpStore } from './http-store.js';

const body = Buffer.from('{}');
const etag = '"0123456789abcdef0123456789abcdef"';

describe.each(s3Servers())('$name', ({ start }) => {
  let server: S3Server;

  beforeAll(async () => {
    server = await start();
  });

  afterAll(() => server?.stop());

  const target = (changes: Partial<S3Target>): S3Target => {
    const { stop: _, ...where } = server;
    return { backend: 's3', ...where, ...changes };
  };

  async function expectEveryCall(
    changes: Partial<S3Target>,
    kind: new (message: string) => Error,
  ): Promise<void> {
    // Some servers hang up on whom they refuse, which the next request on that connection finds out.
    const clock = new EagerClock();
    const once = await openBucket(target(changes));
    const bucket = withRetry(once, { clock, attempts: 3, baseMs: 1, maxMs: 1 });
    const calls = [
      () => bucket.get('a'),
      () => bucket.put('a', body),
      () => bucket.putIfAbsent('a', body),
      () => bucket.putIfMatch('a', body, etag),
      () => bucket.delete('a'),
      () => bucket.getFile('a', 'nowhere'),
      () => bucket.list('a')[Symbol.asyncIterator]().next(),
    ];
    for (const call of calls) {
      const error = await call().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(kind);
      expect(error).toMatchObject({ hint: expect.any(String) });
    }
    await bucket.close();
  }

  it('refuses a wrong secret', () => expectEveryCall({ secretKey: 'wrong' }, NotAllowedError));

  it('refuses an unknown key', () => expectEveryCall({ accessKey: 'unknown' }, NotAllowedError));

  it('has no bucket with another name', () =>
    expectEveryCall({ bucket: 'no-such-bucket' }, NotFoundError));

  it('is not asked to create the bucket that it has', async () => {
    expect(await createBucketIfMissing(target({}))).toEqual({ isNew: false });
    await expect(createBucketIfMissing(target({ secretKey: 'wrong' }))).rejects.toThrow(
      NotAllowedError,
    );
  });
});

describe('credentials', () => {
  let store: Awaited<ReturnType<typeof startHttpStore>>;
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;

  beforeEach(async () => {
    store = await startHttpStore(() => ({ headers: { ETag: etag } }));
    folder = await createTemporaryFolder();
    await mkdir(join(folder.path, '.aws'));
    await writeFile(
      join(folder.path, '.aws', 'credentials'),
      '[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = s\n' +
        '[work]\naws_access_key_id = AKIDWORK\naws_secret_access_key = s\n',
    );
    await writeFile(join(folder.path, '.aws', 'config'), '[profile work]\nregion = eu-west-9\n');
    for (const name of Object.keys(process.env)) {
      if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
    }
    vi.stubEnv('HOME', folder.path);
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder.path, '.aws', 'credentials'));
    vi.stubEnv('AWS_CONFIG_FILE', join(folder.path, '.aws', 'config'));
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  });

  afterEach(async () => {
    vi.unstubAllEnvs();
    await store.stop();
    await folder.remove();
  });

  /** `<key id>/<region>` of the signature that a put is sent with. */
  async function signer(options: Partial<S3Options> = {}): Promise<string> {
    const none = { accessKey: undefined, secretKey: undefined, region: undefined };
    await store.open({ ...none, ...options }).put('a', body);
    const signed = store.seen.at(-1)?.headers.authorization ?? '';
    const [, id, region] = /Credential=([^/]+)\/\d+\/([^/]+)\//.exec(signed) ?? [];
    return `${id}/${region}`;
  }

  it('in the config take precedence', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDENV');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 's');
    const own = { accessKey: 'AKIDCONFIG', secretKey: 's' };
    expect(await signer(own)).toBe('AKIDCONFIG/us-east-1');
  });

  it('come from the environment', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDENV');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 's');
    vi.stubEnv('AWS_SESSION_TOKEN', 'a-token');
    vi.stubEnv('AWS_DEFAULT_REGION', 'ap-south-9');
    expect(await signer()).toBe('AKIDENV/ap-south-9');
    expect(store.seen.at(-1)?.headers['x-amz-security-token']).toBe('a-token');
  });

  it('come from the named profile, with its region', async () => {
    expect(await signer()).toBe('AKIDDEFAULT/us-east-1');
    expect(await signer({ profile: 'work' })).toBe('AKIDWORK/eu-west-9');
    expect(await signer({ profile: 'work', region: 'mine-1' })).toBe('AKIDWORK/mine-1');
    vi.stubEnv('AWS_PROFILE', 'work');
    expect(await signer()).toBe('AKIDWORK/eu-west-9');
  });

  it('that are found nowhere cause an error with the places searched', async () => {
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder.path, 'none'));
    const failing = store.open({ accessKey: undefined, secretKey: undefined }).get('a');
    const error = await failing.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NotAllowedError);
    expect(error).toMatchObject({ hint: expect.stringContaining('AWS_ACCESS_KEY_ID') });
    expect(store.seen).toEqual([]);
  });

  it('must come in pairs', () => {
    expect(() => store.open({ secretKey: undefined })).toThrow(UsageError);
    expect(() => store.open({ accessKey: undefined })).toThrow(UsageError);
  });

  it('go to the endpoint in the environment, unless told to ignore it', async () => {
    const own = { accessKey: 'AKIDCONFIG', secretKey: 's' };
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:1');
    vi.stubEnv('AWS_ENDPOINT_URL_S3', store.endpoint);
    expect(await signer({ ...own, endpoint: undefined })).toBe('AKIDCONFIG/us-east-1');
    expect(store.seen.at(-1)?.url).toContain('/pond/a');
    vi.stubEnv('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS', 'true');
    expect(openS3Bucket({ bucket: 'pond', ...own }).location).toBe('s3://pond');
  });
});

describe('an impossible target', () => {
  const keys = { accessKey: 'a', secretKey: 'not-a-real-secret-key' };

  it.each(['', 'a/b', 'a b', '../x', '-x', 'x\n'])('bucket %j is refused', (bucket) => {
    expect(() => openS3Bucket({ bucket, ...keys })).toThrow(UsageError);
  });

  it.each(['localhost:9000', 'ftp://x', 'not an address'])('endpoint %j is refused', (endpoint) => {
    expect(() => openS3Bucket({ bucket: 'pond', endpoint, ...keys })).toThrow(UsageError);
  });

  it('with a password in its endpoint is refused without repeating it', () => {
    const endpoint = 'https://me:not-a-real-password@example.com';
    try {
      openS3Bucket({ bucket: 'pond', endpoint, ...keys });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(UsageError);
      expect(String(error)).not.toContain('not-a-real-password');
    }
  });
});

describe('a store that arbitrates nothing', () => {
  it('is not asked to, and arbitration is never emulated', async () => {
    const store = await startHttpStore(() => ({ headers: { ETag: etag } }));
    const bucket = store.open({ capabilities: { putIfAbsent: false, putIfMatch: false } });
    await expect(bucket.putIfAbsent('a', body)).rejects.toThrow(UnsupportedError);
    await expect(bucket.putIfMatch('a', body, etag)).rejects.toThrow(UnsupportedError);
    expect(store.seen).toEqual([]);
    await bucket.put('a', body);
    await store.stop();
  });
});
