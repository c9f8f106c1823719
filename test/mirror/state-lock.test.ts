import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LockHolder, readHolder, takeWatchLock } from '../../src/mirror/watch/lock.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

const now = new Date('2026-11-23T12:00:00Z');
let folder = '';
let path = '';
let remove: () => Promise<void>;

beforeEach(async () => {
  const temporary = await createTemporaryFolder();
  folder = join(temporary.path, 'state');
  path = join(folder, 'watch.lock');
  remove = temporary.remove;
});

afterEach(() => remove());

/** What this process writes as a holder. */
async function own(): Promise<LockHolder> {
  const taken = await takeWatchLock(path, now);
  const holder = await readHolder(path);
  if (!taken.held || holder === undefined) throw new Error('the lock was free');
  return holder;
}

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid ?? 0;
}

describe('the lock of a watch', () => {
  it('has one holder, which the next one is told, and is removed afterwards', async () => {
    const first = await takeWatchLock(path, now);
    expect(first.held).toBe(true);
    const second = await takeWatchLock(path, new Date());
    const holder = { pid: process.pid, since: now.toISOString(), host: hostname() };
    expect(second).toMatchObject({ held: false, holder });
    if (first.held) await first.release();
    expect(await readdir(folder)).toEqual([]);
  });

  it.each<[string, (mine: LockHolder) => Promise<Partial<LockHolder>>]>([
    ['that died', async () => ({ pid: await deadPid() })],
    ['whose pid somebody else has now', async () => ({ started: 'another-boot:1' })],
    ['on the machine that this folder was copied from', async () => ({ host: 'not-this-one' })],
  ])('is taken from one %s', async (_, other) => {
    const mine = await own();
    const holder = { ...mine, since: '2020-01-01T00:00:00.000Z', ...(await other(mine)) };
    await writeFile(path, JSON.stringify(holder));
    expect(await takeWatchLock(path, now)).toMatchObject({ held: true });
    expect(await readHolder(path)).toEqual(mine);
    expect(await readdir(folder)).toEqual(['watch.lock']);
  });

  it('is taken over if it is truncated or corrupted anywhere', async () => {
    const mine = await own();
    const whole = await readFile(path);
    for (let length = 0; length < whole.length; length += 1) {
      await writeFile(path, whole.subarray(0, length));
      expect(await takeWatchLock(path, now), `${length} bytes`).toMatchObject({ held: true });
      expect(await readHolder(path)).toEqual(mine);
    }
    for (let bit = 0; bit < whole.length * 8; bit += 5) {
      const damaged = Buffer.from(whole);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await writeFile(path, damaged);
      const outcome = await takeWatchLock(path, now);
      // A damaged date is still a holder's: then it stands. It never ends in an error.
      if (outcome.held) expect(outcome.trouble, `bit ${bit}`).toBeUndefined();
      else expect(outcome.holder.pid, `bit ${bit}`).toBeGreaterThan(0);
    }
  }, 120_000);

  it('is taken by exactly one of many if its holder is dead', async () => {
    const dead = { ...(await own()), pid: await deadPid() };
    for (let round = 0; round < 40; round += 1) {
      await writeFile(path, JSON.stringify(dead));
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, n) => takeWatchLock(path, new Date(now.getTime() + n))),
      );
      expect(
        outcomes.filter(({ held }) => held),
        `round ${round}`,
      ).toHaveLength(1);
      expect(await readdir(folder)).toEqual(['watch.lock']);
    }
  });

  it('is taken over even if someone died while taking it over', async () => {
    const dead = { ...(await own()), pid: await deadPid() };
    await writeFile(path, JSON.stringify(dead));
    await writeFile(`${path}.turn`, JSON.stringify(dead));
    expect(await takeWatchLock(path, now)).toMatchObject({ held: true });
    expect(await readdir(folder)).toEqual(['watch.lock']);
  });
});
