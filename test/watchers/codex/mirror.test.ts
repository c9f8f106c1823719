import { readFile, rm, utimes } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultFlushTiming } from '../../../src/mirror/watch/flush-schedule.js';
import { everything } from '../../../src/mirror/watch/selection.js';
import { lineOf } from '../../support/claude-tree.js';
import {
  CodexTree,
  metaRow,
  outputRow,
  type Rollout,
  threadUuid,
  turnRow,
  userItem,
} from '../../support/codex-tree.js';
import { MirrorRig, type Run } from '../../support/mirror-rig.js';

let rig: MirrorRig;
let tree: CodexTree;
let thread: string;
let rollout: Rollout;
/** Of the plain file, when it was last there. */
let content: Buffer;
/** Nothing waits, so that a test need not either. */
const timing = { ...defaultFlushTiming, settleMs: 0, firstIntervalMs: 0, longestIntervalMs: 0 };

beforeEach(async () => {
  rig = await MirrorRig.create();
  tree = CodexTree.at(rig.tree.home);
  thread = threadUuid();
  rollout = tree.rollout(thread);
  await rollout.append(metaRow(thread), turnRow('gpt-5'), userItem('hello'), outputRow('one'));
  content = await readFile(rollout.path);
});

afterEach(() => rig.remove());

/** Everything as it should be: every line once, nothing begun anew, and no copies of anything. */
async function expectLevel(lines: number, ...runs: readonly Run[]): Promise<void> {
  const verdicts = [...(await rig.verdicts()).values()];
  expect(verdicts.map(({ state, problem }) => problem ?? state)).toEqual(verdicts.map(() => 'ok'));
  expect(verdicts.reduce((sum, { shippedLines }) => sum + shippedLines, 0)).toBe(lines);
  expect((await rig.keys()).filter((key) => /copies|gen-/.test(key))).toEqual([]);
  expect(runs.flatMap(({ generations }) => generations)).toEqual([]);
  expect(runs.flatMap(({ troubles }) => troubles)).toEqual([]);
  expect(runs.reduce((sum, { shipped }) => sum + shipped.lines, 0)).toBe(lines);
}

async function once(options = {}): Promise<Run> {
  const run = rig.once(options);
  const { behind } = await run.ended;
  expect(behind).toEqual([]);
  return run;
}

/** What Codex does to a rollout between two lines, in an order that it may happen in. */
const journey: readonly ((content: Buffer) => Promise<void>)[] = [
  async () => undefined,
  () => rollout.moveTo(tree.archivedPath(thread)),
  (content) => rollout.pack(content),
  (content) => rollout.unpack(content),
  (content) => rollout.putPacked(content),
  () => rm(rollout.packedPath),
  () => rollout.moveTo(tree.rollout(thread).path),
];

/** Takes the next step, and writes a line where there is a plain file to write to; whether it did. */
async function goOn(step: (content: Buffer) => Promise<void>): Promise<boolean> {
  await step(content);
  const plain = await readFile(rollout.path).catch(() => undefined);
  if (plain === undefined) return false;
  await rollout.append(userItem(`line after ${plain.length} bytes`));
  content = await readFile(rollout.path);
  return true;
}

describe('a thread continues', () => {
  it('if it is archived, packed, unpacked and restored while it is watched', async () => {
    const run = rig.watch({ sweepMs: 20, timing });
    let lines = 4;
    await rig.untilShipped(run, lines);
    for (const step of journey) {
      if (await goOn(step)) lines += 1;
      await rig.untilShipped(run, lines);
    }
    await run.end();
    await expectLevel(10, run);
  });

  it.each(['with', 'without'])('if that happens between runs, %s local state', async (state) => {
    const runs = [await once()];
    let lines = 4;
    for (const step of journey) {
      if (await goOn(step)) lines += 1;
      if (state === 'without') await rm(rig.stateFolder, { recursive: true });
      runs.push(await once());
      await expectLevel(lines, ...runs);
    }
    expect(lines).toBe(10);
  });

  it('if it is first seen packed, and unpacked for its next line', async () => {
    await rollout.pack(content);
    const first = await once();
    await rollout.unpack(content);
    await rollout.append(userItem('again'));
    await expectLevel(5, first, await once());
  });

  it('if it was archived and packed at once, with little left to send', async () => {
    await rollout.append('{"a rest');
    const first = await once();
    await rollout.append('":1}\n');
    await rollout.moveTo(tree.archivedPath(thread));
    await rollout.pack(await readFile(rollout.path));
    await expectLevel(5, first, await once());
  });

  it('if it was packed in the middle of a large backlog', async () => {
    const long = 'z'.repeat(60_000);
    for (let at = 0; at < 40; at += 1) await rollout.append(outputRow(`${at} ${long}`, at));
    await rollout.pack(await readFile(rollout.path));
    const run = await once();
    await expectLevel(44, run);
  });
});

describe('a thread that is too old to be mirrored', () => {
  const selection = { ...everything, sinceMs: 7 * 24 * 3_600_000 };

  it('is not mirrored because it is packed or archived, only once it grows', async () => {
    const [packedOne, archivedOne] = [threadUuid(), threadUuid()].map((id) => tree.rollout(id));
    if (packedOne === undefined || archivedOne === undefined) throw new Error('not made');
    const longAgo = new Date(Date.now() - 30 * 24 * 3_600_000);
    for (const old of [packedOne, archivedOne]) {
      await old.append(metaRow(threadUuid()), userItem('long ago'));
      await utimes(old.path, longAgo, longAgo);
    }
    const run = rig.watch({ sweepMs: 20, timing, selection });
    await rig.untilShipped(run, 4);
    await packedOne.pack(await readFile(packedOne.path));
    await archivedOne.moveTo(tree.archivedPath(threadUuid()));
    // The end is one more look at everything.
    await run.end();
    expect(run.taken).toMatchObject([{ sessions: 1, leftSessions: 2 }]);
    expect(new Set(run.parts)).toEqual(new Set([`${thread}/`]));
    const again = rig.watch({ sweepMs: 20, timing, selection });
    await again.started;
    await archivedOne.append(userItem('again'));
    await rig.untilShipped(again, 3);
    await again.end();
    expect(again.shipped.lines).toBe(3);
  });
});

describe('a thread that was migrated', () => {
  it('starts one new generation, although its time was kept', async () => {
    const run = rig.watch({ sweepMs: 20, timing });
    await run.started;
    await rig.untilShipped(run, 4);
    const rows = [metaRow(thread, {}, 0), turnRow('gpt-5', '/work/app', 1), userItem('hello', 2)];
    await rollout.replace(rows.map(lineOf).join(''));
    await rig.untilLevel(5_000);
    await rollout.append(outputRow('after', 3));
    await rig.untilLevel(5_000);
    await run.end();
    expect(run.generations).toEqual(['replaced']);
    expect((await rig.keys()).filter((key) => key.includes('copies'))).toEqual([]);
    expect((await once()).parts).toEqual([]);
  });
});

describe('other files of a thread', () => {
  it('become a stream per revert, and a session per fork that names its parent', async () => {
    const [segment, fork] = [threadUuid(), threadUuid()];
    await tree.rollout(thread, segment).append(metaRow(thread, {}, 2), userItem('instead', 3));
    await tree.rollout(fork).append(metaRow(fork, { forked_from_id: thread }), userItem('fork'));
    await tree.name(thread, 'the name');
    const first = await once();
    expect([...(await rig.verdicts()).keys()].sort()).toEqual(
      [`${thread}/`, `${thread}/segments/${segment}`, `${fork}/`].sort(),
    );
    await tree.rollout(thread, segment).moveTo(tree.archivedPath(thread, segment));
    await rollout.moveTo(tree.archivedPath(thread));
    await expectLevel(8, first, await once());
    const metaOf = async (id: string): Promise<unknown> => {
      const stored = await rig.bucket.get(rig.layout.meta('codex', id));
      return JSON.parse(stored?.body.toString() ?? 'null');
    };
    expect(await metaOf(thread)).toMatchObject({
      harness: 'codex',
      title: 'the name',
      model: 'gpt-5',
      cwd: '/work/app',
      parent_session_id: null,
    });
    expect(await metaOf(fork)).toMatchObject({ parent_session_id: thread, title: 'fork' });
  });
});
