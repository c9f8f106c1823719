import { mkdir, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SourceError, type TracecraftError } from '../../../src/errors.js';
import { type Io, nodeIo } from '../../../src/io.js';
import { ClaudeCodeWatcher } from '../../../watchers/claude-code/watcher.js';
import { ClaudeTree, lineOf, sessionUuid, userRow } from '../../support/claude-tree.js';
import { ManualClock } from '../../support/manual-clock.js';
import { systemError } from '../../support/wrapped-disk.js';
import { allStreams } from '../contract.js';

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

afterEach(() => tree.remove());

function watch(io: Io = nodeIo): ClaudeCodeWatcher {
  const onUnreadable = (error: TracecraftError): void => {
    told.push(error);
  };
  return new ClaudeCodeWatcher({ io, clock, env: {}, home: tree.home, onUnreadable });
}

/** Paths below the root of all that the sweep finds, in a fixed order. */
async function found(watcher: ClaudeCodeWatcher): Promise<readonly string[]> {
  const streams = await allStreams(watcher);
  return streams.map(({ source }) => source.slice(tree.root.length + 1)).sort();
}

describe('the sweep', () => {
  it('lists a folder again if it changed, and in any case every minute, every 24 if it is calm', async () => {
    await tree.session(cwd, uuid).append(userRow('a', context));
    await mkdir(tree.path(cwd, 'memory'));
    const listed: string[] = [];
    const counting: Io = {
      ...nodeIo,
      readdir: (path) => {
        listed.push(path.slice(tree.root.length + 1));
        return nodeIo.readdir(path);
      },
    };
    const watcher = watch(counting);
    const sweep = async (): Promise<readonly string[]> => {
      listed.length = 0;
      await found(watcher);
      return listed;
    };
    clock.advance(60_000);
    expect(await sweep()).toEqual(['', '-work-app']);
    expect(await sweep()).toEqual([]);
    await tree.session(cwd, uuid).append(userRow('b', context));
    expect(await sweep()).toEqual([]);
    const other = sessionUuid();
    await tree.session(cwd, other).append(userRow('c', context));
    expect(await sweep()).toEqual(['-work-app']);
    expect(await found(watcher)).toHaveLength(2);
    clock.advance(59_999);
    expect(await sweep()).toEqual([]);
    clock.advance(1);
    expect(await sweep()).toEqual(['', '-work-app']);
    clock.advance(3_600_000);
    expect(await sweep()).toEqual(['', '-work-app']);
    clock.advance(1_439_999);
    expect(await sweep()).toEqual([]);
    clock.advance(1);
    expect(await sweep()).toEqual(['', '-work-app']);
  });

  it('does not trust the times of a folder that changed just now', async () => {
    await tree.session(cwd, uuid).append(userRow('a', context));
    const frozen = await nodeIo.stat(tree.path(cwd));
    const coarse: Io = {
      ...nodeIo,
      stat: async (path) => (path === tree.path(cwd) ? frozen : nodeIo.stat(path)),
    };
    const watcher = watch(coarse);
    expect(await found(watcher)).toHaveLength(1);
    await tree.session(cwd, sessionUuid()).append(userRow('b', context));
    expect(await found(watcher)).toHaveLength(2);
  });

  it('keeps the object of a source as long as the source exists', async () => {
    const transcript = await tree.session(cwd, uuid).append(userRow('a', context));
    const watcher = watch();
    const [first] = await allStreams(watcher);
    await rename(transcript.path, `${transcript.path}.away`);
    expect(await watcher.streamOf(transcript.path)).toBe(first);
    expect(await allStreams(watcher)).toEqual([]);
    expect(await watcher.streamOf(transcript.path)).toBeUndefined();
    await rename(`${transcript.path}.away`, transcript.path);
    const [second] = await allStreams(watcher);
    expect(second?.source).toBe(first?.source);
    expect(second).not.toBe(first);
  });

  it('finds a session that was moved, alone or with its whole project', async () => {
    const transcript = await tree.session(cwd, uuid).append(userRow('a', context));
    const watcher = watch();
    expect(await found(watcher)).toEqual([`-work-app/${uuid}.jsonl`]);
    await mkdir(tree.path('/work/tree'));
    await rename(transcript.path, tree.path('/work/tree', `${uuid}.jsonl`));
    clock.advance(60_000);
    expect(await found(watcher)).toEqual([`-work-tree/${uuid}.jsonl`]);
    await rename(tree.path('/work/tree'), tree.path('/work/new'));
    clock.advance(60_000);
    expect(await found(watcher)).toEqual([`-work-new/${uuid}.jsonl`]);
  });

  it('notices a file by its event before any listing shows it', async () => {
    await tree.session(cwd, uuid).append(userRow('a', context));
    clock.advance(3_600_000);
    const frozen = await nodeIo.stat(tree.path(cwd));
    const coarse: Io = {
      ...nodeIo,
      stat: async (path) => (path === tree.path(cwd) ? frozen : nodeIo.stat(path)),
    };
    const watcher = watch(coarse);
    expect(await found(watcher)).toHaveLength(1);
    const agent = await tree.subagent(cwd, uuid, 'new').append(userRow('b', context));
    expect(await found(watcher)).toHaveLength(1);
    expect((await watcher.streamOf(agent.path))?.name).toBe('subagents/agent-new');
    expect(await found(watcher)).toHaveLength(2);
    await unlink(agent.path);
    await rm(tree.path(cwd, uuid), { recursive: true });
    clock.advance(60_000);
    expect(await found(watcher)).toHaveLength(1);
  });

  it('skips a folder that cannot be read, and reports it once', async () => {
    await tree.session('/work/app', uuid).append(userRow('a', context));
    await tree.session('/work/locked', sessionUuid()).append(userRow('b', context));
    const locked = tree.path('/work/locked');
    const refusing: Io = {
      ...nodeIo,
      readdir: (path) =>
        path === locked ? Promise.reject(systemError('EACCES')) : nodeIo.readdir(path),
    };
    const watcher = watch(refusing);
    for (let sweep = 0; sweep < 3; sweep += 1) expect(await found(watcher)).toHaveLength(1);
    expect(told).toHaveLength(1);
    expect(told[0]).toBeInstanceOf(SourceError);
    expect(told[0]?.message).toContain(locked);
    expect(told[0]?.hint).toBeTruthy();
  });

  it('survives endlessly nested folders', async () => {
    await tree.session(cwd, uuid).append(userRow('a', context));
    const deep = tree.path(cwd, uuid, 'subagents', ...Array.from({ length: 60 }, () => 'd'));
    await tree.file(join(deep, 'agent-x.jsonl'), lineOf(userRow('b', context)));
    expect(await found(watch())).toHaveLength(1);
    expect(await watch().streamOf(join(deep, 'agent-x.jsonl'))).toBeUndefined();
  });
});
