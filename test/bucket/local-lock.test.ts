import { once } from 'node:events';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openLocks } from '../../src/bucket/local/lock.js';
import { type Clock, systemClock } from '../../src/clock.js';
import { UnreachableError } from '../../src/errors.js';
import {
  encodeProcess,
  livenessOf,
  type ProcessIdentity,
  parseProcess,
  thisProcess,
} from '../../src/process-identity.js';
import { EagerClock } from '../support/eager-clock.js';
import { bundleModule } from '../support/run-module.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

let root: Awaited<ReturnType<typeof createTemporaryFolder>>;
let folder: string;
let temporaries: string;

beforeEach(async () => {
  root = await createTemporaryFolder();
  folder = join(root.path, 'locks');
  temporaries = join(root.path, 'tmp');
  await mkdir(temporaries);
});

afterEach(() => root.remove());

const locksWith = (clock: Clock, patienceMs?: number) =>
  openLocks({ folder, temporaries, clock, ...(patienceMs === undefined ? {} : { patienceMs }) });

/** A lock as another holder would have left it. */
async function plant(key: string, holder: ProcessIdentity): Promise<void> {
  let path = '';
  await locksWith(systemClock).hold(key, async () => {
    const [name = ''] = await readdir(folder);
    path = join(folder, name);
  });
  await mkdir(join(temporaries, 'planted', encodeProcess(holder, '0011223344556677')), {
    recursive: true,
  });
  await rename(join(temporaries, 'planted'), path);
}

describe('a lock', () => {
  it('admits one holder at a time, and leaves nothing behind', async () => {
    const locks = locksWith(systemClock);
    let inside = 0;
    let most = 0;
    const visit = () =>
      locks.hold('key', async () => {
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
      });
    await Promise.all(Array.from({ length: 20 }, visit));
    expect(most).toBe(1);
    expect(await readdir(folder)).toEqual([]);
    expect(await readdir(temporaries)).toEqual([]);
  });

  it('is released if the guarded work fails', async () => {
    const locks = locksWith(systemClock);
    const failing = locks.hold('key', () => Promise.reject(new Error('inside')));
    await expect(failing).rejects.toThrow('inside');
    expect(await locks.hold('key', async () => 'next')).toBe('next');
  });

  it('of one key does not block another key', async () => {
    const locks = locksWith(systemClock);
    const nested = locks.hold('a', () => locks.hold('b', async () => 'both'));
    expect(await nested).toBe('both');
  });
});

describe('a lock whose holder', () => {
  let me: ProcessIdentity;

  beforeAll(async () => {
    me = await thisProcess();
  });

  const breaks = async (holder: ProcessIdentity): Promise<boolean> => {
    await plant('key', holder);
    try {
      await locksWith(new EagerClock()).hold('key', async () => undefined);
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(UnreachableError);
      return false;
    }
  };

  it('is gone is broken', async () => {
    expect(await breaks({ ...me, pid: 2 ** 22 + 1, started: '1' })).toBe(true);
  });

  it('had this pid before another process got it is broken', async () => {
    expect(me.started).not.toBe('');
    expect(await breaks({ ...me, started: `${me.started}0` })).toBe(true);
  });

  it.runIf(process.platform === 'linux')('died with an earlier boot is broken', async () => {
    expect(await breaks({ ...me, boot: '00000000-0000-0000-0000-000000000000' })).toBe(true);
  });

  it('is on another machine is never broken', async () => {
    expect(await breaks({ ...me, pid: 1, started: '1', host: 'elsewhere' })).toBe(false);
    await root.remove();
    await mkdir(temporaries, { recursive: true });
    expect(await breaks({ ...me, pid: 1, started: '1', machine: 'cloned' })).toBe(false);
  });

  it('is in another container is not broken while this machine runs', async () => {
    expect(await breaks({ ...me, pidNamespace: '1' })).toBe(false);
  });

  it('is alive is waited for until the timeout, and named in the error', async () => {
    await plant('key', me);
    const clock = new EagerClock();
    const waiting = locksWith(clock, 1_000).hold('key', async () => undefined);
    const error = await waiting.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnreachableError);
    const [name = ''] = await readdir(folder);
    expect(error).toMatchObject({ retryable: true });
    expect(String(error)).toContain(`process ${process.pid} on ${me.host}`);
    expect(String(error)).toContain(join(folder, name));
    expect(clock.monotonic()).toBeGreaterThanOrEqual(1_000);
    expect(clock.monotonic()).toBeLessThan(2_000);
    expect(await readdir(temporaries)).toEqual([]);
  });

  it('is unknown is not broken', async () => {
    await plant('key', me);
    const [lock = ''] = await readdir(folder);
    const [entry = ''] = await readdir(join(folder, lock));
    await rename(join(folder, lock, entry), join(folder, lock, 'something else'));
    const waiting = locksWith(new EagerClock()).hold('key', async () => undefined);
    await expect(waiting).rejects.toThrow(/somebody unknown/);
  });
});

describe('a process that is killed while it holds a lock', () => {
  let program: Awaited<ReturnType<typeof bundleModule>>;

  beforeAll(async () => {
    program = await bundleModule(fileURLToPath(new URL('lock-holder.ts', import.meta.url)));
  });

  afterAll(() => program.remove());

  it('holds it until then, and not after', async () => {
    const child = program.start([folder, temporaries, 'key']);
    if (child.stdout === null) throw new Error('no stdout');
    await once(child.stdout, 'data');
    const impatient = locksWith(new EagerClock(), 500).hold('key', async () => 'mine');
    await expect(impatient).rejects.toThrow(`locked by process ${child.pid}`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    // Any number at once find the same dead holder.
    const all = Array.from({ length: 8 }, (_, index) =>
      locksWith(systemClock).hold('key', async () => index),
    );
    expect(await Promise.all(all)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('a holder', () => {
  it('is encoded as a file name and read back', async () => {
    const me = await thisProcess();
    const name = encodeProcess(me, 'nonce');
    expect(parseProcess(name)).toEqual(me);
    expect(Buffer.byteLength(name)).toBeLessThan(255);
    expect(name).not.toContain('/');
    expect(parseProcess('.DS_Store')).toBeUndefined();
    expect(parseProcess('pid=0&started=1')).toBeUndefined();
  });

  it('that is running is alive, whoever asks', async () => {
    expect(await livenessOf(await thisProcess())).toBe('alive');
  });
});
