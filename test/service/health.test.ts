import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { nodeIo } from '../../src/io.js';
import { findTrouble } from '../../src/service/health.js';
import type { ServiceState } from '../../src/service/service.js';
import type { ServiceSpec } from '../../src/service/spec.js';
import { systemdManager } from '../../src/service/systemd.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let root = '';
let spec: ServiceSpec;

beforeEach(async () => {
  folder = await createTemporaryFolder();
  root = folder.path;
  for (const file of ['node', 'bin/run.cjs', 'dist/cli.cjs', 'service.env']) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), '', { mode: file === 'node' ? 0o700 : 0o600 });
  }
  spec = {
    version: '1.2.3',
    node: join(root, 'node'),
    script: join(root, 'bin/run.cjs'),
    args: ['watch'],
    folder: root,
    config: null,
    variables: { HOME: root },
    secrets: join(root, 'service.env'),
    log: null,
    made: [],
  };
});

afterEach(() => folder.remove());

async function troubles(sinceMs: number, isEdited = false): Promise<readonly string[]> {
  const manager = systemdManager({
    env: {},
    home: root,
    user: 'alex',
    run: async () => ({ code: 0, stdout: '', stderr: '', isMissing: false }),
    clock: systemClock,
    monotonicUs: () => 0,
  });
  const { link } = manager;
  if (link === undefined) throw new Error('a unit starts by a link');
  await mkdir(dirname(link.path), { recursive: true });
  await rm(link.path, { force: true });
  await symlink(link.target, link.path);
  const state: ServiceState = {
    isReachable: true,
    definition: null,
    isRunning: true,
    pid: 1,
    sinceMs,
    words: 'active (running)',
  };
  const here = { cwd: '/', env: {}, home: root, io: nodeIo, clock: systemClock };
  const found = await findTrouble(manager, { spec, isEdited }, state, here, null);
  return found.map(({ name }) => name);
}

const tomorrow = (): number => Date.now() + 86_400_000;

it('finds nothing if all is well', async () => {
  expect(await troubles(tomorrow())).toEqual([]);
});

it('notices that the program is newer than the process', async () => {
  expect(await troubles(Date.now() - 86_400_000)).toEqual(['upgraded']);
});

it('notices what an upgrade removed', async () => {
  await rm(join(root, 'node'));
  await rm(join(root, 'bin'), { recursive: true });
  await rm(join(root, 'service.env'));
  expect(await troubles(tomorrow())).toEqual([
    'node-missing',
    'tracecraft-missing',
    'secrets-missing',
  ]);
});

it('notices a config that is gone, broken or different', async () => {
  spec = { ...spec, config: join(root, '.tracecraft/config.json') };
  expect(await troubles(tomorrow())).toEqual(['config-missing']);
  await mkdir(join(root, '.tracecraft'));
  await writeFile(join(root, '.tracecraft/config.json'), '{');
  expect(await troubles(tomorrow())).toEqual(['config-unusable']);
  const config = { backend: 'local', bucket: 'b', project: 'p' };
  await writeFile(join(root, '.tracecraft/config.json'), JSON.stringify(config));
  spec = { ...spec, config: '/elsewhere/config.json' };
  expect(await troubles(tomorrow(), true)).toEqual(['config-changed', 'edited']);
});
