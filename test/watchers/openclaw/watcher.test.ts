import { mkdir, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TracecraftError } from '../../../src/errors.js';
import { nodeIo } from '../../../src/io.js';
import { type SessionFacts, type Stream, startPosition } from '../../../src/mirror/stream.js';
import { OpenClawWatcher } from '../../../watchers/openclaw/watcher.js';
import { sessionUuid } from '../../support/claude-tree.js';
import { ManualClock } from '../../support/manual-clock.js';
import { assistantEvent, headerEvent, lineOf, userEvent } from '../../support/openclaw-database.js';
import { OpenClawState } from '../../support/openclaw-state.js';
import { packed } from '../../support/zstd-frames.js';
import { allStreams, contents, describeWatcher, type Specimen } from '../contract.js';
import { chunkOf, plainLines } from '../reading.js';

let state: OpenClawState;
let clock: ManualClock;
let id: string;
const told: TracecraftError[] = [];
const time = '2026-11-22T06-17-42.689Z';

beforeEach(async () => {
  state = await OpenClawState.create();
  clock = new ManualClock();
  id = sessionUuid();
  told.length = 0;
});

afterEach(() => state.remove());

function watch(env: Readonly<Record<string, string>> = {}): OpenClawWatcher {
  const onUnreadable = (error: TracecraftError): number => told.push(error);
  const { home } = state;
  return new OpenClawWatcher({
    io: nodeIo,
    clock,
    env,
    home,
    onUnreadable,
  });
}

/** Session, stream and file name of everything that is found, in a fixed order. */
async function found(watcher: OpenClawWatcher): Promise<readonly string[]> {
  const streams = await allStreams(watcher);
  const described = streams.map(({ session, name, source }) => {
    const file = source.slice(source.lastIndexOf('/') + 1);
    return `${session.id} ${name === '' ? '-' : name} ${file}`;
  });
  return described.sort();
}

async function factsOf(watcher: OpenClawWatcher, path: string): Promise<SessionFacts> {
  const stream = await watcher.streamOf(path);
  if (stream === undefined) throw new Error(`${path} is no stream`);
  return factsIn(stream);
}

async function factsIn(stream: Stream): Promise<SessionFacts> {
  const { lines } = await chunkOf(stream);
  return plainLines({ lines }).reduce((facts: SessionFacts, line) => stream.facts(line, facts), {});
}

describeWatcher('OpenClaw', async (): Promise<Specimen> => {
  await state.remove();
  state = await OpenClawState.create();
  const agent = state.agent();
  const ids = Array.from({ length: 8 }, sessionUuid);
  const [file = '', topic = '', reset = '', cut = '', gone = '', kept = '', laid = ''] = ids;
  await agent
    .transcript(file)
    .append(headerEvent(file), userEvent('a'), assistantEvent('b'), '{"rest');
  await agent.transcript(topic, '42').append(headerEvent(topic), userEvent('in a thread'));
  await (await agent.transcript(reset).append(headerEvent(reset))).setAside('reset', time);
  await (await agent.transcript(cut).append(headerEvent(cut), userEvent('1'))).setAside(
    'bak',
    time,
  );
  await agent.transcript(cut).append(headerEvent(cut));
  const packedName = `${gone}.jsonl.deleted.${time}.0f0f0f0f.zst`;
  await agent.file(
    ['sessions', packedName],
    packed(lineOf(headerEvent(gone)) + lineOf(userEvent('x'))),
  );
  const database = await agent.database();
  database.append(kept, headerEvent(kept), userEvent('1'), assistantEvent('2'));
  database.appendPacked(kept, userEvent('long '.repeat(9_000)));
  database.append(laid, headerEvent(laid), userEvent('old'));
  await database.layAside(laid, 'sqlite');
  await state
    .agent('second')
    .transcript(ids[7] ?? '')
    .append(headerEvent(ids[7] ?? ''));
  const strangers = [
    ['sessions', 'sessions.json'],
    ['sessions', `${file}.trajectory.jsonl`],
    ['sessions', `${file}.trajectory-path.json`],
    ['sessions', `${file}.checkpoint.${sessionUuid()}.jsonl`],
    ['sessions', `${file}.jsonl.lock`],
    ['sessions', `${file}.jsonl.bak-17-42`],
    ['sessions', `${file}.jsonl.zst`],
    ['sessions', `.${file}.jsonl`],
    ['sessions', 'sessions.json.bak.1795000000000'],
    ['sessions', 'nested', `${sessionUuid()}.jsonl`],
    ['session-sqlite-import-archive', `agent_main_main.${kept}.jsonl.imported-1795000000000`],
    ['session-sqlite-import-archive', 'manifest.json'],
    ['agent', 'auth-profiles.json'],
    ['agent', 'openclaw-agent.sqlite.generation-lock.sqlite'],
    ['agent', 'openclaw-agent.sqlite.reindex-lock.sqlite'],
    ['agent', `${sessionUuid()}.jsonl`],
    [`${sessionUuid()}.jsonl`],
  ];
  const paths: string[] = [];
  for (const below of strangers) paths.push(await agent.file(below, lineOf(userEvent('stray'))));
  const linked = join(state.root, 'linked');
  await symlink(agent.folder, linked);
  return {
    watcher: watch(),
    another: () => watch(),
    strangers: [
      ...paths,
      state.root,
      agent.folder,
      join(agent.folder, 'sessions'),
      join(agent.folder, 'sessions', `${sessionUuid()}.jsonl`),
      join(linked, 'sessions', `${file}.jsonl`),
      join(state.home, '.openclaw', 'openclaw.json'),
    ],
    eventPath: ({ source }) => (source.includes('.deleted.') ? `${source}.zst` : source),
    settle: async () => undefined,
  };
});

describe('a stream, in releases with files', () => {
  it('is made for each session, including threads, and for what a compaction set aside', async () => {
    const [thread, cut, ended] = [sessionUuid(), sessionUuid(), sessionUuid()];
    const agent = state.agent();
    await agent.transcript(id).append(headerEvent(id));
    await agent.transcript(thread, 'om_x%3A1').append(headerEvent(thread));
    const before = await agent.transcript(cut).append(headerEvent(cut), userEvent('dropped'));
    await before.setAside('bak', time);
    await before.append(headerEvent(cut));
    await (await agent.transcript(ended).append(headerEvent(ended))).setAside('deleted', time);
    expect(await found(watch())).toEqual(
      [
        `${id} - ${id}.jsonl`,
        `${thread} - ${thread}-topic-om_x%3A1.jsonl`,
        `${cut} - ${cut}.jsonl`,
        `${cut} backups/${time} ${cut}.jsonl.bak.${time}`,
        `${ended} - ${ended}.jsonl.deleted.${time}`,
      ].sort(),
    );
    expect(told).toEqual([]);
  });

  it('continues at its position under the name that a reset gives it', async () => {
    const agent = state.agent();
    const file = await agent.transcript(id).append(headerEvent(id), userEvent('one'));
    const watcher = watch();
    const before = await watcher.streamOf(file.path);
    if (before === undefined) throw new Error('no stream');
    const { next } = await chunkOf(before);
    await file.append(userEvent('two'));
    const path = await file.setAside('reset', time);
    const [after] = await allStreams(watcher);
    expect(after?.source).toBe(path);
    expect(after?.session.id).toBe(id);
    expect(after?.name).toBe('');
    if (after === undefined) return;
    const rest = await chunkOf(after, next);
    expect(contents(rest.lines).join('')).toContain('two');
    expect(rest.lines.length).toBe(1);
    expect(await before.changed(undefined)).toBeUndefined();
    expect(await before.read(next, { bytes: 1 })).toBe('gone');
    expect((await factsOf(watcher, path)).endedAt).toBe('2026-11-22T06:17:42.689Z');
  });

  it('is reported as moved if its file was replaced by a shorter one', async () => {
    const file = await state.agent().transcript(id).append(headerEvent(id), userEvent('one'));
    const [stream] = await allStreams(watch());
    if (stream === undefined) throw new Error('no stream');
    const { next } = await chunkOf(stream);
    await file.setAside('bak', time);
    await file.append(headerEvent(id), userEvent('kept'), userEvent('and more than before'));
    expect(await stream.read(next, { bytes: 1_000 })).toBe('moved');
  });

  it('sets an ended session aside if its id is used again, and takes the last of several ends', async () => {
    const agent = state.agent();
    const times = ['2026-11-20T01-00-00.000Z', '2026-11-21T01-00-00.000Z'] as const;
    await (await agent.transcript(id).append(headerEvent(id), userEvent('1'))).setAside(
      'deleted',
      times[0],
    );
    await (await agent.transcript(id).append(headerEvent(id), userEvent('2'))).setAside(
      'reset',
      times[1],
    );
    const watcher = watch();
    expect(await found(watcher)).toEqual([
      `${id} - ${id}.jsonl.reset.${times[1]}`,
      `${id} backups/deleted.${times[0]} ${id}.jsonl.deleted.${times[0]}`,
    ]);
    const [ended] = (await allStreams(watcher)).filter(({ name }) => name === '');
    await agent.transcript(id).append(headerEvent(id), userEvent('3'));
    expect(await found(watcher)).toEqual([
      `${id} - ${id}.jsonl`,
      `${id} backups/deleted.${times[0]} ${id}.jsonl.deleted.${times[0]}`,
      `${id} backups/reset.${times[1]} ${id}.jsonl.reset.${times[1]}`,
    ]);
    expect(await ended?.changed(undefined)).toBeUndefined();
  });

  it('is an imported file, until a database has it', async () => {
    const agent = state.agent();
    const archive = 'session-sqlite-import-archive';
    const older = `agent_main_main.${id}.jsonl.imported-1795000000000`;
    const newer = `agent_main_main.${id}-topic-7.jsonl.imported-1795000000001`;
    await agent.file([archive, older], lineOf(headerEvent(id)));
    await agent.file([archive, newer], lineOf(headerEvent(id)) + lineOf(userEvent('x')));
    await agent.file(
      [archive, 'agent_main_x.my-own-id.jsonl.imported-1'],
      lineOf(headerEvent('y')),
    );
    expect(await found(watch())).toEqual(
      [`${id} - ${newer}`, 'my-own-id - agent_main_x.my-own-id.jsonl.imported-1'].sort(),
    );
  });

  it('is never a file whose name cannot be an id', async () => {
    const agent = state.agent();
    for (const name of ['-x', '_x', 'a b', 'x'.repeat(129), 'ä']) {
      await agent.file(['sessions', `${name}.jsonl`], '{}\n');
    }
    await agent.file(['sessions', 'main.2.jsonl'], '{}\n');
    expect(await found(watch())).toEqual(['main.2 - main.2.jsonl']);
  });
});

describe('the folder it reads', () => {
  async function put(folder: string): Promise<string> {
    const session = sessionUuid();
    const root = join(folder, 'agents');
    await mkdir(join(root, 'main', 'sessions'), { recursive: true });
    await OpenClawState.in(state.home, folder.slice(state.home.length + 1))
      .agent()
      .transcript(session)
      .append(headerEvent(session));
    return root;
  }

  it('is none at first, then the home folder and those of profiles', async () => {
    expect(await watch().roots()).toEqual([]);
    const profile = await put(join(state.home, '.openclaw-work'));
    expect(await watch().roots()).toEqual([profile]);
    const own = await put(join(state.home, '.openclaw'));
    await put(join(state.home, '.openclaw-'));
    await put(join(state.home, '.openclaw.bak'));
    expect(await watch().roots()).toEqual([own, profile]);
    expect((await found(watch())).length).toBe(2);
  });

  it('is the old folder only as long as there is no new one', async () => {
    const old = await put(join(state.home, '.clawdbot'));
    expect(await watch().roots()).toEqual([old]);
    const own = await put(join(state.home, '.openclaw'));
    expect(await watch().roots()).toEqual([own]);
  });

  it('follows OPENCLAW_HOME, and OPENCLAW_STATE_DIR before it', async () => {
    const [own, other] = [join(state.home, 'own'), join(state.home, 'other')];
    await put(join(state.home, '.openclaw'));
    const atHome = await put(join(own, '.openclaw'));
    const profile = await put(join(own, '.openclaw-p1'));
    const atState = await put(other);
    expect(await watch({ OPENCLAW_HOME: own }).roots()).toEqual([atHome, profile]);
    expect(await watch({ OPENCLAW_HOME: own, OPENCLAW_STATE_DIR: other }).roots()).toEqual([
      atState,
    ]);
    expect(await watch({ OPENCLAW_HOME: '~/own' }).roots()).toEqual([atHome, profile]);
    expect(await watch({ OPENCLAW_STATE_DIR: ' ~/other ' }).roots()).toEqual([atState]);
    expect(await watch({ OPENCLAW_STATE_DIR: '~' }).roots()).toEqual([]);
  });

  it('is read once if two paths lead there', async () => {
    const own = await put(join(state.home, '.openclaw'));
    await symlink(join(state.home, '.openclaw'), join(state.home, '.openclaw-same'));
    expect(await watch().roots()).toEqual([own]);
  });

  it('may lose agents, which are found again', async () => {
    const agent = state.agent();
    await agent.transcript(id).append(headerEvent(id));
    const watcher = watch();
    expect((await found(watcher)).length).toBe(1);
    await rename(agent.folder, `${agent.folder}.away`);
    expect(await found(watcher)).toEqual([`${id} - ${id}.jsonl`]);
    await rename(`${agent.folder}.away`, join(state.home, 'away'));
    expect(await found(watcher)).toEqual([]);
    await rename(join(state.home, 'away'), agent.folder);
    expect((await found(watcher)).length).toBe(1);
  });
});

describe('file events', () => {
  it('are used for files that may be transcripts, not for others', async () => {
    const agent = state.agent();
    await agent.transcript(id).append(headerEvent(id));
    const watcher = watch();
    const at = (...below: readonly string[]): string => join(agent.folder, ...below);
    expect(watcher.ignores(at('sessions', 'sessions.json'))).toBe(false);
    await watcher.roots();
    const wanted = [
      state.root,
      at(),
      at('sessions'),
      at('sessions', `${id}.jsonl`),
      at('sessions', `${id}-topic-1.jsonl`),
      at('sessions', `${id}.jsonl.deleted.${time}.0f.zst`),
      at('session-sqlite-import-archive'),
      at('session-sqlite-import-archive', `agent_main_main.${id}.jsonl.imported-1`),
      at('agent'),
      at('agent', 'openclaw-agent.sqlite'),
      at('agent', 'openclaw-agent.sqlite-wal'),
      join(state.home, 'elsewhere', 'sessions', 'sessions.json'),
    ];
    const unwanted = [
      at('sessions', 'sessions.json'),
      at('sessions', `${id}.trajectory.jsonl`),
      at('sessions', 'cold', 'x.jsonl.zst'),
      at('agent', 'openclaw-agent.sqlite-shm'),
      at('agent', 'openclaw-agent.sqlite.generation-lock.sqlite'),
      at('agent', 'codex-home', 'sessions'),
      at('workspace'),
      at('workspace', 'src', 'a.ts'),
    ];
    expect(wanted.filter((path) => watcher.ignores(path))).toEqual([]);
    expect(unwanted.filter((path) => !watcher.ignores(path))).toEqual([]);
  });
});

describe('facts', () => {
  it('come from the header, the answers and the name', async () => {
    const parent = sessionUuid();
    const path = `/home/u/.openclaw/agents/main/sessions/${parent}.jsonl`;
    const { path: file } = await state
      .agent()
      .transcript(id)
      .append(
        headerEvent(id, { parentSession: path }),
        { type: 'model_change', id: 'a', provider: 'mock', modelId: 'first' },
        userEvent('{"role":"assistant","model":"not this"}'),
        assistantEvent('x'.repeat(5_000), 'second'),
        assistantEvent('sent', 'delivery-mirror'),
        { type: 'session_info', id: 'b', name: 'A name' },
      );
    expect(await factsOf(watch(), file)).toEqual({
      cwd: '/home/u/proj',
      startedAt: '2026-11-22T06:15:56.686Z',
      parentSessionId: parent,
      model: 'second',
    });
  });

  it.each(['file', 'database'])(
    'of a sub-agent in a %s include its parent, as sessions.json says',
    async (kept) => {
      const [parent, child] = [sessionUuid(), sessionUuid()];
      const spawnedBy = 'agent:harbour:main';
      await state.agent('harbour').file(
        ['sessions', 'sessions.json'],
        JSON.stringify({
          [spawnedBy]: { sessionId: parent, sessionStartedAt: 1_790_000_000_000 },
        }),
      );
      await state
        .agent()
        .file(
          ['sessions', 'sessions.json'],
          JSON.stringify({ 'agent:main:subagent:1': { sessionId: child, spawnedBy } }),
        );
      if (kept === 'file') await state.agent().transcript(child).append(headerEvent(child));
      else (await state.agent().database()).append(child, headerEvent(child));
      const streams = await allStreams(watch());
      const facts = await Promise.all(streams.map(factsIn));
      expect(streams.map(({ session }) => session.id)).toEqual([child]);
      expect(facts).toMatchObject([{ parentSessionId: parent }]);
    },
  );

  it('of a sub-agent include the parent whose key is in its header, unless the key is another session’s now', async () => {
    const [parent, child, orphan] = [sessionUuid(), sessionUuid(), sessionUuid()];
    const startedAt = Date.parse(String(headerEvent(child).timestamp));
    await state.agent().file(
      ['sessions', 'sessions.json'],
      JSON.stringify({
        'agent:main:main': { sessionId: parent, sessionStartedAt: startedAt - 1 },
        'agent:main:pier': { sessionId: parent, sessionStartedAt: startedAt + 1 },
        'agent:main:broken': 7,
      }),
    );
    const begin = (id: string, parentSessionKey: string) =>
      state.agent().transcript(id).append(headerEvent(id, { parentSessionKey }));
    const { path } = await begin(child, 'agent:main:main');
    const { path: other } = await begin(orphan, 'agent:main:pier');
    const watcher = watch();
    expect((await factsOf(watcher, path)).parentSessionId).toBe(parent);
    expect((await factsOf(watcher, other)).parentSessionId).toBeUndefined();
  });

  it('need no sessions.json that can be read', async () => {
    const child = sessionUuid();
    await state.agent().file(['sessions', 'sessions.json'], '{"agent:main:main": {"sess');
    const { path } = await state
      .agent()
      .transcript(child)
      .append(headerEvent(child, { parentSessionKey: 'agent:main:main' }));
    expect((await factsOf(watch(), path)).parentSessionId).toBeUndefined();
  });

  it('are the same however lines are read, and absent if nothing is said', async () => {
    const { path } = await state.agent().transcript(id).append('{"type":"custom"}\n', 'x\n');
    const watcher = watch();
    expect(await factsOf(watcher, path)).toEqual({});
    const stream = await watcher.streamOf(path);
    expect(stream?.facts(Buffer.from('{"cwd":"/x"}\n'), {})).toEqual({});
    expect((await stream?.read(startPosition, { bytes: 1 })) !== 'moved').toBe(true);
  });
});
