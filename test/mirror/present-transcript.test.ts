import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sessionUuid } from '../support/claude-tree.js';
import { readBySorting, readDocumented } from '../support/documented-reader.js';
import { MirrorRig } from '../support/mirror-rig.js';

const here = '/srv/north';
const there = '/srv/south';

function numbered(label: string, count: number): string {
  return Array.from({ length: count }, (_, n) => `{"turn":"${label}${n}"}\n`).join('');
}

describe('the newest generation', () => {
  let rig: MirrorRig;
  let id: string;
  let path: string;
  let prefix: string;

  beforeEach(async () => {
    rig = await MirrorRig.create();
    id = sessionUuid();
    path = await rig.tree.file(rig.tree.path(here, `${id}.jsonl`));
    prefix = rig.layout.session('claude-code', id);
  });

  afterEach(() => rig.remove());

  async function mirrorOnce(): Promise<void> {
    expect((await rig.once().ended).behind).toEqual([]);
  }

  async function expectPresent(): Promise<void> {
    expect((await readDocumented(rig.bucket, prefix)).toString()).toBe(
      await readFile(path, 'utf8'),
    );
    expect((await rig.verdicts()).get(`${id}/`)).toMatchObject({ state: 'ok' });
  }

  it('is the current transcript after it was replaced and restored', async () => {
    await writeFile(path, numbered('a', 7));
    await mirrorOnce();
    await writeFile(path, numbered('other', 2));
    await mirrorOnce();
    await writeFile(path, numbered('a', 7));
    await mirrorOnce();
    await expectPresent();
    await writeFile(path, numbered('a', 11));
    await mirrorOnce();
    await expectPresent();
  });

  it('is the current transcript if it was truncated to the beginning of an older generation', async () => {
    await writeFile(path, numbered('a', 9));
    await mirrorOnce();
    await writeFile(path, numbered('b', 3));
    await mirrorOnce();
    await writeFile(path, numbered('a', 4));
    await mirrorOnce();
    await expectPresent();
  });

  it('is the current transcript if a stub was seen before the moved file', async () => {
    await writeFile(path, numbered('a', 5));
    await mirrorOnce();
    await writeFile(path, '{"moved":true}\n');
    await mirrorOnce();
    const moved = rig.tree.path(there, `${id}.jsonl`);
    await mkdir(dirname(moved));
    await writeFile(moved, numbered('a', 8));
    await mirrorOnce();
    path = moved;
    await expectPresent();
  });

  it('continues in the main stream if a transcript moves away and back during a watch', async () => {
    await writeFile(path, numbered('a', 3));
    const run = rig.watch({ sweepMs: 200 });
    await rig.untilShipped(run, 3);
    const moved = rig.tree.path(there, `${id}.jsonl`);
    await mkdir(dirname(moved));
    await rename(path, moved);
    await writeFile(path, '{"moved":true}\n');
    await writeFile(moved, numbered('a', 6));
    await rig.untilShipped(run, 7);
    await rename(moved, path);
    await writeFile(path, numbered('a', 9));
    await rig.untilLevel(15_000);
    expect(await run.end()).toEqual({ behind: [], rests: [] });
    await expectPresent();
  });

  it('continues in the main stream if only a copy is left and grows', async () => {
    const copy = rig.tree.path(there, `${id}.jsonl`);
    await writeFile(path, numbered('a', 8));
    await mkdir(dirname(copy));
    await writeFile(copy, numbered('a', 4));
    const run = rig.watch({ sweepMs: 200 });
    await rig.untilShipped(run, 12);
    await rm(path);
    path = copy;
    await writeFile(copy, numbered('a', 4) + numbered('c', 3));
    await rig.untilLevel(15_000);
    await run.end();
    await expectPresent();
  });

  it.each([
    ['one part in the middle', [1]],
    ['several in a row', [1, 2]],
    ['the last ones', [3, 4]],
    ['some here and there', [0, 2, 3]],
  ])('is whole again, under the same names, after %s vanished', async (_what, lost) => {
    for (let turn = 1; turn <= 5; turn += 1) {
      await writeFile(path, numbered('a', turn * 2));
      await mirrorOnce();
    }
    const before = await rig.keys(prefix);
    const parts = before.filter((key) => key.includes('/part-'));
    expect(parts).toHaveLength(5);
    for (const index of lost) await rig.bucket.delete(parts[index] ?? '');
    await mirrorOnce();
    await expectPresent();
    expect(await rig.keys(prefix)).toEqual(before);
    expect(await readBySorting(rig.bucket, prefix)).toEqual(await readFile(path));
  });

  it.each([
    ['was cut within a line', (body: Buffer) => body.subarray(0, body.length - 3)],
    ['lost a line', (body: Buffer) => body.subarray(0, body.indexOf(0x0a) + 1)],
    ['was emptied', () => Buffer.alloc(0)],
  ])('leaves no part that readers would join by mistake after one %s', async (_what, damaged) => {
    for (let turn = 1; turn <= 3; turn += 1) {
      await writeFile(path, numbered('a', turn * 2));
      await mirrorOnce();
    }
    const [, middle = ''] = (await rig.keys(prefix)).filter((key) => key.includes('/part-'));
    const body = (await rig.bucket.get(middle))?.body ?? Buffer.alloc(0);
    await rig.bucket.put(middle, damaged(body));
    await mirrorOnce();
    await expectPresent();
    const joined = await readBySorting(rig.bucket, prefix);
    expect(joined ?? (await readFile(path))).toEqual(await readFile(path));
  });

  it.each([
    {
      what: 'its last part was cut within a line',
      damage: 2,
      cutTo: '{"turn":"a4"}\n{"tu',
      left: 5,
    },
    { what: 'a part in the middle was cut within a line', damage: 1, cutTo: '{"tur', left: 2 },
    { what: 'a part in the middle vanished', damage: 1, cutTo: undefined, left: 2 },
  ])(
    'leaves nothing half to readers if the source was truncated and $what',
    async ({ damage, cutTo, left }) => {
      for (let turn = 1; turn <= 3; turn += 1) {
        await writeFile(path, numbered('a', turn * 2));
        await mirrorOnce();
      }
      const damaged =
        (await rig.keys(prefix)).filter((key) => key.includes('/part-'))[damage] ?? '';
      if (cutTo === undefined) await rig.bucket.delete(damaged);
      else await rig.bucket.put(damaged, Buffer.from(cutTo));
      await writeFile(path, numbered('a', 1));
      expect((await rig.verdicts()).get(`${id}/`)).toMatchObject({ state: 'differs' });
      await mirrorOnce();
      expect((await readDocumented(rig.bucket, prefix)).toString()).toBe(numbered('a', left));
      expect(await readBySorting(rig.bucket, prefix)).toBeUndefined();
      expect((await rig.verdicts()).get(`${id}/`)).toMatchObject({ state: 'ahead' });
      const keys = await rig.keys(prefix);
      await mirrorOnce();
      expect(await rig.keys(prefix)).toEqual(keys);
      await writeFile(path, numbered('a', 8));
      await mirrorOnce();
      await expectPresent();
    },
  );
});
