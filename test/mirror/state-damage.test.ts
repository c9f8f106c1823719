import { appendFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { settle, WriterRig } from '../support/writer-rig.js';

/** `npm run soak` turns every bit of every state file; `npm test` one in so many. */
const isFull = process.env.TRACECRAFT_SOAK === 'full';
const bitStride = isFull ? 1 : 67;
const cutStride = isFull ? 1 : 7;
const patience = isFull ? 1_200_000 : 30_000;
const limits = { partBytes: 300, parts: 100 };

let rig: WriterRig;
let start: readonly string[] = [];

beforeEach(async () => {
  rig = await WriterRig.create();
  const mirror = rig.open();
  await writeFile(rig.path, '');
  for (let round = 0; round < 4; round += 1) {
    await appendFile(rig.path, lines(3, round));
    await mirror.upload(limits);
  }
  start = await rig.names();
  expect(start).toHaveLength(4);
});

afterEach(() => rig.remove());

function lines(count: number, round: number): string {
  const line = (n: number) => `${JSON.stringify({ round, n, pad: 'p'.repeat(60) })}\n`;
  return Array.from({ length: count }, (_, n) => line(n)).join('');
}

const files = ['main.json', 'main.parts'] as const;

/** A writer that starts from whatever the state folder holds: it sends nothing, asks little, and keeps to the chain. */
async function expectHarmless(what: string): Promise<void> {
  rig.requests.length = 0;
  await rig.open().upload(limits);
  const lists = rig.requests.filter((one) => one.startsWith('LIST')).length;
  const puts = rig.requests.filter((one) => one.startsWith('PUT'));
  expect(puts, what).toEqual([]);
  expect(lists, what).toBe(1);
  expect(rig.requests.length, what).toBeLessThanOrEqual(1 + start.length);
}

async function expectWhole(): Promise<void> {
  expect(await rig.names()).toEqual(start);
  expect(await rig.verdict()).toMatchObject({ state: 'ok', generation: 0, shippedLines: 12 });
}

describe.each(files)('a damaged state file: %s', (file) => {
  let path = '';
  let whole = Buffer.alloc(0);

  beforeEach(async () => {
    path = join(rig.folder, 'state', file);
    whole = await readFile(path);
  });

  it(
    'truncated anywhere',
    async () => {
      for (let length = 0; length < whole.length; length += cutStride) {
        await writeFile(path, whole.subarray(0, length));
        await expectHarmless(`${length} bytes`);
      }
      await expectWhole();
    },
    patience,
  );

  it(
    'with any one bit flipped',
    async () => {
      for (let bit = 0; bit < whole.length * 8; bit += bitStride) {
        const damaged = Buffer.from(whole);
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        await writeFile(path, damaged);
        await expectHarmless(`bit ${bit}`);
      }
      await expectWhole();
    },
    patience,
  );

  it.each<[string, () => Buffer]>([
    ['NULs of its length, as after a power cut', () => Buffer.alloc(whole.length)],
    ['random text', () => Buffer.from('not what it was\n'.repeat(50))],
    ['JSON of another shape', () => Buffer.from('{"v":2}\n[]\nnull\n')],
    ['twice itself', () => Buffer.concat([whole, whole])],
  ])('that holds %s', async (_, content) => {
    await writeFile(path, content());
    await expectHarmless('');
    await expectWhole();
  });

  it('that is missing', async () => {
    await rm(path);
    await expectHarmless('');
    await expectWhole();
  });

  it('that is a folder is reported and not used until it is a file again', async () => {
    await rm(path);
    await mkdir(path);
    await expectHarmless('');
    await expectWhole();
    const troubles = rig.troubles.length;
    expect(troubles).toBeGreaterThan(0);
    await rm(path, { recursive: true });
    await rig.open().upload(limits);
    rig.requests.length = 0;
    await appendFile(rig.path, lines(3, 9));
    await settle(rig.open(), limits);
    expect(rig.requests.filter((one) => one.startsWith('GET'))).toEqual([]);
    expect(rig.troubles).toHaveLength(troubles);
    expect(await rig.verdict()).toMatchObject({ state: 'ok', generation: 0, shippedLines: 15 });
  });
});

describe('a state folder', () => {
  async function flushes(state: string, first: number, count: number): Promise<void> {
    const mirror = rig.open({ state });
    for (let round = first; round < first + count; round += 1) {
      await appendFile(rig.path, lines(3, round));
      await mirror.upload(limits);
    }
  }

  async function expectExact(linesInAll: number): Promise<void> {
    expect(await rig.verdict()).toMatchObject({
      state: 'ok',
      generation: 0,
      shippedLines: linesInAll,
    });
    expect((await rig.archived()).equals(await readFile(rig.path))).toBe(true);
    // Each part is of the chain: nothing was sent twice under another name.
    expect(await rig.names()).toHaveLength((await rig.verdict()).parts);
  }

  it('that is deleted while in use', async () => {
    const mirror = rig.open();
    for (let round = 10; round < 16; round += 1) {
      await appendFile(rig.path, lines(3, round));
      await mirror.upload(limits);
      if (round % 2 === 0) await rm(join(rig.folder, 'state'), { recursive: true });
    }
    expect(rig.troubles).toEqual([]);
    await settle(rig.open(), limits);
    await expectExact(12 + 18);
  });

  it('that is restored from ten flushes ago', async () => {
    const [now, backup] = [join(rig.folder, 'state'), join(rig.folder, 'backup')];
    await cp(now, backup, { recursive: true });
    await flushes('state', 10, 10);
    await rm(now, { recursive: true });
    await cp(backup, now, { recursive: true });
    rig.requests.length = 0;
    await settle(rig.open(), limits);
    expect(rig.requests.filter((one) => one.startsWith('PUT'))).toEqual([]);
    await flushes('state', 30, 2);
    await expectExact(12 + 30 + 6);
  });

  it('that is restored from ten flushes ago under a running writer', async () => {
    const [now, backup] = [join(rig.folder, 'state'), join(rig.folder, 'backup')];
    const mirror = rig.open();
    await cp(now, backup, { recursive: true });
    for (let round = 10; round < 22; round += 1) {
      await appendFile(rig.path, lines(3, round));
      await mirror.upload(limits);
      if (round === 20) await cp(backup, now, { recursive: true, force: true });
    }
    await settle(rig.open(), limits);
    await expectExact(12 + 36);
  });

  it('that was copied to a second machine, which mirrors the same files', async () => {
    await cp(join(rig.folder, 'state'), join(rig.folder, 'second'), { recursive: true });
    const machines = [rig.open(), rig.open({ state: 'second' })];
    for (let round = 10; round < 20; round += 1) {
      await appendFile(rig.path, lines(3, round));
      await Promise.all(machines.map((mirror) => mirror.upload(limits)));
    }
    for (const mirror of machines) await settle(mirror, limits);
    await expectExact(12 + 30);
  });

  it('of another session, put in the place of this one', async () => {
    const own = await readFile(rig.path);
    await rm(join(rig.folder, 'state'), { recursive: true });
    const other = await WriterRig.create();
    await writeFile(other.path, lines(30, 77));
    await settle(other.open(), limits);
    await cp(join(other.folder, 'state'), join(rig.folder, 'state'), { recursive: true });
    await other.remove();
    await settle(rig.open(), limits);
    await expectExact(12);
    expect((await rig.archived()).equals(own)).toBe(true);
  });
});
