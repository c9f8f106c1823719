import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openScratch } from '../src/compact/scratch.js';
import { takeWatchLock } from '../src/mirror/watch/lock.js';
import { encodeProcess, isRunningHere, thisProcess } from '../src/process-identity.js';
import { createTemporaryFolder } from './support/temporary-folder.js';

const nonce = '0123456789abcdef';
let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let parent: ChildProcess | undefined;

beforeEach(async () => {
  folder = await createTemporaryFolder();
});

afterEach(async () => {
  parent?.kill('SIGKILL');
  parent = undefined;
  await folder.remove();
});

/** A process that has ended and that its parent never asks about. */
async function zombie(): Promise<number> {
  parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  if (parent.stdout === null) throw new Error('no output');
  const [pid] = await once(parent.stdout, 'data');
  return Number(String(pid));
}

describe.runIf(process.platform === 'linux')('a zombie', () => {
  it('is no running process', async () => {
    const pid = await zombie();
    while (await isRunningHere(pid)) await new Promise((resolve) => setImmediate(resolve));
    expect(() => process.kill(pid, 0)).not.toThrow();
    expect(await isRunningHere(process.pid)).toBe(true);
  });

  it('holds no lock of a watch', async () => {
    const path = join(folder.path, 'watch.lock');
    const pid = await zombie();
    const holder = { ...(await thisProcess()), pid, started: '', since: '2026-01-01T00:00:00Z' };
    await writeFile(path, JSON.stringify(holder));
    while (await isRunningHere(pid)) await new Promise((resolve) => setImmediate(resolve));
    expect(await takeWatchLock(path, new Date())).toMatchObject({ held: true });
  });
});

describe('scratch folders', () => {
  const names = (): Promise<string[]> => readdir(join(folder.path, 'scratch'));

  it('of the dead are swept; of the living, and of other machines and containers, they stay', async () => {
    const me = await thisProcess();
    const others = {
      dead: { ...me, started: 'another start' },
      living: me,
      'on another machine': { ...me, host: 'elsewhere', started: 'another start' },
      'in another container': { ...me, pidNamespace: '1', started: 'another start' },
    };
    for (const other of Object.values(others)) {
      await mkdir(join(folder.path, 'scratch', encodeProcess(other, nonce)), { recursive: true });
    }
    const scratch = await openScratch(join(folder.path, 'scratch'));
    const left = await names();
    expect(left).not.toContain(encodeProcess(others.dead, nonce));
    expect(left).toHaveLength(4);
    await scratch.remove();
    expect(await names()).toHaveLength(3);
  });
});
