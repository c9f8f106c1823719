import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { nodeIo } from '../../src/io.js';
import type { SessionFacts, Watcher } from '../../src/mirror/stream.js';
import { copilotWatcher } from '../../watchers/copilot/watcher.js';
import type { TreeSettings } from '../../watchers/files/transcript-tree.js';
import { geminiCliWatcher } from '../../watchers/gemini-cli/watcher.js';
import { kimiCodeWatcher } from '../../watchers/kimi-code/watcher.js';
import { piWatcher } from '../../watchers/pi/watcher.js';
import { qwenCodeWatcher } from '../../watchers/qwen-code/watcher.js';
import { ManualClock } from '../support/manual-clock.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import { allStreams, describeWatcher, type Specimen } from './contract.js';
import { chunkOf, plainLines } from './reading.js';

const id = '7c1f0000-aaaa-4bbb-8ccc-00000000000a';
const other = '7c1f0000-aaaa-4bbb-8ccc-00000000000b';
const jsonl = (...rows: readonly object[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** A harness's home: what it writes that belongs to a session, and what it writes besides. */
interface Home {
  readonly create: (settings: TreeSettings) => Watcher;
  readonly env?: Readonly<Record<string, string>>;
  /** Path, content, and the stream that it is or belongs to. */
  readonly files: readonly (readonly [path: string, content: string, stream: string])[];
  readonly strangers: readonly string[];
  /** What the main stream of `id` tells. */
  readonly facts: SessionFacts;
}

const piHeader = {
  type: 'session',
  version: 3,
  id,
  timestamp: '2026-11-29T08:00:00.000Z',
  cwd: '/w',
};
const piAnswer = {
  type: 'message',
  id: 'a1',
  parentId: null,
  message: { role: 'assistant', model: 'm' },
};
const qwenUser = {
  uuid: 'q1',
  sessionId: id,
  type: 'user',
  cwd: '/w',
  timestamp: '2026-11-29T08:00:00Z',
  version: '0.24',
  gitBranch: 'main',
};
const geminiHeader = {
  sessionId: id,
  projectHash: 'x',
  startTime: '2026-11-29T08:00:00.000Z',
  kind: 'main',
};
const geminiUser = { id: 'g1', type: 'user', content: [{ text: 'Hello' }] };
const kimiSession = `.kimi-code/sessions/wd_w_0123/session_${id}`;
const copilotStart = {
  type: 'session.start',
  data: {
    startTime: '2026-11-29T08:00:00.000Z',
    copilotVersion: '1.0',
    selectedModel: 'm',
    context: { cwd: '/w', branch: 'main' },
  },
};

const homes: Readonly<Record<string, Home>> = {
  pi: {
    create: piWatcher,
    files: [
      [
        `.pi/agent/sessions/--w--/2026-11-29T08-00-00-000Z_${id}.jsonl`,
        jsonl(piHeader, piAnswer),
        `${id} `,
      ],
      [
        `.pi/agent/2026-11-28T08-00-00-000Z_other.jsonl`,
        jsonl({ ...piHeader, id: other, parentSession: `/x/1_${id}.jsonl` }),
        `${other} `,
      ],
    ],
    strangers: [
      '.pi/agent/auth.json',
      '.pi/agent/models.json',
      '.pi/agent/notes.jsonl',
      '.pi/agent/sessions/--w--/notes.jsonl',
      '.pi/agent/extensions/2026-11-29T08-00-00-000Z_x.jsonl',
    ],
    facts: { cwd: '/w', startedAt: '2026-11-29T08:00:00.000Z', model: 'm' },
  },
  'qwen-code': {
    create: qwenCodeWatcher,
    files: [
      [
        `.qwen/projects/-w/chats/${id}.jsonl`,
        jsonl(qwenUser, { ...qwenUser, type: 'assistant', model: 'm' }),
        `${id} `,
      ],
      [`.qwen/projects/-w/chats/archive/${other}.jsonl`, jsonl(qwenUser), `${other} `],
      [
        `.qwen/projects/-w/subagents/${id}/agent-explore-c1.jsonl`,
        jsonl(qwenUser),
        `${id} subagents/agent-explore-c1`,
      ],
      [
        `.qwen/projects/-w/subagents/${id}/agent-explore-c1.meta.json`,
        '{"toolUseId":"c1"}',
        `${id} subagents/agent-explore-c1.meta`,
      ],
    ],
    strangers: [
      `.qwen/projects/-w/chats/${id}.runtime.json`,
      '.qwen/projects/-w/chats/notes.jsonl',
      '.qwen/projects/-w/memory/MEMORY.md',
      '.qwen/sessions/4711.json',
      '.qwen/usage_record.jsonl',
    ],
    facts: {
      cwd: '/w',
      startedAt: '2026-11-29T08:00:00.000Z',
      gitBranch: 'main',
      harnessVersion: '0.24',
      model: 'm',
    },
  },
  copilot: {
    create: copilotWatcher,
    files: [
      [`.copilot/session-state/${id}/events.jsonl`, jsonl(copilotStart), `${id} `],
      [
        `.copilot/session-state/${id}/events.jsonl.backup-before-recovery-${'a'.repeat(64)}`,
        jsonl(copilotStart),
        `${id} backups/${'a'.repeat(16)}`,
      ],
      [
        `.copilot/session-state/${id}/workspace.yaml`,
        `id: ${id}\nname: A name\ntoken: x\n`,
        `${id} workspace`,
      ],
      [`.copilot/session-state/${id}/checkpoints/001-x.md`, '# Done\n', `${id} checkpoints`],
      [`.copilot/session-state/${other}.jsonl`, jsonl(copilotStart), `${other} `],
    ],
    strangers: [
      `.copilot/session-state/${id}/session.db`,
      `.copilot/session-state/${id}/plan.md`,
      `.copilot/session-state/${id}/rewind-file-snapshots/index.json`,
      `.copilot/session-state/${id}/files/secret.jsonl`,
      '.copilot/config.json',
    ],
    facts: {
      cwd: '/w',
      startedAt: '2026-11-29T08:00:00.000Z',
      gitBranch: 'main',
      harnessVersion: '1.0',
      model: 'm',
      named: 'A name',
    },
  },
  'kimi-code': {
    create: kimiCodeWatcher,
    files: [
      [
        `${kimiSession}/agents/main/wire.jsonl`,
        jsonl({ type: 'metadata', created_at: 1 }, { type: 'llm.request', model: 'm' }),
        `session_${id} `,
      ],
      [
        `${kimiSession}/agents/main/wire.jsonl.bak`,
        jsonl({ type: 'metadata' }),
        `session_${id} backups/main`,
      ],
      [
        `${kimiSession}/agents/agent-0/wire.jsonl`,
        jsonl({ type: 'metadata' }),
        `session_${id} agents/agent-0`,
      ],
      [
        `${kimiSession}/state.json`,
        '{"cwd":"/w","title":"A name","createdAt":0}',
        `session_${id} state`,
      ],
    ],
    strangers: [
      `${kimiSession}/state.json.tmp.12.ab`,
      `${kimiSession}/logs/kimi-code.log`,
      `${kimiSession}/agents/main/file-history/x`,
      '.kimi-code/config.toml',
      '.kimi-code/session_index.jsonl',
    ],
    facts: { cwd: '/w', startedAt: '1970-01-01T00:00:00.000Z', model: 'm', named: 'A name' },
  },
  'gemini-cli': {
    create: geminiCliWatcher,
    files: [
      [
        '.gemini/tmp/w/chats/session-2026-11-29T08-00-7c1f0000.jsonl',
        jsonl(geminiHeader, geminiUser, { ...geminiUser, id: 'g2', type: 'gemini', model: 'm' }),
        `${id} `,
      ],
      [
        `.gemini/tmp/w/chats/${id}/${other}.jsonl`,
        jsonl(geminiHeader, geminiUser),
        `${id} agents/${other}`,
      ],
      [
        '.gemini/tmp/w/chats/session-2026-11-28T08-00-7c1f0000.json',
        JSON.stringify(
          { ...geminiHeader, sessionId: other, lastUpdated: 'x', messages: [geminiUser] },
          null,
          2,
        ),
        `${other} `,
      ],
      [`.gemini/tmp/w/tool-outputs/session-${id}/run_1.txt`, 'x\n', `${id} tool-outputs`],
    ],
    strangers: [
      // A resume's second file, while it holds nothing but its header.
      '.gemini/tmp/w/chats/session-2026-11-29T08-09-7c1f0000.jsonl',
      '.gemini/tmp/w/logs.json',
      '.gemini/tmp/w/checkpoints/x.json',
      '.gemini/oauth_creds.json',
      '.gemini/history/w/HEAD',
    ],
    facts: { cwd: '/the/project', startedAt: '2026-11-29T08:00:00.000Z', model: 'm' },
  },
};

let home: string;
let remove: () => Promise<void>;

beforeEach(async () => {
  ({ path: home, remove } = await createTemporaryFolder());
});

afterEach(() => remove());

async function put(path: string, content: string): Promise<string> {
  const whole = join(home, path);
  await mkdir(dirname(whole), { recursive: true });
  await writeFile(whole, content);
  return whole;
}

async function furnish({ create, env = {}, files, strangers }: Home): Promise<Specimen> {
  for (const [path, content] of files) await put(path, content);
  const beside: string[] = [];
  for (const path of strangers) beside.push(await put(path, jsonl(geminiHeader)));
  await put('.gemini/tmp/w/.project_root', '/the/project\n');
  const clock = new ManualClock();
  const another = (): Watcher => create({ io: nodeIo, clock, env, home });
  const isFolder = (source: string): boolean =>
    !files.some(([path]) => join(home, path) === source);
  return {
    watcher: another(),
    another,
    strangers: beside,
    eventPath: ({ source }) => {
      const inside = files.find(([path]) => dirname(join(home, path)) === source)?.[0];
      return isFolder(source) && inside !== undefined ? join(home, inside) : source;
    },
    settle: async () => {
      clock.advance(5_000);
    },
  };
}

for (const [name, one] of Object.entries(homes)) {
  describeWatcher(name, () => furnish(one));
}

describe.each(Object.entries(homes))('the watcher of %s', (_name, one) => {
  it('finds what belongs to a session, ignores the rest, and knows what it is about', async () => {
    const { watcher, strangers } = await furnish(one);
    const streams = await allStreams(watcher);
    const keys = streams.map(({ session, name }) => `${session.id} ${name}`);
    expect(keys.sort()).toEqual(one.files.map(([, , stream]) => stream).sort());
    const roots = await watcher.roots();
    for (const path of strangers) {
      const isHeld = path.endsWith('.jsonl') && path.includes('/chats/session-');
      expect(watcher.ignores?.(path) ?? false, path).toBe(
        // Files beside a root are not asked about.
        !isHeld && roots.some((root) => path.startsWith(join(root, '/'))),
      );
    }
    const main = streams.find(({ name, session }) => name === '' && session.id.endsWith(id));
    if (main === undefined) throw new Error('no main stream');
    await main.changed(undefined);
    const lines = plainLines(await chunkOf(main));
    const facts = lines.reduce((told: SessionFacts, line) => main.facts(line, told), {});
    expect(facts).toEqual(one.facts);
  });

  it('costs nothing where the harness is not installed', async () => {
    const asked: string[] = [];
    const io = {
      ...nodeIo,
      readdir: async (path: string) => {
        asked.push(path);
        return undefined;
      },
    };
    const watcher = one.create({ io, clock: new ManualClock(), env: {}, home: join(home, 'none') });
    expect(await watcher.roots()).toEqual([]);
    expect(await allStreams(watcher)).toEqual([]);
    expect(asked).toEqual([]);
  });
});

it('a file that does not say its session yet is looked at again, also if other roots have none such', async () => {
  const second = join(home, 'second');
  const env = { PI_CODING_AGENT_SESSION_DIR: second };
  const watcher = piWatcher({ io: nodeIo, clock: systemClock, env, home });
  const file = join(home, '.pi/agent/sessions/--w--', `2026-11-29T08-00-00-000Z_${id}.jsonl`);
  await mkdir(dirname(file), { recursive: true });
  await mkdir(second, { recursive: true });
  await writeFile(file, '');
  const before = new Date(Date.now() - 60_000);
  const folders = [dirname(file), dirname(dirname(file)), join(home, '.pi/agent'), second];
  for (const folder of folders) await utimes(folder, before, before);
  const found = async (pass: 'all' | 'recent'): Promise<readonly string[]> => {
    const sources: string[] = [];
    for (const root of await watcher.roots())
      for await (const some of watcher.streams(root, pass))
        sources.push(...some.map(({ source }) => source));
    return sources;
  };
  expect([await found('all'), await found('recent')]).toEqual([[], []]);
  await writeFile(file, jsonl(piHeader));
  expect(await found('recent')).toEqual([file]);
});
