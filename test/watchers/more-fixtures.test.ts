import { existsSync } from 'node:fs';
import { chmod, cp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
  ['gemini-cli', '.', 4],
  ['opencode/home', '.', 17],
  ['opencode-migrated-1.1.65-to-1.2.1-to-1.18.33', '.local/share/opencode', 4],
];

/** What each step leaves at a place below the home. */
const steps: readonly [steps: string, at: string][] = [
  ['pi/steps', '.pi/agent'],
  ['copilot/steps', '.copilot/session-state'],
  ['opencode/steps', '.local/share/opencode'],
];

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

  it.each(steps)('the steps of %s, one after another', async (folder, at) => {
    const names = (await readdir(join(trees, folder))).sort();
    for (const name of names) {
      const target = join(rig.tree.home, at);
      if (folder.startsWith('opencode')) await rm(target, { recursive: true, force: true });
      await lay(join(trees, folder, name), at);
      await mirrored();
    }
    expect(names.length).toBeGreaterThan(4);
    await expectNoDecoy();
  });
});
