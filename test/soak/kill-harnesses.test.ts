import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { describe, expect, it } from 'vitest';
import { openLocalBucket } from '../../src/bucket/local/bucket.js';
import { systemClock } from '../../src/clock.js';
import { completeLines } from '../../src/mirror/lines.js';
import { listStream, newestFirst } from '../../src/mirror/slots/listing.js';
import { readChain } from '../../src/mirror/slots/reader.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { foldLines, tableRows } from '../support/hermes-home.js';
import { type CliWorld, collect, createCliWorld } from '../support/run-cli.js';
import { bundleModule } from '../support/run-module.js';

/** `npm test` runs a small one; `npm run soak` the full two minutes; TRACECRAFT_SOAK_MINUTES as long as is said. */
const isFull = process.env.TRACECRAFT_SOAK === 'full';
const minutes = Number(process.env.TRACECRAFT_SOAK_MINUTES ?? (isFull ? 2 : 0.15));
const kills = Math.max(4, Math.round(minutes * 20));
const pauseMs = (minutes * 60_000) / kills;

describe('watch under SIGKILL, with all ten harnesses writing', () => {
  it(`${kills} kills in ${minutes} minutes: nothing is lost or duplicated`, async () => {
    const world = await createCliWorld();
    const writers = await bundleModule('test/soak/harness-writers.ts');
    const writing = writers.start([world.home]);
    const written = collect(writing);
    for (let kill = 0; kill < kills; kill += 1) {
      const watch = world.start(['watch', '--quiet'], { cwd: world.home });
      await systemClock.sleep(pauseMs * (0.5 + Math.random()));
      const gone = once(watch, 'exit');
      watch.kill('SIGKILL');
      await gone;
      if (kill % 3 === 2) {
        await rm(join(world.stateFolder, 'state'), { recursive: true, force: true });
      }
    }
    writing.stdin?.end();
    const { stdout, stderr, code } = await written;
    expect(code, stderr).toBe(0);
    const counts = JSON.parse(stdout);
    const last = await world.run(['watch', '--once', '--all'], { cwd: world.home });
    expect(last.code, last.stderr).toBe(0);
    // The rows of Hermes are dated long ago, so that by default they are left alone.
    const verified = await world.run(['session', 'verify', '--all'], { cwd: world.home });
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
    expect(verified.stdout).toContain('13 streams agree');
    await expectTrueDocuments(world);
    await expectFoldedTables(world);
    const sum = verified.stdout.trimEnd().split('\n').at(-1);
    process.stdout.write(`${JSON.stringify({ minutes, kills, ...counts, sum })}\n`);
    await writers.remove();
    await world.remove();
  }, 3_600_000);
});

interface Shipped {
  readonly data: {
    readonly streams: readonly {
      readonly stream: string;
      readonly session_id: string;
      readonly shippedLines: number;
    }[];
  };
}

interface Told {
  readonly data: {
    readonly sessions: readonly { readonly session_id: string; readonly total_lines: number }[];
  };
}

/** Every session's `meta.json` tells as many lines as its parts hold. */
async function expectTrueDocuments(world: CliWorld): Promise<void> {
  const options = { cwd: world.home };
  const { stdout: shipped } = await world.runJson(['session', 'verify', '--all'], options);
  const { data }: Shipped = JSON.parse(shipped);
  const main = data.streams.filter(({ stream }) => stream === '');
  const { stdout: told } = await world.runJson(['session', 'list'], options);
  const { data: listed }: Told = JSON.parse(told);
  const lines = new Map(listed.sessions.map((one) => [one.session_id, one.total_lines]));
  expect(main.length).toBeGreaterThan(3);
  for (const one of main) expect(lines.get(one.session_id), one.session_id).toBe(one.shippedLines);
}

/** What the mirrored lines fold to is what the table holds, row for row. */
async function expectFoldedTables({ home, stateFolder }: CliWorld): Promise<void> {
  const bucket = await openLocalBucket({ root: join(stateFolder, 'bucket') });
  const layout = bucketLayout('default');
  const stores = [
    { path: join(home, '.hermes', 'state.db'), id: '20260101_000000_aaaaaa' },
    {
      path: join(home, '.hermes', 'profiles', 'other', 'state.db'),
      id: '20260101_000000_bbbbbb',
    },
  ];
  for (const { path, id } of stores) {
    const listing = await listStream(bucket, layout.session('hermes', id));
    const [newest = 0] = newestFirst(listing);
    const lines: Buffer[] = [];
    for await (const part of readChain(bucket, listing, newest)) {
      lines.push(...completeLines(part.body));
    }
    const database = new DatabaseSync(path, { readOnly: true });
    const expected = tableRows(database, id);
    database.close();
    expect(expected.length).toBeGreaterThan(10);
    expect(foldLines(lines)).toEqual(expected);
  }
  await bucket.close();
}
