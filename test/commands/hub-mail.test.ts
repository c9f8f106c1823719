import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Hub, startHub } from '../support/hub/hub.js';
import { type CliWorld, collect, createCliWorld } from '../support/run-cli.js';
import { bundleModule } from '../support/run-module.js';

/** All counts with TRACECRAFT_RACES=full; a few otherwise. */
const isFull = process.env.TRACECRAFT_RACES === 'full';
const crowd = isFull
  ? { processes: 4, senders: 8, each: 30 }
  : { processes: 2, senders: 4, each: 3 };
const readers = ['reader-a', 'reader-b', 'reader-c'];

let hub: Hub;
let world: CliWorld;
let token: string;
let env: Record<string, string>;

beforeAll(async () => {
  hub = await startHub({ pageSize: 100 });
  world = await createCliWorld();
  token = hub.token({ name: 'ann', role: 'write' });
  env = { HF_ENDPOINT: hub.endpoint, HF_TOKEN: token };
  const init = ['init', '--backend', 'hf', '--bucket', 'ann/traces', '--project', 'mail'];
  expect(await world.run(init, { env })).toMatchObject({ code: 0 });
}, 60_000);

afterAll(async () => {
  await world.remove();
  await hub.stop();
});

async function read(agent: string): Promise<string[]> {
  const asked = { env: { ...env, TRACECRAFT_AGENT: agent } };
  const { code, stdout, stderr } = await world.run(['inbox', '--new'], asked);
  expect(code, stderr).toBe(0);
  return stdout.split('\n').filter((line) => line !== '');
}

it(`of ${crowd.processes * crowd.senders} senders × ${crowd.each} messages on Hugging Face, each is there, once for each reader`, async () => {
  const senders = await bundleModule('test/support/hub/senders.ts');
  const got = new Map(readers.map((reader) => [reader, [] as string[]]));
  const names = Array.from({ length: crowd.processes }, (_, process) =>
    Array.from({ length: crowd.senders }, (_, n) => `sender-${process}-${n}`),
  );
  let isSending = true;
  const reading = readers.map(async (reader) => {
    while (isSending) got.get(reader)?.push(...(await read(reader)));
    got.get(reader)?.push(...(await read(reader)));
  });
  try {
    const sent = names.map((some) =>
      collect(
        senders.start([hub.endpoint, token, 'ann/traces', 'mail', String(crowd.each), ...some]),
      ),
    );
    for (const { code, stderr } of await Promise.all(sent)) expect(code, stderr).toBe(0);
  } finally {
    isSending = false;
    await Promise.all(reading);
    await senders.remove();
  }
  const expected = names
    .flat()
    .flatMap((sender) =>
      Array.from({ length: crowd.each }, (_, n) => `(broadcast) ${sender}: ${sender} ${n}`),
    )
    .sort();
  const paths = [...(hub.buckets.get('ann/traces')?.files.keys() ?? [])];
  const stored = paths.filter((path) => path.startsWith('mail/messages/_broadcast/'));
  expect(stored).toHaveLength(expected.length);
  for (const lines of got.values()) {
    expect(lines.map((line) => line.slice(line.indexOf('] ') + 2)).sort()).toEqual(expected);
  }
  if (isFull) process.stderr.write(`${stored.length} messages, each read once by ${got.size}\n`);
}, 1_200_000);
