import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Hub, startHub } from '../support/hub/hub.js';
import { createCliWorld } from '../support/run-cli.js';
import { bundleModule } from '../support/run-module.js';

/** All races with TRACECRAFT_RACES=full; a few otherwise. */
const isFull = process.env.TRACECRAFT_RACES === 'full';
const [processes, races] = isFull ? [8, 200] : [4, 1];
/** Of commands, which load the client between looking and writing. */
const coldRaces = isFull ? 30 : 1;

interface Claimant {
  readonly child: ChildProcess;
  readonly answers: AsyncIterator<string>;
}

let hub: Hub;
let module: Awaited<ReturnType<typeof bundleModule>>;
let token: string;
let claimants: readonly Claimant[] = [];

beforeAll(async () => {
  hub = await startHub();
  hub.createBucket('ann/traces');
  token = hub.token({ name: 'ann', role: 'write' });
  module = await bundleModule('test/support/hub/claimant.ts');
  claimants = Array.from({ length: processes }, (_, n) => {
    const child = module.start([hub.endpoint, token, 'ann/traces', `agent-${n}`]);
    if (child.stdout === null) throw new Error('no stdout');
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return { child, answers };
  });
  expect(await Promise.all(claimants.map(answerOf))).toEqual(claimants.map(() => 'ready'));
  hub.faults.delayAll(() => 20 + Math.random() * 180);
}, 60_000);

afterAll(async () => {
  for (const { child } of claimants) child.kill();
  await module.remove();
  await hub.stop();
});

const answerOf = async ({ answers }: Claimant): Promise<string> =>
  String((await answers.next()).value);

it(`${processes} processes claim one step on plain Hugging Face, 20 to 200 ms away, ${races} times: one is told that it won`, async () => {
  const wins: number[] = [];
  for (let race = 0; race < races; race += 1) {
    for (const { child } of claimants) child.stdin?.write(`step-${race}\n`);
    const outcomes = await Promise.all(claimants.map(answerOf));
    expect(outcomes.filter((one) => one.startsWith('failed'))).toEqual([]);
    const won = outcomes.filter((one) => one === 'claimed').length;
    wins.push(won);
    if (won !== 1) process.stderr.write(`race ${race}: ${won} winners\n`);
  }
  expect(wins).toEqual(Array.from({ length: races }, () => 1));
}, 3_600_000);

it(`${processes} commands claim one step on plain Hugging Face, ${coldRaces} times: one is told that it won`, async () => {
  const world = await createCliWorld();
  try {
    const env = { HF_ENDPOINT: hub.endpoint, HF_TOKEN: token };
    const init = ['init', '--backend', 'hf', '--bucket', 'ann/traces', '--project', 'cold'];
    expect(await world.run(init, { env })).toMatchObject({ code: 0 });
    const wins: number[] = [];
    for (let race = 0; race < coldRaces; race += 1) {
      const agents = Array.from({ length: processes }, (_, n) => `agent-${n}`);
      const results = await Promise.all(
        agents.map((agent) =>
          world.run(['claim', `step-${race}`], { env: { ...env, TRACECRAFT_AGENT: agent } }),
        ),
      );
      for (const { code, stderr } of results) expect([0, 4], stderr).toContain(code);
      wins.push(results.filter(({ code }) => code === 0).length);
      if (wins.at(-1) !== 1) process.stderr.write(`cold race ${race}: ${wins.at(-1)} winners\n`);
    }
    expect(wins).toEqual(wins.map(() => 1));
  } finally {
    await world.remove();
  }
}, 3_600_000);
