import { join } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openS3Bucket } from '../../src/bucket/s3/bucket.js';
import { startCarelessS3 } from '../support/careless-s3.js';
import { assistantRow, sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { type Hub, startHub } from '../support/hub/hub.js';
import { type S3Server, startR2 } from '../support/r2.js';
import { type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;
let r2: S3Server;
let hub: Hub;
let transcript: Transcript;
const id = sessionUuid();
const files = [
  'README.md',
  '_export.json',
  'entries/month=2026-04/entries.parquet',
  'events/month=now/events.parquet',
  'handoffs/month=undated/handoffs.parquet',
  'sessions/month=2026-04/sessions.parquet',
];

beforeAll(async () => {
  [world, r2, hub] = await Promise.all([createCliWorld(), startR2(), startHub()]);
  const context = { sessionId: id, cwd: world.project, timestamp: '2026-04-05T06:07:08.000Z' };
  transcript = new Transcript(join(world.home, '.claude', 'projects', '-work', `${id}.jsonl`));
  await transcript.append(
    userRow('Write the tables', context),
    assistantRow('Written', 'claude-opus-4-5', context),
  );
  await world.run(['watch', '--once', '--all', '--quiet'], { cwd: world.home });
});

afterAll(async () => {
  await Promise.all([world.remove(), r2.stop(), hub.stop()]);
});

function s3({ endpoint, region, accessKey, secretKey }: Omit<S3Server, 'bucket' | 'stop'>) {
  return {
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: accessKey,
    AWS_SECRET_ACCESS_KEY: secretKey,
  };
}

async function exported(to: string, env: Record<string, string>, ...more: readonly string[]) {
  const options = { cwd: world.home, env };
  const { code, stdout } = await world.run(['export', '--to', to, '--json', ...more], options);
  return { code, ...JSON.parse(stdout) };
}

/** The only event, that the session is there, is dated now. */
function nameOf(key: string): string {
  return key.replace(/events\/month=\d{4}-\d\d/, 'events/month=now');
}

async function keysIn(bucket: ReturnType<typeof openS3Bucket>, prefix: string) {
  const keys: string[] = [];
  for await (const entry of bucket.list(prefix)) {
    if (entry.kind === 'object') keys.push(nameOf(entry.key.slice(prefix.length)));
  }
  return keys.sort();
}

describe('tracecraft export to a bucket', () => {
  it('writes to S3 what a folder would hold, then only what is new', async () => {
    const env = s3(r2);
    const to = `s3://${r2.bucket}/deep/tables`;
    const first = await exported(to, env);
    expect(first).toMatchObject({ code: 0, data: { rows: { sessions: 1, entries: 2 } } });
    const bucket = openS3Bucket(r2);
    try {
      expect(await keysIn(bucket, 'deep/tables/')).toEqual(files);
      const stored = await bucket.get(`deep/tables/${files[2]}`);
      const body = new Uint8Array(stored?.body ?? []);
      const rows = await parquetReadObjects({ file: body.buffer });
      expect(rows.map(({ kind, text }) => [kind, text])).toEqual([
        ['prompt', 'Write the tables'],
        ['answer', 'Written'],
      ]);
      expect((await exported(to, env)).data.written).toEqual([]);
      await exported(join(world.root, 'folder'), {});
      const file = await asyncBufferFromFile(join(world.root, 'folder', files[2] ?? ''));
      expect(Buffer.from(await file.slice(0))).toEqual(stored?.body);
    } finally {
      await bucket.close();
    }
  });

  it('writes to a private bucket of the Hub', async () => {
    hub.createBucket('ann/tables', { isPrivate: true });
    const env = { HF_ENDPOINT: hub.endpoint, HF_TOKEN: hub.token({ name: 'ann', role: 'write' }) };
    const first = await exported('hf://ann/tables/of/april', env);
    expect(first).toMatchObject({ code: 0, data: { rows: { sessions: 1, entries: 2 } } });
    const paths = [...(hub.buckets.get('ann/tables')?.files.keys() ?? [])].map(nameOf).sort();
    expect(paths).toEqual(files.map((name) => `of/april/${name}`));
    const parquet = hub.content('ann/tables', `of/april/${files[2]}`) ?? Buffer.alloc(0);
    const rows = await parquetReadObjects({ file: new Uint8Array(parquet).buffer });
    expect(rows).toHaveLength(2);
    expect((await exported('hf://ann/tables/of/april', env)).data.written).toEqual([]);
  });

  it('refuses a public bucket of the Hub, unless that is said', async () => {
    hub.createBucket('ann/open', { isPrivate: false });
    const env = { HF_ENDPOINT: hub.endpoint, HF_TOKEN: hub.token({ name: 'ann', role: 'write' }) };
    const refused = await exported('hf://ann/open', env);
    expect(refused).toMatchObject({ code: 7, error: { message: 'anyone can read hf://ann/open' } });
    const { files: stored } = hub.buckets.get('ann/open') ?? { files: new Map() };
    expect([...stored.keys()]).toEqual(['README.md']);
    expect(await exported('hf://ann/open', env, '--public')).toMatchObject({ code: 0 });
    expect([...stored.keys()].map(nameOf).sort()).toEqual(files);
  });

  it('refuses a bucket of S3 that anyone can read, unless that is said', async () => {
    const careless = await startCarelessS3();
    try {
      const env = s3({ ...careless, region: 'us-east-1', accessKey: 'a', secretKey: 'b' });
      const refused = await exported('s3://open/tables', env);
      expect(refused).toMatchObject({
        code: 7,
        error: { message: 'anyone can read s3://open/tables' },
      });
      expect(await exported('s3://open/tables', env, '--public')).toMatchObject({ code: 0 });
    } finally {
      await careless.stop();
    }
  });

  it.each(['hf://ann', 's3:///tables', 'ftp://there/tables', 's3://bucket/../tables'])(
    'knows no place called %s',
    async (to) => {
      expect(await exported(to, {})).toMatchObject({ code: 2 });
    },
  );
});
