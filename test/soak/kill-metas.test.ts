import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { openLocalBucket } from '../../src/bucket/local/bucket.js';
import { systemClock } from '../../src/clock.js';
import type { MetaDocument } from '../../src/protocol/documents.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { readDocumented } from '../support/documented-reader.js';
import { type CliWorld, collect, createCliWorld } from '../support/run-cli.js';
import { bundleModule } from '../support/run-module.js';
import type { ToldSession } from './told-sessions.js';

/** `npm test` runs a small one; `npm run soak` the full one. */
const isFull = process.env.TRACECRAFT_SOAK === 'full';
const kills = isFull ? 40 : 3;
const pauseMs = isFull ? 3_000 : 1_000;
const harnesses = ['claude-code', 'codex', 'hermes', 'openclaw'];

let world: CliWorld;
let writers: Awaited<ReturnType<typeof bundleModule>>;

beforeEach(async () => {
  world = await createCliWorld();
  writers = await bundleModule('test/soak/told-writers.ts');
});

afterEach(async () => {
  await writers.remove();
  await world.remove();
});

it(`meta.json is right for every session of four harnesses after ${kills} kills`, async () => {
  for (const harness of ['claude-code', 'codex']) {
    expect(await world.run(['setup', harness])).toMatchObject({ code: 0 });
  }
  const writing = writers.start([world.home]);
  const written = collect(writing);
  for (let kill = 0; kill < kills; kill += 1) {
    const watch = world.start(['watch', '--quiet'], { cwd: world.home });
    await systemClock.sleep(pauseMs * (0.5 + Math.random()));
    const gone = once(watch, 'exit');
    watch.kill('SIGKILL');
    await gone;
  }
  writing.stdin?.end();
  const { stdout, stderr, code } = await written;
  expect(code, stderr).toBe(0);
  const told: readonly ToldSession[] = JSON.parse(stdout);
  expect(new Set(told.map(({ harness }) => harness))).toEqual(new Set(harnesses));
  const last = await world.run(['watch', '--once', '--all'], { cwd: world.home });
  expect(last.code, last.stderr).toBe(0);

  const root = join(world.stateFolder, 'bucket');
  const bucket = await openLocalBucket({ root });
  const shown: object[] = [];
  for (const session of told) shown.push(await toldBy(bucket, root, session));
  await bucket.close();
  expect(shown).toEqual(told.map(({ lines: _lines, ...session }) => session));
  const ended = told.filter(({ hasEnded }) => hasEnded).length;
  if (isFull) process.stdout.write(`${JSON.stringify({ kills, sessions: told.length, ended })}\n`);
}, 600_000);

/** What its `meta.json` says, which agrees with its parts. */
async function toldBy(bucket: Bucket, root: string, told: ToldSession): Promise<object> {
  const layout = bucketLayout('default');
  const { harness, id } = told;
  const text = await readFile(join(root, layout.meta(harness, id)), 'utf8');
  const meta: MetaDocument = JSON.parse(text);
  const lines = await linesIn(bucket, layout.session(harness, id));
  expect([meta.total_lines, told.lines ?? lines]).toEqual([lines, lines]);
  const streams = Object.fromEntries(
    meta.streams.map(({ name, total_lines }) => [name, total_lines]),
  );
  for (const [name, count] of Object.entries(streams)) {
    expect(await linesIn(bucket, layout.stream(harness, id, name)), name).toBe(count);
  }
  return {
    harness,
    id: meta.session_id,
    title: meta.title,
    streams,
    lastRowAt: meta.last_row_at,
    hasEnded: meta.ended_at !== null,
  };
}

async function linesIn(bucket: Bucket, prefix: string): Promise<number> {
  const bytes = await readDocumented(bucket, prefix);
  return bytes.reduce((count, byte) => count + Number(byte === 0x0a), 0);
}
