import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { partName } from '../../src/protocol/parts.js';
import { nodeRestoreDisk, type RestoreDisk } from '../../src/restore/disk.js';
import type { RestoreOptions } from '../../src/restore/restore.js';
import {
  assistantRow,
  lineOf,
  type RowContext,
  sessionUuid,
  type Transcript,
  userRow,
} from '../support/claude-tree.js';
import { CodexTree, metaRow, threadUuid, userItem } from '../support/codex-tree.js';
import { withCounts } from '../support/counting-bucket.js';
import { MirrorRig } from '../support/mirror-rig.js';
import { restoreTo } from './restoring.js';

const cwd = '/work/app';
const secret = 'sk-ant-api03-'.concat('Zq7'.repeat(31), 'AA');

let a: MirrorRig;
let b: MirrorRig;
let session: string;
let transcript: Transcript;

beforeEach(async () => {
  a = await MirrorRig.create();
  b = await MirrorRig.create(a.bucket);
  session = sessionUuid();
  transcript = a.tree.session(cwd, session);
});

afterEach(async () => {
  await b.remove();
  await a.remove();
});

const ref = () => ({ harness: 'claude-code', id: session });
const context = (): RowContext => ({ sessionId: session, cwd });
const prompt = (text: string) => userRow(text, context(), { uuid: `u-${text.slice(0, 3)}` });

async function mirrored(...rows: readonly string[]): Promise<void> {
  for (const text of rows) await transcript.append(prompt(text));
  await a.once().ended;
}

const verbatim: Partial<RestoreOptions> = { mode: 'verbatim', isForced: true };
const project = () => join(b.tree.root, '-work-here');
const restoredPath = () => join(project(), `${session}.jsonl`);

/** Everything below a home folder that is not a folder. */
async function filesIn(home: string): Promise<readonly string[]> {
  const entries = await readdir(home, { recursive: true, withFileTypes: true });
  return entries.filter((one) => !one.isDirectory()).map((one) => join(one.parentPath, one.name));
}

async function stateOf(rig: MirrorRig, name = ''): Promise<string | undefined> {
  return (await rig.verdicts()).get(`${session}/${name}`)?.state;
}

describe('without being told how, a session comes back', () => {
  it('as it was, if this machine sent all of it: also what was redacted', async () => {
    await mirrored('one', `the key is ${secret}`);
    await transcript.append(prompt('two'));
    await a.once().ended;
    const before = await readFile(transcript.path, 'utf8');
    await rm(transcript.path);
    const { mode, redactions, files } = await restoreTo(a, ref());
    expect(mode).toBe('verbatim');
    expect([...redactions.values()]).toEqual([1]);
    const after = await readFile(files.at(-1)?.path ?? '', 'utf8');
    expect(after.replace(/\[REDACTED:[a-z-]+\]/, secret)).toBe(before);
    expect(await stateOf(a)).toBe('ok');
  });

  it('as a copy on any other machine', async () => {
    await mirrored('one');
    const { mode, id } = await restoreTo(b, ref());
    expect(mode).toBe('as-new');
    expect(id).not.toBe(session);
  });

  it('as a copy if somebody put other bytes into a part of the same size', async () => {
    await mirrored('one', 'two');
    const key = `${a.layout.session('claude-code', session)}${partName(0, 0, 0)}`;
    const stored = await a.bucket.get(key);
    const other = stored?.body.toString().replace('"one"', '"0ne"') ?? '';
    await a.bucket.put(key, Buffer.from(other));
    await rm(transcript.path);
    expect((await restoreTo(a, ref())).mode).toBe('as-new');
    expect(await filesIn(project().replace(b.tree.home, a.tree.home))).toHaveLength(1);
  });
});

describe('a copy', () => {
  it('is found again instead of being made twice, also once it was resumed', async () => {
    await mirrored('one');
    const first = await restoreTo(b, ref());
    const again = await restoreTo(b, ref());
    expect([first.state, again.state]).toEqual(['restored', 'already-here']);
    expect(again.id).toBe(first.id);
    await writeFile(first.files[0]?.path ?? '', lineOf(prompt('more')), { flag: 'a' });
    expect((await restoreTo(b, ref())).state).toBe('already-here');
    expect(await filesIn(b.tree.root)).toHaveLength(1);
  });

  it('of many small parts is read ahead, not part by part', async () => {
    await mirrored('one');
    const prefix = a.layout.session('claude-code', session);
    for (const n of [1, 2, 3]) {
      const line = lineOf(prompt(`${n} more`));
      await a.bucket.put(prefix + partName(n, 0, n), Buffer.from(line));
    }
    const reads: string[] = [];
    const get: Bucket['get'] = async (key, options) => {
      const isWhole = options?.range === undefined && key.includes('part-');
      if (isWhole) reads.push('begun');
      const stored = await a.bucket.get(key, options);
      if (isWhole) reads.push('done');
      return stored;
    };
    const bucket = { ...withCounts(a.bucket), get };
    const source = { bucket, layout: a.layout, harness: 'claude-code' };
    expect((await restoreTo(b, ref(), { source })).lines).toBe(4);
    expect(reads.slice(0, 5)).toEqual(['begun', 'begun', 'begun', 'begun', 'done']);
  });

  it('is a session of its own for the mirror', async () => {
    await mirrored('one');
    const { id } = await restoreTo(b, ref());
    const run = b.once();
    await run.ended;
    expect(run.parts).toEqual([`${id}/`]);
    expect(run.generations).toEqual([]);
  });
});

describe('a session that went on elsewhere', () => {
  it('is brought up to date where it is shorter, even after an attempt that was cut off', async () => {
    await mirrored('one');
    await restoreTo(b, ref(), verbatim);
    await writeFile(restoredPath(), lineOf(prompt('two')) + lineOf(prompt('three')), { flag: 'a' });
    await b.once().ended;
    await transcript.append(lineOf(prompt('two')).slice(0, 25));
    const { state, lines } = await restoreTo(a, ref(), verbatim);
    expect([state, lines]).toEqual(['caught-up', 3]);
    expect(await readFile(transcript.path, 'utf8')).toBe(
      ['one', 'two', 'three'].map((text) => lineOf(prompt(text))).join(''),
    );
    await transcript.append(prompt('four'));
    const run = a.once();
    await run.ended;
    expect(run.generations).toEqual([]);
    expect(await stateOf(a)).toBe('ok');
  });

  it('is left alone where its unfinished line is another one', async () => {
    await mirrored('one');
    await restoreTo(b, ref(), verbatim);
    await writeFile(restoredPath(), lineOf(prompt('two')), { flag: 'a' });
    await b.once().ended;
    await transcript.append('{"half": ');
    const before = await readFile(transcript.path);
    await expect(restoreTo(a, ref(), verbatim)).rejects.toMatchObject({ exitCode: 4 });
    expect(await readFile(transcript.path)).toEqual(before);
  });

  it('is left alone where it went another way, and then one of its heads is to be chosen', async () => {
    await mirrored('one');
    await restoreTo(b, ref(), verbatim);
    await writeFile(restoredPath(), lineOf(prompt('on b')), { flag: 'a' });
    await b.once().ended;
    await transcript.append(prompt('on a'));
    await a.once().ended;
    await expect(restoreTo(b, ref(), verbatim)).rejects.toMatchObject({ exitCode: 4 });
    // A watch that runs on keeps to the chain that it began with.
    const key = a.layout.session('claude-code', session) + partName(2, 0, 2);
    await a.bucket.put(key, Buffer.from(lineOf(prompt('more on b'))));
    const split = restoreTo(b, ref(), { mode: 'as-new' });
    await expect(split).rejects.toMatchObject({
      exitCode: 4,
      details: {
        heads: [
          { generation: 1, lines: 2 },
          { generation: 0, lines: 3 },
        ],
      },
    });
    const { lines } = await restoreTo(b, ref(), { mode: 'as-new', generation: 0 });
    expect(lines).toBe(3);
    const unknown = restoreTo(b, ref(), { mode: 'as-new', generation: 7 });
    await expect(unknown).rejects.toMatchObject({ exitCode: 3 });
  });
});

describe('refused by name, with nothing written', () => {
  async function refusal(options: Partial<RestoreOptions> = verbatim): Promise<number> {
    const before = await filesIn(b.tree.home);
    const error = await restoreTo(b, ref(), options).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(await filesIn(b.tree.home)).toEqual(before);
    expect(String(error)).toMatch(/\w{5}/);
    return Number(Object(error).exitCode);
  }

  it('what may still be running elsewhere, unless forced', async () => {
    await mirrored('one');
    expect(await refusal({ mode: 'verbatim' })).toBe(4);
    expect((await restoreTo(b, ref(), verbatim)).state).toBe('restored');
  });

  it('what is running here', async () => {
    await mirrored('one');
    await restoreTo(b, ref(), verbatim);
    await b.tree.signOfLife(process.pid, { sessionId: session });
    expect(await refusal()).toBe(4);
  });

  it('what is here twice', async () => {
    await mirrored('one');
    for (const folder of ['/x', '/y']) await b.tree.session(folder, session).append(prompt('one'));
    expect(await refusal()).toBe(4);
  });

  it('what would be written through a link', async () => {
    await mirrored('one');
    const outside = join(a.tree.home, 'outside');
    await mkdir(outside);
    await mkdir(b.tree.root, { recursive: true });
    await symlink(outside, project());
    expect(await refusal()).toBe(7);
    expect(await refusal({ mode: 'as-new' })).toBe(7);
    expect(await readdir(outside)).toEqual([]);
  });

  it('what would replace a file that is something else', async () => {
    await mirrored('one');
    await mkdir(project(), { recursive: true });
    await mkdir(restoredPath());
    expect(await refusal()).toBe(4);
  });

  it('what has no rows, and a copy of what nobody said anything in', async () => {
    const prefix = a.layout.session('claude-code', session);
    await a.bucket.put(prefix + partName(0, 0, 0), Buffer.alloc(0));
    expect(await refusal()).toBe(3);
    expect(await refusal({ mode: 'as-new' })).toBe(3);
    const mode = { type: 'permission-mode', sessionId: session };
    await a.bucket.put(prefix + partName(0, 0, 0), Buffer.from(`${JSON.stringify(mode)}\n`));
    expect(await refusal({ mode: 'as-new' })).toBe(3);
    expect((await restoreTo(b, ref(), verbatim)).state).toBe('restored');
  });

  it('a tool result that names another place', async () => {
    await mirrored('one');
    const prefix = a.layout.stream('claude-code', session, 'tool-results');
    const line = { type: 'tool-result', id: '../../../../.profile', text: 'x' };
    await a.bucket.put(prefix + partName(0, 0, 0), Buffer.from(`${JSON.stringify(line)}\n`));
    expect(await refusal()).toBe(7);
  });

  it('what lacks a part in the middle, unless forced', async () => {
    await mirrored('one');
    await mirrored('two');
    await mirrored('three');
    const prefix = a.layout.session('claude-code', session);
    await a.bucket.delete(prefix + partName(1, 0, 1));
    expect(await refusal({ mode: 'as-new' })).toBe(10);
    expect((await restoreTo(b, ref(), { mode: 'as-new', isForced: true })).lines).toBe(1);
  });
});

describe('a fork', () => {
  const parent = threadUuid();
  const fork = threadUuid();
  const base = (thread: string, end: number, offset: number) => ({
    history_base: { thread_id: thread, end_ordinal_exclusive: end, end_byte_offset: offset },
  });
  const ofFork = () => ({ harness: 'codex', id: fork });

  async function forked(thread: string, head?: object): Promise<void> {
    const tree = CodexTree.at(a.tree.home);
    const rows = [metaRow(parent, {}, 0), userItem(`use ${secret}`, 1), userItem('more', 2)];
    await tree.rollout(parent).append(...rows);
    const offset = Buffer.byteLength(rows.slice(0, 2).map(lineOf).join(''));
    const from = { ...base(thread, 2, offset), ...head };
    await tree.rollout(fork).append(metaRow(fork, from, 2), userItem('instead', 3));
    await a.once().ended;
  }

  it('comes with its parent, whose offsets fit although secrets in it were replaced', async () => {
    await forked(parent);
    const { continued, files } = await restoreTo(b, ofFork(), verbatim);
    expect(continued).toEqual([parent]);
    const path = files.find((one) => one.path.includes(parent))?.path ?? '';
    const [first = '', second = ''] = (await readFile(path, 'utf8')).split('\n');
    expect(second).not.toContain(secret);
    const before = lineOf(metaRow(parent, {}, 0)) + lineOf(userItem(`use ${secret}`, 1));
    expect(`${first}\n${second}\n`).toHaveLength(before.length);
    const run = b.once();
    await run.ended;
    expect([run.parts, run.generations, run.troubles]).toEqual([[], [], []]);
    const states = [...(await b.verdicts()).values()].map(({ state }) => state);
    expect(states).toEqual(['ok', 'ok']);
  });

  it.each([
    ['its parent is missing', 5, threadUuid(), {}],
    ['it continues itself', 7, fork, {}],
    ['it continues a path', 7, '../../x', {}],
  ])('is refused if %s', async (_, exitCode, thread, head) => {
    await forked(thread, head);
    await expect(restoreTo(b, ofFork(), verbatim)).rejects.toMatchObject({ exitCode });
    expect(await filesIn(b.tree.home)).toEqual([]);
  });
});

describe('interrupted at any step', () => {
  class Stopped extends Error {}

  /** Stops everything from the given step on, as a kill does. */
  function mortalDisk(lastStep: number): { disk: RestoreDisk; steps: () => number } {
    let steps = 0;
    const step = <Arguments extends readonly unknown[], T>(
      act: (...given: Arguments) => Promise<T>,
    ) => {
      return async (...given: Arguments): Promise<T> => {
        steps += 1;
        if (steps > lastStep) throw new Stopped();
        return act(...given);
      };
    };
    const opened = (open: RestoreDisk['create']) =>
      step(async (path: string) => {
        const file = await open(path);
        const close = async (): Promise<void> => {
          await file.close();
          await step(async () => undefined)();
        };
        return { write: step(file.write), close };
      });
    const { root, makeFolder, create, openEnd, link, remove } = nodeRestoreDisk;
    const disk = {
      ...nodeRestoreDisk,
      root: step(root),
      makeFolder: step(makeFolder),
      create: opened(create),
      openEnd: opened(openEnd),
      link: step(link),
      remove: step(remove),
    };
    return { disk, steps: () => steps };
  }

  /** Every file below the projects, by path. */
  async function contents(): Promise<ReadonlyMap<string, string>> {
    const paths = await filesIn(b.tree.root).catch(() => []);
    const read = paths.map(async (path) => [path, await readFile(path, 'utf8')] as const);
    return new Map(await Promise.all(read));
  }

  it('it is finished by running it again, and the transcript came last', async () => {
    await a.tree.subagent(cwd, session, 'a1').append(assistantRow('hi', 'm', context()));
    await a.tree.subagent(cwd, session, 'a2').append(assistantRow('ho', 'm', context()));
    await mirrored('one', 'two');
    const whole = mortalDisk(Number.POSITIVE_INFINITY);
    await restoreTo(b, ref(), { ...verbatim, disk: whole.disk });
    const expected = await contents();
    expect(expected.size).toBe(3);
    expect(await stateOf(b)).toBe('ok');
    for (let last = 0; last < whole.steps() - 1; last += 1) {
      await rm(b.tree.config, { recursive: true, force: true });
      const { disk } = mortalDisk(last);
      await restoreTo(b, ref(), { ...verbatim, disk }).catch((error: unknown) => {
        if (!(error instanceof Stopped)) throw error;
      });
      const left = await contents();
      if (left.has(restoredPath())) expect(left).toEqual(expected);
      await restoreTo(b, ref(), verbatim);
      expect(await contents()).toEqual(expected);
      expect(await filesIn(b.tree.home)).toHaveLength(expected.size);
    }
  });
});
