import { cp, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultFlushTiming } from '../../src/mirror/watch/flush-schedule.js';
import { systemEvents } from '../../src/mirror/watch/system-events.js';
import { lineOf, sessionUuid, type Transcript, userRow } from '../support/claude-tree.js';
import { MirrorRig, type Run } from '../support/mirror-rig.js';

const timing = { ...defaultFlushTiming, settleMs: 20, firstIntervalMs: 50, longestIntervalMs: 100 };
const cwd = '/home/alex/work';
const elsewhere = '/home/alex/elsewhere';

let rig: MirrorRig;

beforeEach(async () => {
  rig = await MirrorRig.create();
});

afterEach(() => rig.remove());

function rows(id: string, count: number, text: string): string[] {
  const context = { sessionId: id, cwd };
  return Array.from({ length: count }, (_, n) => lineOf(userRow(`${text} ${n}`, context)));
}

/** Three sessions and a sub-agent in one project. */
async function project(): Promise<readonly [string, string, string]> {
  const ids = [sessionUuid(), sessionUuid(), sessionUuid()] as const;
  for (const id of ids) await rig.tree.session(cwd, id).append(...rows(id, 4, 'before'));
  await rig.tree.subagent(cwd, ids[0], 'a1').append(...rows(ids[0], 2, 'agent'));
  return ids;
}

function watching(): Run {
  return rig.watch({ events: systemEvents(), sweepMs: 300, timing });
}

/** How many lines the bucket holds of one session's main stream, and the bytes themselves. */
async function joined(id: string): Promise<string> {
  const keys = await rig.keys(rig.layout.session('claude-code', id));
  const parts = keys.filter((key) => key.endsWith('.jsonl')).sort();
  const bodies = await Promise.all(parts.map(async (key) => (await rig.bucket.get(key))?.body));
  return Buffer.concat(bodies.map((body) => body ?? Buffer.alloc(0))).toString();
}

async function expectOneGeneration(runs: readonly Run[], streams: number): Promise<void> {
  for (const run of runs) expect([run.generations, run.troubles]).toEqual([[], []]);
  const verdicts = [...(await rig.verdicts())];
  expect(verdicts.filter(([, { state }]) => state !== 'ok')).toEqual([]);
  expect(verdicts).toHaveLength(streams);
  expect((await rig.keys()).filter((key) => key.includes('/gen-'))).toEqual([]);
}

type Move = readonly [string, () => Promise<unknown>, (id: string) => Transcript];

const moves: readonly Move[] = [
  [
    'a project folder is renamed',
    () => rename(rig.tree.path(cwd), rig.tree.path(elsewhere)),
    (id) => rig.tree.session(elsewhere, id),
  ],
  [
    'the folder of all projects is moved and replaced by a link',
    async () => {
      const target = join(rig.tree.home, 'dotfiles');
      await rename(rig.tree.root, target);
      await symlink(target, rig.tree.root);
    },
    (id) => rig.tree.session(cwd, id),
  ],
  [
    'the whole config folder is moved away and comes back',
    async () => {
      await rename(rig.tree.config, `${rig.tree.config}.away`);
      await mkdir(rig.tree.config);
      await rm(rig.tree.config, { recursive: true });
      await rename(`${rig.tree.config}.away`, rig.tree.config);
    },
    (id) => rig.tree.session(cwd, id),
  ],
  [
    'a project folder is replaced by a copy of it',
    async () => {
      const copy = `${rig.tree.home}/copy`;
      await cp(rig.tree.path(cwd), copy, { recursive: true });
      await rm(rig.tree.path(cwd), { recursive: true });
      await rename(copy, rig.tree.path(cwd));
    },
    (id) => rig.tree.session(cwd, id),
  ],
];

describe.each(moves)('%s', (_, move, where) => {
  it.each(['while it is watched', 'between two runs'])('%s: the same sessions', async (when) => {
    const ids = await project();
    const runs = [when === 'between two runs' ? rig.once() : watching()];
    if (when === 'between two runs') await runs[0]?.ended;
    else await rig.untilLevel(8_000);
    await move();
    for (const id of ids) await where(id).append(...rows(id, 3, 'after'));
    if (when === 'between two runs') {
      const second = rig.once();
      await second.ended;
      runs.push(second);
    } else {
      const shipped = async (id: string) => (await joined(id)).split('\n').length - 1;
      for (const id of ids) await expect.poll(() => shipped(id), { timeout: 15_000 }).toBe(7);
      expect((await runs[0]?.end())?.behind).toEqual([]);
    }
    await expectOneGeneration(runs, 4);
    for (const id of ids) {
      expect(await joined(id)).toBe(await readFile(where(id).path, 'utf8'));
    }
  });
});

it('one of two identical copies of a session in two projects grows', async () => {
  const id = sessionUuid();
  const original = await rig.tree.session(cwd, id).append(...rows(id, 6, 'both'));
  const copy = rig.tree.session(elsewhere, id);
  await mkdir(dirname(copy.path), { recursive: true });
  await cp(original.path, copy.path);
  const first = rig.once();
  expect((await first.ended).behind).toEqual([]);
  await copy.append(...rows(id, 5, 'the copy'));
  const second = rig.once();
  expect((await second.ended).behind).toEqual([]);
  await original.append(...rows(id, 2, 'the original'));
  const third = rig.once();
  expect((await third.ended).behind).toEqual([]);
  await expectOneGeneration([first, second, third], 2);
});

it('a transcript that is a link into another folder is not mirrored', async () => {
  const [id, foreign] = [sessionUuid(), sessionUuid()];
  await rig.tree.session(cwd, id).append(...rows(id, 2, 'own'));
  const secret = await rig.tree.file(join(rig.tree.home, 'notes.txt'), 'private\n');
  await symlink(secret, rig.tree.path(cwd, `${foreign}.jsonl`));
  const run = watching();
  await rig.untilLevel(8_000);
  await rm(rig.tree.path(cwd, `${foreign}.jsonl`));
  await symlink(secret, rig.tree.path(cwd, `${foreign}.jsonl`));
  await rig.tree.session(cwd, id).append(...rows(id, 1, 'more'));
  await rig.untilShipped(run, 3);
  expect((await run.end()).behind).toEqual([]);
  for (const key of await rig.keys()) {
    expect((await rig.bucket.get(key))?.body.toString(), key).not.toContain('private');
  }
  expect(await readdir(rig.tree.path(cwd))).toHaveLength(2);
});
