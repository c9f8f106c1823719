import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { openLocalBucket } from '../../src/bucket/local/bucket.js';
import { registerAgent } from '../../src/coordination/agents/registration.js';
import { UsageError } from '../../src/errors.js';
import { DocumentError } from '../../src/protocol/documents.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

const layout = bucketLayout('app');
const key = layout.agent('designer');
const arbitrating = { putIfAbsent: true, putIfMatch: true };
const none = { putIfAbsent: false, putIfMatch: false };

let bucket: Bucket;
let remove = async (): Promise<void> => undefined;

beforeEach(async () => {
  const folder = await createTemporaryFolder();
  remove = folder.remove;
  bucket = await openLocalBucket({ root: folder.path });
});

afterEach(async () => {
  await bucket.close();
  await remove();
});

async function readAgent(): Promise<unknown> {
  return JSON.parse((await bucket.get(key))?.body.toString('utf8') ?? 'null');
}

async function countEvents(): Promise<number> {
  let count = 0;
  for await (const _ of bucket.list(layout.events())) count += 1;
  return count;
}

describe.each([
  ['a store that arbitrates', arbitrating],
  ['a store that does not', none],
])('registering an agent in %s', (_, capabilities) => {
  const registration = { agent: 'designer', host: 'here', capabilities };

  it('creates the document and an event, then refreshes it', async () => {
    expect(await registerAgent(bucket, layout, registration)).toEqual({ isNew: true });
    expect(await readAgent()).toMatchObject({ id: 'designer', status: 'active', host: 'here' });
    const moved = { ...registration, host: 'there' };
    expect(await registerAgent(bucket, layout, moved)).toEqual({ isNew: false });
    expect(await readAgent()).toMatchObject({ id: 'designer', status: 'active', host: 'there' });
    expect(await countEvents()).toBe(2);
  });

  it('keeps unknown fields of an existing document', async () => {
    const known = {
      id: 'designer',
      status: 'ended',
      step: 'design',
      started_at: '2026-01-01T00:00:00Z',
      heartbeat: '2026-01-01T00:00:00Z',
      summary: 'drew it',
      host: 'there',
      mood: 'good',
    };
    await bucket.put(key, Buffer.from(JSON.stringify(known)));
    await registerAgent(bucket, layout, registration);
    expect(await readAgent()).toEqual({
      ...known,
      status: 'active',
      host: 'here',
      heartbeat: expect.not.stringContaining('2026-01-01'),
    });
  });

  it('leaves a damaged document alone and reports it', async () => {
    await bucket.put(key, Buffer.from('{'));
    const error = await registerAgent(bucket, layout, registration).catch((caught) => caught);
    expect(error).toBeInstanceOf(DocumentError);
    expect(String(error)).toContain(key);
    expect((await bucket.get(key))?.body.toString()).toBe('{');
  });
});

it('is new to only one of those who register an agent at once', async () => {
  const registration = { agent: 'designer', host: 'here', capabilities: arbitrating };
  const outcomes = await Promise.all(
    Array.from({ length: 4 }, () => registerAgent(bucket, layout, registration)),
  );
  expect(outcomes.filter(({ isNew }) => isNew)).toHaveLength(1);
  expect(await countEvents()).toBe(4);
});

describe('a name that differs from a known one only in case', () => {
  const registration = { agent: 'Designer', host: 'here', capabilities: arbitrating };

  it.each([arbitrating, none])('is refused, and nothing is written: %j', async (capabilities) => {
    await registerAgent(bucket, layout, { ...registration, agent: 'designer' });
    const refused = registerAgent(bucket, layout, { ...registration, capabilities });
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(/designer/);
    expect(await bucket.get(layout.agent('Designer'))).toBeUndefined();
    expect(await countEvents()).toBe(1);
  });

  it('is refused if the file system treats both as one file', async () => {
    const folded: Bucket = {
      ...bucket,
      get: (name, options) => bucket.get(name.toLowerCase(), options),
      list: () => (async function* () {})(),
    };
    await registerAgent(bucket, layout, { ...registration, agent: 'designer' });
    await expect(registerAgent(folded, layout, registration)).rejects.toThrow(UsageError);
  });

  it('never coexists with it, however close together both are registered', async () => {
    const spellings = ['designer', 'Designer', 'DESIGNER', 'desigNer'];
    const outcomes = await Promise.allSettled(
      spellings.map((agent) => registerAgent(bucket, layout, { ...registration, agent })),
    );
    const stayed = outcomes.filter(({ status }) => status === 'fulfilled').length;
    expect(stayed).toBeLessThanOrEqual(1);
    const found = await Promise.all(spellings.map((agent) => bucket.get(layout.agent(agent))));
    expect(found.filter((one) => one !== undefined)).toHaveLength(stayed);
  });
});
