import { once } from 'node:events';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { type CliWorld, collect, createCliWorld } from '../support/run-cli.js';
import { bundleModule } from '../support/run-module.js';

/** `npm test` runs a small one; `npm run soak` the full minute. */
const isFull = process.env.TRACECRAFT_SOAK === 'full';
const kills = isFull ? 30 : 6;
const runMs = isFull ? 60_000 : 9_000;

describe('watch under SIGKILL', () => {
  it(`${kills} kills while three sessions grow: nothing is lost, duplicated or torn`, async () => {
    const world = await createCliWorld();
    const appender = await bundleModule('test/soak/appender.ts');
    const files = await sessionFiles(world);
    const writing = appender.start(files);
    const written = collect(writing);
    for (let kill = 0; kill < kills; kill += 1) {
      const watch = world.start(['watch', '--quiet'], { cwd: world.home });
      await systemClock.sleep((runMs / kills) * (0.5 + Math.random()));
      const gone = once(watch, 'exit');
      watch.kill('SIGKILL');
      await gone;
      if (kill % 2 === 1) {
        await rm(join(world.stateFolder, 'state'), { recursive: true, force: true });
      }
    }
    writing.stdin?.end();
    const { stdout } = await written;
    expect(Number(stdout)).toBeGreaterThan(kills);
    const last = await world.run(['watch', '--once', '--all'], { cwd: world.home });
    expect(last).toMatchObject({ code: 0 });

    for (const file of files) {
      const source = await readFile(file);
      const joined = await joinedParts(world, file);
      // Not toEqual: it walks tens of megabytes byte by byte.
      expect(joined.equals(source), `${joined.length} of ${source.length} bytes`).toBe(true);
    }
    const verified = await world.run(['session', 'verify'], { cwd: world.home });
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining('3 streams agree') });
    await appender.remove();
    await world.remove();
  }, 180_000);
});

async function sessionFiles(world: CliWorld): Promise<string[]> {
  const folder = join(world.home, '.claude', 'projects', '-soak');
  await mkdir(folder, { recursive: true });
  return [1, 2, 3].map((n) => join(folder, `00000000-0000-4000-8000-00000000000${n}.jsonl`));
}

/** As the oldest reader does it: every part of the session, by name, one after another. */
async function joinedParts(world: CliWorld, file: string): Promise<Buffer> {
  const id = basename(file, '.jsonl');
  const bucket = join(world.stateFolder, 'bucket');
  const [project = ''] = (await readdir(bucket)).filter((name) => !name.startsWith('.'));
  const folder = join(bucket, project, 'sessions', 'claude-code', id);
  const names = (await readdir(folder)).filter((name) => name.startsWith('part-')).sort();
  const bodies = await Promise.all(names.map((name) => readFile(join(folder, name))));
  for (const body of bodies) expect(body.at(-1)).toBe(0x0a);
  return Buffer.concat(bodies);
}
