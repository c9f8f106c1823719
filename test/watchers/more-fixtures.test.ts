import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultFlushTiming } from '../../src/mirror/watch/flush-schedule.js';
import { sharedFolder } from '../support/fixture-streams.js';
import { MirrorRig } from '../support/mirror-rig.js';

const trees = join(sharedFolder, 'fixtures', 'harness-more');

/** Where each tree belongs below the user's home, and how many sessions it holds. */
const homes: readonly [tree: string, at: string, sessions: number][] = [
  ['pi/home', '.', 15],
  ['qwen-code', '.', 4],
  ['copilot/home', '.', 11],
  ['copilot-1.0.30', '.copilot', 1],
  ['kimi-code', '.', 3],
  ['gemini-cli', '.', 5],
  ['opencode/home', '.', 17],
  ['opencode-0.5.29', '.local/share/opencode', 2],
  ['opencode-1.1.65', '.local/share/opencode', 2],
  ['opencode-migrated-1.1.65-to-1.2.1-to-1.18.33', '.local/share/opencode', 4],
];

/**
 * What each step leaves at a place below the home, and the generations that it opens. A torn line, its repair and a
 * deleted row open none.
 */
const steps: readonly [steps: string, at: string, opened: Readonly<Record<string, number>>][] = [
  ['pi/steps', '.pi/agent', { '02-migrated-in-place': 2 }],
  ['copilot/steps', '.copilot/session-state', { '02-after-rewind': 1 }],
  ['opencode/steps', '.local/share/opencode', {}],
];

const atOnce = {
  ...defaultFlushTiming,
  firstDelayMs: 10,
  firstIntervalMs: 20,
  longestIntervalMs: 20,
};

/** Trees that the harnesses wrote; a run without them says so by skipping. */
describe.skipIf(!existsSync(trees))('real trees of more harnesses', () => {
  let rig: MirrorRig;

  beforeEach(async () => {
    rig = await MirrorRig.create();
  });

  afterEach(() => rig.remove());

  async function lay(from: string, at: string): Promise<void> {
    const to = join(rig.tree.home, at);
    await cp(from, to, { recursive: true, preserveTimestamps: true });
    for (const entry of await readdir(to, { recursive: true, withFileTypes: true })) {
      await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o700 : 0o600);
    }
  }

  async function mirrored(): Promise<ReadonlySet<string>> {
    const run = rig.once();
    expect((await run.ended).behind).toEqual([]);
    expect(run.troubles).toEqual([]);
    const verdicts = await rig.verdicts();
    for (const [name, verdict] of verdicts) {
      expect(verdict, name).toMatchObject({ state: 'ok', problem: null });
    }
    return new Set(run.parts);
  }

  async function expectNoDecoy(): Promise<void> {
    let looked = 0;
    const folder = join(rig.stateFolder, '..', 'bucket');
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      expect(await readFile(path, 'latin1'), path).not.toMatch(/DECOY-|dummy-not-a-key/);
      looked += 1;
    }
    expect(looked).toBeGreaterThan(1);
  }

  it.each(homes)('%s is mirrored whole, and no key beside it', async (tree, at, sessions) => {
    await lay(join(trees, tree), at);
    await mirrored();
    const verdicts = [...(await rig.verdicts()).keys()];
    expect(new Set(verdicts.map((name) => name.split(/[ /]/)[0])).size).toBe(sessions);
    await expectNoDecoy();
  });

  /** Each file at once, as a harness that renames or appends: none is seen half copied. Those that are as before stay. */
  async function step(from: string, at: string): Promise<void> {
    const entries = await readdir(from, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((one) => one.isFile())) {
      const source = join(entry.parentPath, entry.name);
      const target = join(rig.tree.home, at, relative(from, source));
      const bytes = await readFile(source);
      if (existsSync(target) && bytes.equals(await readFile(target))) continue;
      await mkdir(dirname(target), { recursive: true });
      await writeFile(`${target}.new`, bytes);
      await rename(`${target}.new`, target);
    }
  }

  it.each(steps)(
    'the steps of %s, one after another, while it is watched',
    async (folder, at, opened) => {
      const names = (await readdir(join(trees, folder))).sort();
      expect(names.length).toBeGreaterThan(4);
      await mkdir(join(rig.tree.home, at), { recursive: true });
      const run = rig.watch({ sweepMs: 50, timing: atOnce });
      const generations: Record<string, number> = {};
      try {
        for (const name of names) {
          const before = run.generations.length;
          await step(join(trees, folder, name), at);
          await rig.untilLevel(30_000);
          const count = run.generations.length - before;
          if (count > 0) generations[name] = count;
        }
      } finally {
        await run.end();
      }
      expect([generations, run.troubles]).toEqual([opened, []]);
      await expectNoDecoy();
    },
    60_000,
  );
});
