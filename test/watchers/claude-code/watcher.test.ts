import { appendFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TracecraftError } from '../../../src/errors.js';
import { type Io, nodeIo } from '../../../src/io.js';
import type { Stream } from '../../../src/mirror/stream.js';
import {
  type ClaudeCodeSettings,
  ClaudeCodeWatcher,
} from '../../../watchers/claude-code/watcher.js';
import { createWatchers } from '../../../watchers/registry.js';
import { ClaudeTree, lineOf, sessionUuid, userRow } from '../../support/claude-tree.js';
import { ManualClock } from '../../support/manual-clock.js';
import { allStreams, describeWatcher, type Specimen } from '../contract.js';
import { chunkOf } from '../reading.js';

let tree: ClaudeTree;
let clock: ManualClock;
const told: TracecraftError[] = [];
const cwd = '/work/app';
const uuid = sessionUuid();
const context = { sessionId: uuid, cwd };

beforeEach(async () => {
  tree = await ClaudeTree.create();
  clock = new ManualClock();
  told.length = 0;
});

afterEach(async () => {
  await rm(outside(), { recursive: true, force: true });
  await tree.remove();
});

function watch(settings: Partial<ClaudeCodeSettings> = {}): ClaudeCodeWatcher {
  return new ClaudeCodeWatcher({
    io: nodeIo,
    clock,
    env: {},
    home: tree.home,
    onUnreadable: (error) => told.push(error),
    ...settings,
  });
}

/** What the sweep finds: session, name and path below the root, in a fixed order. */
async function found(watcher: ClaudeCodeWatcher): Promise<readonly string[]> {
  const streams = await allStreams(watcher);
  return streams.map(described).sort();
}

function described({ session, name, source }: Stream): string {
  return `${session.id} ${name === '' ? '-' : name} ${source.slice(tree.root.length + 1)}`;
}

/** Where a link may not lead to. */
function outside(): string {
  return `${tree.home}-outside`;
}

/** One of everything. Returns the paths that are nothing of a session. */
async function furnish(): Promise<readonly string[]> {
  await tree
    .session(cwd, uuid)
    .append(userRow('hello', context), userRow('again', context), 'rest');
  await tree.subagent(cwd, uuid, 'a93ccab').append(userRow('task', context));
  await tree.subagent(cwd, uuid, 'acompact-70d8e7').append(userRow('compact', context));
  await tree.workflowAgent(cwd, uuid, 'wf_x', 'y').append(userRow('step', context));
  await tree.strayAgent(cwd, 'old1').append({ type: 'summary' }, userRow('task', context));
  await tree.toolResult(cwd, uuid, 'toolu_1', 'out');
  await tree.toolResult(cwd, uuid, 'toolu_2', Buffer.from('fe0aff', 'hex'));
  const beside = (...rest: string[]): string => tree.path(cwd, ...rest);
  const linked = beside(sessionUuid());
  await tree.file(join(outside(), 'subagents', 'agent-z.jsonl'), '{}\n');
  await symlink(outside(), linked);
  const linkedFile = beside(`${sessionUuid()}.jsonl`);
  await symlink(beside(`${uuid}.jsonl`), linkedFile);
  const strangers = [
    beside('memory', `${uuid}.jsonl`),
    beside('memory', 'MEMORY.md'),
    beside(`${uuid}.jsonl.backup`),
    beside('.session-aliases'),
    beside(`.${uuid}.jsonl`),
    beside('notes.jsonl'),
    beside('agent-lost.jsonl'),
    beside(uuid, 'agent-x.jsonl'),
    beside(uuid, 'subagents', 'agent-a93ccab.meta.json.bak'),
    beside(uuid, 'subagents', 'notes.jsonl'),
    beside(uuid, 'subagents', '.agent-x.jsonl'),
    beside(uuid, 'subagents', '.tmp', 'agent-x.jsonl'),
    beside(uuid, 'subagents', 'memory', 'agent-x.jsonl'),
    beside(uuid, 'subagents', 'workflows', 'wf_x', 'journal.jsonl'),
    beside(uuid, 'workflows', 'wf_x.json'),
    beside(uuid, 'tool-results', 'image.png'),
    beside(uuid, 'tool-results', 'deeper.txt', 'x.txt'),
    beside(uuid, 'other', 'agent-x.jsonl'),
    beside('not-a-session', 'subagents', 'agent-x.jsonl'),
    join(tree.root, `${uuid}.jsonl`),
    join(tree.root, '.hidden', `${uuid}.jsonl`),
    join(tree.config, 'history.jsonl'),
  ];
  await tree.file(beside(uuid, 'subagents', 'agent-a93ccab.meta.json'), '{"agentType":"Plan"}');
  for (const path of strangers) await tree.file(path, lineOf({ type: 'user', text: 'stray' }));
  await mkdir(beside(`${sessionUuid()}.jsonl`));
  const folders = [tree.root, beside(), beside(uuid), beside(uuid, 'subagents')];
  const links = [linked, linkedFile, join(linked, 'subagents', 'agent-z.jsonl')];
  return [...strangers, ...folders, ...links, beside(uuid, 'subagents', 'agent-vanished.jsonl')];
}

describeWatcher('Claude Code', async (): Promise<Specimen> => {
  await tree.remove();
  tree = await ClaudeTree.create();
  const strangers = await furnish();
  return {
    watcher: watch(),
    another: () => watch(),
    strangers,
    eventPath: ({ name, source }) =>
      name === 'tool-results' ? join(source, 'toolu_2.txt') : source,
    settle: async () => clock.advance(2_000),
  };
});

describe('a stream', () => {
  it('may be in a folder linked within the home; a link that leads out of it is named', async () => {
    const [stored, foreign] = [sessionUuid(), sessionUuid()];
    await tree.file(join(tree.home, 'store', 'p1', `${stored}.jsonl`), '{"a":1}\n');
    await tree.file(join(outside(), `${foreign}.jsonl`), '{"b":1}\n');
    await mkdir(tree.root, { recursive: true });
    await symlink(join('..', '..', 'store', 'p1'), join(tree.root, '-linked'));
    await symlink(outside(), join(tree.root, '-out'));
    expect(await found(watch())).toEqual([`${stored} - -linked/${stored}.jsonl`]);
    const messages = told.map(({ message }) => message);
    expect(messages).toEqual([expect.stringMatching(/passed over: .*-out: .*outside of the home/)]);
  });

  it("may be a transcript linked within the home, but no file without a transcript's name", async () => {
    const [stored, foreign, disguised] = [sessionUuid(), sessionUuid(), sessionUuid()];
    const kept = join(tree.home, 'store', `${stored}.jsonl`);
    await tree.file(kept, '{"a":1}\n{"a":2}\n');
    await tree.file(join(outside(), `${foreign}.jsonl`), '{"b":1}\n');
    await tree.file(join(tree.home, '.ssh', 'id_ed25519'), 'key\n');
    await mkdir(join(tree.root, '-mill'), { recursive: true });
    const link = (id: string): string => join(tree.root, '-mill', `${id}.jsonl`);
    await symlink(kept, link(stored));
    await symlink(join(outside(), `${foreign}.jsonl`), link(foreign));
    await symlink(join(tree.home, '.ssh', 'id_ed25519'), link(disguised));
    const streams = await allStreams(watch());
    expect(streams.map(({ source }) => source)).toEqual([link(stored)]);
    for (const stream of streams) expect((await chunkOf(stream)).lines).toHaveLength(2);
    const reasons = told.map(({ message }) => message.split(', ').at(-1)).sort();
    expect(reasons).toEqual(['outside of the home folder', 'which has no name of a transcript']);
  });

  it('may be the conflict copy of a sync tool, as another source of its session', async () => {
    const names = [
      `${uuid}.jsonl`,
      `${uuid}.sync-conflict-20260102-030405-ABCDEFG.jsonl`,
      `${uuid} (Case Conflict 1).jsonl`,
      `${uuid} 2.jsonl`,
      `${uuid} (3).jsonl`,
      `${uuid}-Annas-MBP.jsonl`,
    ];
    for (const name of names) await tree.file(tree.path(cwd, name), '{"a":1}\n');
    const expected = names.map((name) => `${uuid} - -work-app/${name}`);
    expect(await found(watch())).toEqual(expected.sort());
  });

  it('may be a session whose id is not a UUID, with its sub-agents, but no file with an ordinary name', async () => {
    const id = 'run_2-mill';
    const project = '-work-app';
    await tree.session(cwd, id).append(userRow('sawn', context));
    await tree.subagent(cwd, id, 'a7').append(userRow('planed', context));
    const strangers = ['timber', 'run-2', `${uuid}-old`, 'run 20 mill', '-run-20-mill'];
    for (const name of strangers) await tree.session(cwd, name).append({ type: 'user' });
    await tree.subagent(cwd, 'timber', 'a8').append(userRow('planed', context));
    expect(await found(watch())).toEqual([
      `${id} - ${project}/${id}.jsonl`,
      `${id} subagents/agent-a7 ${project}/${id}/subagents/agent-a7.jsonl`,
    ]);
    expect(await watch().streamOf(tree.path(cwd, `${id}.jsonl`))).toBeDefined();
  });

  it('is made for each session, its sub-agents wherever they are, and its tool results', async () => {
    await furnish();
    const project = '-work-app';
    expect(await found(watch())).toEqual(
      [
        `${uuid} - ${project}/${uuid}.jsonl`,
        `${uuid} subagents/agent-a93ccab ${project}/${uuid}/subagents/agent-a93ccab.jsonl`,
        `${uuid} subagents/agent-a93ccab.meta ${project}/${uuid}/subagents/agent-a93ccab.meta.json`,
        `${uuid} subagents/agent-acompact-70d8e7 ${project}/${uuid}/subagents/agent-acompact-70d8e7.jsonl`,
        `${uuid} subagents/agent-old1 ${project}/agent-old1.jsonl`,
        `${uuid} subagents/workflows/wf_x/agent-y ${project}/${uuid}/subagents/workflows/wf_x/agent-y.jsonl`,
        `${uuid} tool-results ${project}/${uuid}/tool-results`,
      ].sort(),
    );
  });

  it('of tool results is found by any path in their folder, once it exists', async () => {
    const watcher = watch();
    const folder = tree.path(cwd, uuid, 'tool-results');
    await mkdir(folder, { recursive: true });
    expect(await watcher.streamOf(folder)).toBeUndefined();
    expect(await found(watcher)).toEqual([]);
    const file = await tree.toolResult(cwd, uuid, 'b12', 'text');
    const stream = await watcher.streamOf(file);
    expect(stream?.source).toBe(folder);
    expect(await watcher.streamOf(folder)).toBe(stream);
    expect(await allStreams(watcher)).toEqual([stream]);
  });

  it('is made for each of several files of one session, differing only in location', async () => {
    const other = sessionUuid();
    await tree.session('/work/app', uuid).append({ type: 'relocated', sessionId: uuid });
    await tree.session('/work/tree', uuid).append(userRow('long', context));
    await tree.strayAgent('/work/app', 'a1').append(userRow('old place', context));
    await tree.subagent('/work/app', uuid, 'a1').append(userRow('new place', context));
    await tree.session('/work/app', other).append(userRow('x', { ...context, sessionId: other }));
    const streams = await allStreams(watch());
    const count = (name: string, id: string): number =>
      streams.filter((stream) => stream.name === name && stream.session.id === id).length;
    expect(count('', uuid)).toBe(2);
    expect(count('subagents/agent-a1', uuid)).toBe(2);
    expect(count('', other)).toBe(1);
    expect(new Set(streams.map(({ source }) => source)).size).toBe(5);
  });

  it('takes its session id from the file name, not from rows', async () => {
    await tree
      .session(cwd, uuid)
      .append(userRow('copied', { ...context, sessionId: sessionUuid() }));
    expect((await allStreams(watch())).map(({ session }) => session.id)).toEqual([uuid]);
  });
});

describe('a sub-agent next to the sessions', () => {
  it('waits until its rows name its session', async () => {
    const agent = tree.strayAgent(cwd, 'x');
    await agent.append({ type: 'file-history-snapshot', snapshot: { sessionId: uuid } });
    const watcher = watch();
    expect(await watcher.streamOf(agent.path)).toBeUndefined();
    expect(await found(watcher)).toEqual([]);
    await agent.append({ type: 'user', sessionId: '../../evil' });
    expect(await found(watcher)).toEqual([]);
    await agent.append(userRow('now', { ...context, contextAt: 'end' }));
    const stream = await watcher.streamOf(agent.path);
    expect(stream?.session.id).toBe(uuid);
    expect(stream?.name).toBe('subagents/agent-x');
    expect(await allStreams(watcher)).toEqual([stream]);
  });

  it('is read no further than its first 64 KiB, even within a row that long', async () => {
    const late = tree.strayAgent(cwd, 'late');
    await late.append('x'.repeat(70_000), '\n', userRow('a', context));
    const long = tree.strayAgent(cwd, 'long');
    await long.append(userRow('y'.repeat(200_000), context));
    expect((await allStreams(watch())).map(({ source }) => source)).toEqual([long.path]);
  });

  it('is not read again until it changes', async () => {
    await tree.strayAgent(cwd, 'x').append({ type: 'user' });
    let opened = 0;
    const counting: Io = {
      ...nodeIo,
      open: (path) => {
        opened += 1;
        return nodeIo.open(path);
      },
    };
    const watcher = watch({ io: counting });
    for (let sweep = 0; sweep < 3; sweep += 1) await found(watcher);
    expect(opened).toBe(1);
  });
});

describe('roots', () => {
  it('are the existing folders among those that releases have used', async () => {
    expect(await watch().roots()).toEqual([]);
    await tree.session(cwd, uuid).append(userRow('a', context));
    const xdg = join(tree.home, '.config', 'claude', 'projects');
    expect(await watch().roots()).toEqual([tree.root]);
    await mkdir(xdg, { recursive: true });
    expect(await watch().roots()).toEqual([tree.root, xdg]);
  });

  it('are replaced by CLAUDE_CONFIG_DIR, which may be a list or contain a comma', async () => {
    const [one, two, odd] = ['one', 'two', 'od,d'].map((name) => join(tree.home, name));
    for (const folder of [one, two, odd])
      await mkdir(join(folder ?? '', 'projects'), { recursive: true });
    await tree.session(cwd, uuid).append(userRow('a', context));
    const rootsFor = (value: string) => watch({ env: { CLAUDE_CONFIG_DIR: value } }).roots();
    expect(await rootsFor(`${one}`)).toEqual([join(`${one}`, 'projects')]);
    const both = [join(`${one}`, 'projects'), join(`${two}`, 'projects')];
    expect(await rootsFor(`${one}, ${two},`)).toEqual(both);
    expect(await rootsFor(`${odd}`)).toEqual([join(`${odd}`, 'projects')]);
    expect(await rootsFor(join(tree.home, 'nowhere'))).toEqual([]);
    expect(await rootsFor(' ')).toEqual([tree.root]);
  });

  it('are merged if two paths lead to the same folder', async () => {
    await tree.session(cwd, uuid).append(userRow('a', context));
    await mkdir(join(tree.home, '.config'));
    await symlink(tree.config, join(tree.home, '.config', 'claude'));
    expect(await watch().roots()).toEqual([tree.root]);
  });
});

describe('live sessions', () => {
  it('are the sessions of running processes', async () => {
    const [ended, hostile] = [sessionUuid(), sessionUuid()];
    await tree.signOfLife(101, { pid: 101, sessionId: uuid, cwd, status: 'busy' });
    await tree.signOfLife(102, { pid: 102, sessionId: ended });
    await tree.signOfLife(103, 'not JSON');
    await tree.signOfLife(104, { sessionId: '../../x' });
    await tree.signOfLife(105, { sessionId: ['x'] });
    await tree.signOfLife(106, 'null');
    await tree.signOfLife(107, `{"sessionId":"${hostile}","x":"${'x'.repeat(100_000)}"}`);
    await tree.file(join(tree.config, 'sessions', '0.json'), `{"sessionId":"${hostile}"}`);
    await tree.file(join(tree.config, 'sessions', 'x.json'), `{"sessionId":"${hostile}"}`);
    const live = watch({ isAlive: (pid) => pid !== 102 }).live();
    expect([...(await live)]).toEqual([uuid]);
    expect(told).toEqual([]);
  });

  it('ask the system by default, and may be none', async () => {
    expect((await watch().live()).size).toBe(0);
    await tree.signOfLife(process.pid, { sessionId: uuid });
    await tree.signOfLife(2 ** 31 - 2, { sessionId: sessionUuid() });
    expect([...(await watch().live())]).toEqual([uuid]);
  });
});

describe('the registry', () => {
  it('knows Claude Code', async () => {
    const watchers = await createWatchers({ io: nodeIo, clock, env: {}, home: tree.home });
    expect(watchers.map(({ harness }) => harness)).toContain('claude-code');
    await tree.session(cwd, uuid).append(userRow('a', context));
    const claude = watchers.find(({ harness }) => harness === 'claude-code');
    expect(await claude?.roots()).toEqual([tree.root]);
  });
});

it('reads lines and facts through the stream of a real file', async () => {
  const transcript = await tree.session(cwd, uuid).append(userRow('a', context));
  const [stream] = await allStreams(watch());
  if (stream === undefined) throw new Error('not found');
  const chunk = await stream.read({ line: 0, at: null }, { bytes: 1_000 });
  if (typeof chunk === 'string') throw new Error(chunk);
  const [line] = chunk.lines;
  if (!Buffer.isBuffer(line)) throw new Error('no line');
  expect(stream.facts(line, {})).toMatchObject({ cwd, gitBranch: 'main' });
  await appendFile(transcript.path, 'x');
  expect(await stream.changed(chunk.snapshot)).toBeDefined();
  await writeFile(transcript.path, '');
  expect(await stream.read(chunk.next, { bytes: 1_000 })).toBe('moved');
});
