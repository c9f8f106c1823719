import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TracecraftError } from '../../../src/errors.js';
import { type Io, nodeIo } from '../../../src/io.js';
import type { SessionFacts, Stream } from '../../../src/mirror/stream.js';
import { type CodexSettings, CodexWatcher } from '../../../watchers/codex/watcher.js';
import { kernelLocks } from '../../../watchers/codex/writer-locks.js';
import { createWatchers } from '../../../watchers/registry.js';
import { lineOf } from '../../support/claude-tree.js';
import {
  bareMetaRow,
  CodexTree,
  metaRow,
  outputRow,
  threadUuid,
  turnRow,
  userItem,
} from '../../support/codex-tree.js';
import { ManualClock } from '../../support/manual-clock.js';
import { systemError } from '../../support/wrapped-disk.js';
import { packed } from '../../support/zstd-frames.js';
import { allStreams, describeWatcher, type Specimen } from '../contract.js';
import { chunkOf, plainLines } from '../reading.js';

let tree: CodexTree;
let clock: ManualClock;
const told: TracecraftError[] = [];
const thread = threadUuid();
const segment = threadUuid();

beforeEach(async () => {
  tree = await CodexTree.create();
  clock = new ManualClock();
  told.length = 0;
});

/** Where a link may not lead to. */
const outside = (): string => `${tree.home}-outside`;

afterEach(async () => {
  await rm(outside(), { recursive: true, force: true });
  await tree.remove();
});

function watch(settings: Partial<CodexSettings> = {}): CodexWatcher {
  return new CodexWatcher({
    io: nodeIo,
    clock,
    env: {},
    home: tree.home,
    onUnreadable: (error) => told.push(error),
    ...settings,
  });
}

/** What the sweep finds: session, name and path below the home folder, in a fixed order. */
async function found(watcher: CodexWatcher): Promise<readonly string[]> {
  const streams = await allStreams(watcher);
  const described = ({ session, name, source }: Stream): string =>
    `${session.id} ${name === '' ? '-' : name} ${source.slice(tree.path().length + 1)}`;
  return streams.map(described).sort();
}

function below(path: string): string {
  return path.slice(tree.path().length + 1);
}

async function factsOf(stream: Stream): Promise<SessionFacts> {
  const lines = plainLines(await chunkOf(stream));
  return lines.reduce<SessionFacts>((facts, line) => stream.facts(line, facts), {});
}

const rows = [metaRow(thread), turnRow('gpt-5'), userItem('hello'), outputRow('ok'), 'rest'];

/** One of everything. Returns the paths that are nothing of a session. */
async function furnish(): Promise<readonly string[]> {
  const [old, archived, zipped, both] = [threadUuid(), threadUuid(), threadUuid(), threadUuid()];
  await tree.rollout(thread).append(...rows);
  await tree.rollout(thread, segment).append(metaRow(thread), userItem('again'));
  await tree.rollout(old).append(bareMetaRow(old), '{"record_type":"state"}\n');
  await tree.file(tree.archivedPath(archived), lineOf(metaRow(archived)));
  const text = rows.map((row) => (typeof row === 'string' ? row : lineOf(row))).join('');
  await tree.file(`${tree.archivedPath(zipped)}.zst`, packed(text.replaceAll(thread, zipped)));
  await tree.rollout(both).append(metaRow(both));
  await tree.file(tree.rollout(both).packedPath, packed(lineOf(metaRow(both))));
  const linkedFolder = tree.path('sessions', '2025');
  await tree.file(join(outside(), `rollout-x-${thread}.jsonl`), lineOf(metaRow(thread)));
  await symlink(outside(), linkedFolder);
  const linkedFile = tree.rollout(threadUuid()).path;
  await symlink(tree.rollout(thread).path, linkedFile);
  const stray = threadUuid();
  const strangers = [
    `${tree.rollout(stray).packedPath}.tmp`,
    `${tree.rollout(stray).path}.tmp`,
    `${tree.rollout(stray).path}.zst.zst`,
    tree.day(`.rollout-2026-03-04T05-06-07-${stray}.jsonl`),
    tree.day('rollout-2026-03-04T05-06-07.jsonl'),
    tree.day(`notes-${stray}.jsonl`),
    tree.day(`rollout-2025-01-01-${stray}.json`),
    tree.path('sessions', '.trash', `rollout-x-${stray}.jsonl`),
    tree.path('session_index.jsonl'),
    tree.path('history.jsonl'),
    tree.path(`rollout-x-${stray}.jsonl`),
    tree.path('state_5.sqlite'),
  ];
  for (const path of strangers) await tree.file(path, lineOf(metaRow(stray)));
  await mkdir(tree.rollout(threadUuid()).path);
  const folders = [tree.path('sessions'), tree.day(), linkedFolder];
  const links = [linkedFile, join(linkedFolder, `rollout-x-${thread}.jsonl`)];
  return [...strangers, ...folders, ...links, tree.rollout(threadUuid()).path];
}

describeWatcher('Codex', async (): Promise<Specimen> => {
  await tree.remove();
  tree = await CodexTree.create();
  const strangers = await furnish();
  return {
    watcher: watch(),
    another: () => watch(),
    strangers,
    eventPath: ({ source }) => (source.includes('archived') ? `${source}.zst` : source),
    settle: async () => undefined,
  };
});

describe('a stream', () => {
  it('is made for each thread, and for each segment that a revert started', async () => {
    await tree.rollout(thread).append(...rows);
    await tree.rollout(thread, segment).append(metaRow(thread));
    const other = threadUuid();
    await tree.file(tree.archivedPath(other), lineOf(metaRow(other)));
    await tree.file(tree.archivedPath(other, segment), lineOf(metaRow(other)));
    expect(await found(watch())).toEqual(
      [
        `${thread} - ${below(tree.rollout(thread).path)}`,
        `${thread} segments/${segment} ${below(tree.rollout(thread, segment).path)}`,
        `${other} - ${below(tree.archivedPath(other))}`,
        `${other} segments/${segment} ${below(tree.archivedPath(other, segment))}`,
      ].sort(),
    );
  });

  it('may be the conflict copy of a sync tool, as another source of its thread', async () => {
    const { path } = await tree.rollout(thread).append(...rows);
    const suffixes = [
      " (Anna's conflicted copy 2026-03-05)",
      '.sync-conflict-20260305-010203-ABCDEFG',
      ' 2',
      ' (1)',
      '-DESKTOP-7QX',
    ];
    const copies = suffixes.map((suffix) => path.replace(/(?=\.jsonl$)/, suffix));
    const strangers = ['-old', ' notes', '.tmp'].map((one) => path.replace(/(?=\.jsonl$)/, one));
    for (const copy of [...copies, ...strangers]) await tree.file(copy, lineOf(metaRow(thread)));
    const expected = [path, ...copies].map((one) => `${thread} - ${below(one)}`);
    expect(await found(watch())).toEqual(expected.sort());
  });

  it('is the same plain, packed or both, by either path', async () => {
    const rollout = await tree.rollout(thread).append(...rows);
    const watcher = watch();
    const [stream] = await allStreams(watcher);
    expect(stream?.source).toBe(rollout.path);
    await rollout.putPacked(Buffer.from('x'));
    expect(await allStreams(watcher)).toEqual([stream]);
    await rm(rollout.path);
    expect(await allStreams(watcher)).toEqual([stream]);
    expect(await watcher.streamOf(rollout.packedPath)).toBe(stream);
    expect(await watcher.streamOf(rollout.path)).toBe(stream);
    await rm(rollout.packedPath);
    expect(await allStreams(watcher)).toEqual([]);
  });

  it('is a different one of the same session once the thread is archived', async () => {
    const rollout = await tree.rollout(thread).append(...rows);
    const watcher = watch();
    const [before] = await allStreams(watcher);
    await rollout.moveTo(tree.archivedPath(thread));
    const [after, ...none] = await allStreams(watcher);
    expect(none).toEqual([]);
    expect(after).not.toBe(before);
    expect(after?.session).toEqual(before?.session);
    expect(await before?.changed(undefined)).toBeUndefined();
  });

  it('is found if a folder or a file is linked within the home', async () => {
    const [inFolder, asFile] = [threadUuid(), threadUuid()];
    const name = (id: string): string => `rollout-2026-03-04T05-06-07-${id}.jsonl`;
    const store = join(tree.home, 'vault');
    await tree.file(join(store, 'march', name(inFolder)), lineOf(metaRow(inFolder)));
    await tree.file(join(store, name(asFile)), lineOf(metaRow(asFile)));
    await mkdir(tree.path('sessions'), { recursive: true });
    await symlink(join(store, 'march'), tree.path('sessions', 'march'));
    await symlink(join(store, name(asFile)), tree.path('sessions', name(asFile)));
    const streams = await allStreams(watch());
    expect(new Set(streams.map(({ session }) => session.id))).toEqual(new Set([inFolder, asFile]));
    for (const stream of streams) expect((await chunkOf(stream)).lines).toHaveLength(1);
  });

  it('is found at any depth, but not through links out of the home or in hidden folders', async () => {
    await furnish();
    const deep = tree.path('sessions', 'a', 'b', `rollout-x-${thread}.jsonl`);
    await tree.file(deep, lineOf(metaRow(thread)));
    const sources = (await allStreams(watch())).map(({ source }) => source);
    expect(sources).toContain(deep);
    expect(sources.length).toBe(7);
  });
});

describe('the thread of a rollout', () => {
  const idsOf = async (watcher = watch()): Promise<readonly string[]> =>
    (await allStreams(watcher)).map(({ session }) => session.id);

  it('is named by its first session_meta, whatever the file is called', async () => {
    const [copied, inName] = [threadUuid(), threadUuid()];
    await tree.rollout(inName).append(metaRow(thread), metaRow(copied));
    expect(await idsOf()).toEqual([thread]);
  });

  it('is named by the bare first row of the oldest releases', async () => {
    await tree.rollout(threadUuid()).append(bareMetaRow(thread), userItem('x'));
    expect(await idsOf()).toEqual([thread]);
  });

  it('is known from the beginning of a huge first row that is still being written', async () => {
    const row = lineOf(metaRow(thread, { instructions: 'x'.repeat(3 << 20) }));
    await tree.rollout(threadUuid()).append(row.slice(0, -10));
    expect(await idsOf()).toEqual([thread]);
  });

  it('is searched for past damage, then taken from the file name', async () => {
    const [inName, late] = [threadUuid(), threadUuid()];
    const damage = `${'\0'.repeat(9_000)}\n`;
    await tree.rollout(late).append(damage, metaRow(thread));
    await tree.rollout(inName).append(damage, userItem('x'));
    const bareLater = threadUuid();
    await tree.rollout(bareLater).append(userItem('x'), bareMetaRow(threadUuid()));
    const row = metaRow('x'.repeat(201));
    await tree.rollout(segment).append(row, lineOf({ type: 'session_meta', payload: 'x' }));
    expect([...(await idsOf())].sort()).toEqual([thread, inName, segment, bareLater].sort());
  });

  it('is awaited while the file is empty', async () => {
    const rollout = tree.rollout(thread);
    await rollout.append('');
    const watcher = watch();
    expect(await idsOf(watcher)).toEqual([]);
    await rollout.append('{"timestamp":"2026-03-04T05:0');
    expect(await idsOf(watcher)).toEqual([]);
    expect(await watcher.streamOf(rollout.path)).toBeUndefined();
    await rollout.append('6:07.000Z","type":"event_msg","payload":{}}\n');
    expect(await idsOf(watcher)).toEqual([thread]);
  });

  it('is determined once', async () => {
    await tree.rollout(thread).append(...rows);
    await tree.rollout(threadUuid()).append('half a row');
    let opened = 0;
    const counting: Io = {
      ...nodeIo,
      open: (path) => {
        opened += 1;
        return nodeIo.open(path);
      },
    };
    const watcher = watch({ io: counting });
    for (let sweep = 0; sweep < 3; sweep += 1) await allStreams(watcher);
    expect(opened).toBe(2);
  });

  it('of a packed rollout is read from its unpacked content', async () => {
    await tree.file(tree.rollout(threadUuid()).packedPath, packed(lineOf(metaRow(thread))));
    expect(await idsOf()).toEqual([thread]);
  });

  it('is unknown for an unreadable file, which is reported once', async () => {
    const rollout = await tree.rollout(thread).append(...rows);
    await tree.rollout(segment).append(metaRow(segment));
    const failing: Io = {
      ...nodeIo,
      open: async (path) => {
        if (path === rollout.path) throw systemError('EACCES');
        return nodeIo.open(path);
      },
    };
    const watcher = watch({ io: failing });
    for (let sweep = 0; sweep < 2; sweep += 1) expect(await idsOf(watcher)).toEqual([segment]);
    expect(told.map(({ message }) => message)).toEqual([
      `cannot read ${rollout.path}: permission denied (EACCES)`,
    ]);
  });
});

describe('roots', () => {
  it('are the existing folders of rollouts, below CODEX_HOME or ~/.codex', async () => {
    expect(await watch().roots()).toEqual([]);
    await mkdir(tree.path('sessions'), { recursive: true });
    expect(await watch().roots()).toEqual([tree.path('sessions')]);
    await mkdir(tree.path('archived_sessions'));
    const both = [tree.path('sessions'), tree.path('archived_sessions')];
    expect(await watch().roots()).toEqual(both);
    expect(await watch({ env: { CODEX_HOME: ' ' } }).roots()).toEqual(both);
    const elsewhere = join(tree.home, 'else, where');
    expect(await watch({ env: { CODEX_HOME: elsewhere } }).roots()).toEqual([]);
    await mkdir(join(elsewhere, 'sessions'), { recursive: true });
    const roots = await watch({ env: { CODEX_HOME: elsewhere } }).roots();
    expect(roots).toEqual([join(elsewhere, 'sessions')]);
  });
});

describe('names', () => {
  it('are the last ones in the index, even after changes', async () => {
    await tree.rollout(thread).append(...rows);
    const watcher = watch();
    const [stream] = await allStreams(watcher);
    if (stream === undefined) throw new Error('not found');
    expect(await factsOf(stream)).not.toHaveProperty('named');
    await tree.name(thread, 'first name');
    await tree.name(segment, 'of another');
    await tree.name(thread, 'second\u0007name');
    expect(await factsOf(stream)).toMatchObject({
      named: 'second name',
    });
    await tree.name(thread, 'third name');
    expect((await factsOf(stream)).named).toBe('third name');
    await rm(tree.path('session_index.jsonl'));
    expect((await factsOf(stream)).named).toBeUndefined();
  });

  it('that are too long are dropped, not cut', async () => {
    await tree.rollout(thread).append(...rows);
    await tree.name(thread, 'short');
    await tree.name(thread, 'x'.repeat(501));
    const [stream] = await allStreams(watch());
    if (stream === undefined) throw new Error('not found');
    expect((await factsOf(stream)).named).toBeUndefined();
  });

  it('survive an index of any content and size', async () => {
    await tree.rollout(thread).append(...rows);
    const junk = ['null', '[]', '{"id":5}', '{"id":"x","thread_name":[]}', '\0\0', '{"id'];
    await tree.file(tree.path('session_index.jsonl'), `${junk.join('\n')}\n`);
    await writeFile(tree.path('session_index.jsonl'), 'x'.repeat(5 << 20), { flag: 'a' });
    await tree.name(thread, 'glued to the junk');
    await tree.name(thread, 'a name');
    const [stream] = await allStreams(watch());
    expect(stream && (await factsOf(stream)).named).toBe('a name');
    expect(told).toEqual([]);
  });
});

describe('live threads', () => {
  const locksOf = (text: string | undefined): Io => ({
    ...nodeIo,
    readFile: async (path) => {
      if (path !== kernelLocks) return nodeIo.readFile(path);
      return text === undefined ? undefined : Buffer.from(text);
    },
  });

  it('are those whose lock is held, if the system reports that', async () => {
    const held = await tree.lock(`${thread}.lock`);
    await tree.lock(`${segment}.lock`);
    const inode = (await nodeIo.stat(held))?.ino ?? '';
    const table = `1: FLOCK  ADVISORY  WRITE 77 08:01:${inode} 0 EOF\n2: POSIX ADVISORY READ 1 00:1a:1 0 EOF\n`;
    expect([...(await watch({ io: locksOf(table) }).live())]).toEqual([thread]);
    const nobody = '1: POSIX  ADVISORY  WRITE 77 00:19:1 0 EOF\n';
    expect([...(await watch({ io: locksOf(nobody) }).live())]).toEqual([]);
  });

  it('are all lock files otherwise, but no other files', async () => {
    expect((await watch().live()).size).toBe(0);
    await tree.lock(`${thread}.lock`);
    await tree.lock('.coordination.lock');
    await tree.lock('coordination.lock');
    await tree.lock(`${segment}.lock.tmp`);
    await mkdir(tree.path('thread-writer-locks', `${segment}.lock`));
    for (const text of [undefined, '']) {
      expect([...(await watch({ io: locksOf(text) }).live())]).toEqual([thread]);
    }
  });
});

it('is in the registry', async () => {
  const watchers = await createWatchers({ io: nodeIo, clock, env: {}, home: tree.home });
  const codex = watchers.find(({ harness }) => harness === 'codex');
  await mkdir(tree.path('sessions'), { recursive: true });
  expect(await codex?.roots()).toEqual([tree.path('sessions')]);
});
