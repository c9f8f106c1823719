import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { UnreachableError } from '../../src/errors.js';
import { EagerClock } from '../support/eager-clock.js';
import { MemoryStore } from '../support/memory-bucket.js';
import { buildMutant, type Mutation } from '../support/mutant-build.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import { type Answer, type SeenRequest, secret, startHttpStore } from './http-store.js';
import * as ours from './mistakable.js';

type Subject = typeof ours;

interface Mistake {
  readonly name: string;
  readonly mutations: readonly Mutation[];
  /** What holds as long as nobody makes the mistake. */
  readonly holds: (subject: Subject) => Promise<boolean> | boolean;
}

const amazon = { endpoint: undefined, profile: undefined, keys: undefined, region: 'eu-west-1' };
const body = Buffer.from('{"nonce": 1}');
const retry = { attempts: 4, baseMs: 1, maxMs: 1 };
let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;

const mistakes: readonly Mistake[] = [
  {
    name: 'any region counts as ordinary',
    mutations: [{ file: 's3/amazon-host.ts', from: 'regions.test(region)', to: 'true' }],
    holds: ({ amazonHost }) => amazonHost('pond', 'cn-north-1')?.endsWith('.com.cn') === true,
  },
  {
    name: 'the expiry of credentials is ignored',
    mutations: [{ file: 's3/signer.ts', from: ' || env.AWS_CREDENTIAL_EXPIRATION', to: '' }],
    holds: ({ signerWithoutSdk }) => {
      vi.stubEnv('AWS_CREDENTIAL_EXPIRATION', '2026-01-01T00:00:00Z');
      return signerWithoutSdk(amazon) === undefined;
    },
  },
  {
    name: 'variables that ask for FIPS or dual stack are not looked at',
    mutations: [
      {
        file: 's3/signer.ts',
        from: 'if (env.AWS_USE_FIPS_ENDPOINT || env.AWS_USE_DUALSTACK_ENDPOINT) return false;',
        to: '',
      },
    ],
    holds: ({ signerWithoutSdk }) => {
      vi.stubEnv('AWS_USE_DUALSTACK_ENDPOINT', 'true');
      return signerWithoutSdk(amazon) === undefined;
    },
  },
  {
    name: 'settings that ask for FIPS or dual stack are not looked at',
    mutations: [{ file: 's3/signer.ts', from: 'if (isSpecial) return undefined;', to: '' }],
    holds: async ({ foundSigner }) => {
      const credentials = { accessKeyId: 'AKIDFOUND', secretAccessKey: 's' };
      const client = new S3Client({ region: 'us-east-1', credentials, useFipsEndpoint: true });
      return (await foundSigner(amazon, client)) === undefined;
    },
  },
  {
    name: 'the ETag of an object under a KMS key is taken for its MD5',
    mutations: [
      {
        file: 's3/read.ts',
        from: "encryption === undefined || encryption === 'AES256'",
        to: 'true',
      },
    ],
    holds: (subject) =>
      isDone(subject, kmsEncrypted, (bucket) => bucket.getFile('a', join(folder.path, 'a'))),
  },
  {
    name: 'an upload without the SDK carries no checksum',
    mutations: [
      { file: 's3/direct.ts', from: "'content-md5': contentMd5(body, digests),", to: '' },
    ],
    holds: (subject) => isDone(subject, locked, (bucket) => bucket.put('a', body)),
  },
  {
    name: 'an upload by the SDK carries no checksum',
    mutations: [{ file: 's3/requests.ts', from: 'ContentMD5: contentMd5(body, digests),', to: '' }],
    holds: (subject) => isDone(subject, locked, (bucket) => bucket.put('a', body), 'sdk'),
  },
  {
    name: 'a listing has twice the patience',
    mutations: [
      {
        file: 'bucket/retry.ts',
        from: 'await pauseOrThrow(options, error, attempt, request.signal);',
        to: 'await pauseOrThrow({ ...options, attempts: 2 * options.attempts }, error, attempt, request.signal);',
      },
    ],
    holds: async ({ withRetry }) => {
      let listings = 0;
      const broken: Bucket = {
        ...new MemoryStore(true).client(),
        list: (prefix) => {
          listings += 1;
          return new MemoryStore(true).client({ gate: noAnswer }).list(prefix);
        },
      };
      const bucket = withRetry(broken, { clock: new EagerClock(), ...retry });
      const first = bucket.list('p/')[Symbol.asyncIterator]().next();
      await first.catch(() => undefined);
      return listings === retry.attempts;
    },
  },
  {
    name: 'a refusal is believed without a look',
    mutations: [
      {
        file: 'bucket/retry.ts',
        from: 'failure = refusedForNoReason(retry.bucket, write.key);',
        to: 'return outcome;',
      },
    ],
    holds: async ({ withRetry }) => {
      const client = new MemoryStore(true).client();
      const twice: Bucket = {
        ...client,
        putIfAbsent: async (...call) => {
          await client.putIfAbsent(...call);
          return client.putIfAbsent(...call);
        },
      };
      const bucket = withRetry(twice, { clock: new EagerClock(), ...retry });
      return (await bucket.putIfAbsent('a', body)).written;
    },
  },
  {
    name: 'the rest begins although one has failed',
    mutations: [{ file: 'src/concurrency.ts', from: 'own.abort(error);', to: '' }],
    holds: async ({ inParallel }) => {
      let calls = 0;
      const failing = async (): Promise<never> => {
        calls += 1;
        throw new Error('no');
      };
      await inParallel(Array.from({ length: 5_000 }), failing).catch(() => undefined);
      return calls < 100;
    },
  },
];

function noAnswer(): Promise<never> {
  return Promise.reject(new UnreachableError('no answer'));
}

/** Amazon's answer for an object under SSE-KMS: its ETag has the form of an MD5, and is none. */
function kmsEncrypted(): Answer {
  return {
    headers: {
      ETag: '"0123456789abcdef0123456789abcdef"',
      'x-amz-server-side-encryption': 'aws:kms',
      'content-length': String(body.length),
    },
    body: body.toString(),
  };
}

/** Amazon's answer where a retention is the bucket's default. */
function locked({ headers, body }: SeenRequest): Answer {
  const md5 = createHash('md5').update(body);
  const isChecked = headers['content-md5'] === md5.copy().digest('base64');
  return isChecked ? { headers: { ETag: `"${md5.digest('hex')}"` } } : { status: 400 };
}

async function isDone(
  { openS3Bucket }: Subject,
  answer: (request: SeenRequest) => Answer,
  call: (bucket: Bucket) => Promise<unknown>,
  transport: 'sdk' | 'direct' = 'direct',
): Promise<boolean> {
  const store = await startHttpStore(answer);
  const { endpoint } = store;
  const keys = { accessKey: 'AKIDEXAMPLE', secretKey: secret };
  const bucket = openS3Bucket({
    bucket: 'pond',
    endpoint,
    region: 'us-east-1',
    transport,
    ...keys,
  });
  try {
    return await call(bucket).then(
      () => true,
      () => false,
    );
  } finally {
    await bucket.close();
    await store.stop();
  }
}

beforeEach(async () => {
  folder = await createTemporaryFolder();
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
  }
  vi.stubEnv('HOME', folder.path);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDENV');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 's');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});

describe.each(mistakes)('where $name', ({ mutations, holds }) => {
  it('the suite fails', async () => {
    expect(await holds(ours)).toBe(true);
    const mutant = await buildMutant('test/bucket/mistakable.ts', mutations);
    try {
      const wrong: Subject = await import(mutant.path);
      expect(await holds(wrong)).toBe(false);
    } finally {
      await mutant.remove();
    }
  });
});
