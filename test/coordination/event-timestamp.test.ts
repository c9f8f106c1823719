import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openLastTimestamp } from '../../src/coordination/last-timestamp.js';
import { nodeIo } from '../../src/io.js';
import { MemoryStore } from '../support/memory-bucket.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

const start = Date.parse('2026-01-02T03:04:05.500Z');
let folder = '';
let remove = async (): Promise<void> => undefined;

beforeEach(async () => {
  ({ path: folder, remove } = await createTemporaryFolder());
});
afterEach(() => remove());

/** The stamps of a new process on this machine, which takes the store's time to be `nowMs`. */
async function process(nowMs: number, count = 1): Promise<bigint[]> {
  vi.resetModules();
  const { newStamp } = await import('../../src/coordination/event-timestamp.js');
  const bucket = { ...new MemoryStore(true).client(), now: async () => new Date(nowMs) };
  const context = { bucket, agent: 'designer', stamps: openLastTimestamp(nodeIo, folder) };
  const stamps: bigint[] = [];
  for (let n = 0; n < count; n += 1) stamps.push((await newStamp(context)).stamp.timeNs);
  return stamps;
}

describe('stamps of one machine', () => {
  it('increase from process to process, though each knows the time only to half a second', async () => {
    const stamps = [
      ...(await process(start + 400, 2)),
      ...(await process(start)),
      ...(await process(start - 300, 2)),
      ...(await process(start + 401)),
    ];
    expect(stamps).toEqual([...new Set(stamps)].sort((a, b) => (a < b ? -1 : 1)));
    expect(stamps.at(-1)).toBe(BigInt(start + 401) * 1_000_000n);
  });

  it('increase when many are made at once', async () => {
    vi.resetModules();
    const { newStamp } = await import('../../src/coordination/event-timestamp.js');
    const bucket = { ...new MemoryStore(true).client(), now: async () => new Date(start) };
    const context = { bucket, agent: 'designer', stamps: openLastTimestamp(nodeIo, folder) };
    const made = await Promise.all(Array.from({ length: 100 }, () => newStamp(context)));
    const times = made.map(({ stamp }) => stamp.timeNs);
    expect(new Set(times).size).toBe(100);
    const [next = 0n] = await process(start);
    expect(times.every((time) => time < next)).toBe(true);
  });

  it('go back with the store when its clock is set back', async () => {
    await process(start + 3_600_000);
    expect(await process(start)).toEqual([BigInt(start) * 1_000_000n]);
  });

  it('are made even without a usable record', async () => {
    await writeFile(join(folder, 'last-stamp'), 'nonsense');
    expect(await process(start)).toEqual([BigInt(start) * 1_000_000n]);
    expect(await readFile(join(folder, 'last-stamp'), 'utf8')).toBe(`${start}000000`);
    await remove();
    await writeFile(folder, 'a file where the folder belongs');
    expect(await process(start)).toEqual([BigInt(start) * 1_000_000n]);
  });
});
