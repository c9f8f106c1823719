import { mkdir, readdir, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { readConfigFile } from '../../src/config/files.js';
import { openTrustStore } from '../../src/config/trust.js';
import { nodeIo } from '../../src/io.js';
import { partName } from '../../src/protocol/parts.js';
import {
  BlockedError,
  LostError,
  NotAllowedError,
  NotFoundError,
  type OpenOptions,
  openTracecraft,
  RefusedError,
  TimedOutError,
  type Tracecraft,
  UsageError,
} from '../../src/sdk/index.js';
import { packName } from '../../src/search/pack/pack-name.js';
import { PackWriter } from '../../src/search/pack/pack-writer.js';
import { assistantRow, sessionUuid, Transcript, userRow } from '../support/claude-tree.js';
import { writeObject } from '../support/generated-run.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

const secret = `ghp_${'aB3dE5gH7jK9'.repeat(3)}`;

let folder: string;
let remove: () => Promise<void>;
let warnings: string[];
const opened: Tracecraft[] = [];

beforeEach(async () => {
  ({ path: folder, remove } = await createTemporaryFolder());
  warnings = [];
  vi.stubEnv('HOME', folder);
  vi.stubEnv('TRACECRAFT_HOME', join(folder, 'state'));
  for (const name of ['TRACECRAFT_AGENT', 'TRACECRAFT_SESSION', 'CLAUDE_CONFIG_DIR']) {
    vi.stubEnv(name, undefined);
  }
});

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  vi.unstubAllEnvs();
  await remove();
});

async function open(agent: string | undefined, more: OpenOptions = {}): Promise<Tracecraft> {
  const tracecraft = await openTracecraft({
    destination: { backend: 'local', bucket: 'bucket', project: 'shop' },
    cwd: folder,
    agent,
    onWarning: (message) => warnings.push(message),
    ...more,
  });
  opened.push(tracecraft);
  return tracecraft;
}

async function trustConfig(): Promise<void> {
  const file = await readConfigFile(join(folder, '.tracecraft.json'), 'project');
  if (file === undefined) throw new Error('no config');
  await openTrustStore(
    { home: folder, env: { TRACECRAFT_HOME: join(folder, 'state') } },
    nodeIo,
    systemClock,
  ).trust(file);
}

describe('opening', () => {
  it('uses the config that applies in a folder, and its agent', async () => {
    const config = { backend: 'local', bucket: 'bucket', project: 'own', agent_id: 'ann' };
    await open('x');
    await writeFile(join(folder, '.tracecraft.json'), JSON.stringify(config));
    await trustConfig();
    const shop = await open(undefined, { destination: undefined });
    expect(shop).toMatchObject({ project: 'own', agent: 'ann', location: join(folder, 'bucket') });
  });

  it('refuses an untrusted config, and changes nothing', async () => {
    const config = { backend: 'local', bucket: 'theirs', project: 'own', agent_id: 'ann' };
    await writeFile(join(folder, '.tracecraft.json'), JSON.stringify(config));
    for (const agent of [undefined, 'ann']) {
      const opening = open(agent, { destination: undefined });
      await expect(opening).rejects.toThrow(NotAllowedError);
      await expect(opening).rejects.toMatchObject({
        exitCode: 7,
        message: expect.stringContaining(`the folder "${join(folder, 'theirs')}"`),
        hint: expect.stringContaining('never trusts a config by itself'),
      });
    }
    expect(await readdir(folder)).toEqual(['.tracecraft.json']);
    expect((await open('x')).project).toBe('shop');
  });

  it('reports what is missing', async () => {
    await expect(open('ann', { destination: undefined })).rejects.toThrow(NotFoundError);
    await expect(open('../ann')).rejects.toThrow(UsageError);
    const nobody = await open(undefined);
    await expect(nobody.claim('build')).rejects.toThrow('no agent is named');
    expect(await nobody.steps()).toEqual([]);
  });
});

describe('a step', () => {
  it('is won by one of many simultaneous claims', async () => {
    const agents = await Promise.all(Array.from({ length: 12 }, (_, n) => open(`agent-${n}`)));
    const answers = await Promise.all(agents.map((one) => one.claim('build')));
    const winners = answers.flatMap((answer, n) => (answer.claimed ? [`agent-${n}`] : []));
    const holders = answers.flatMap((one) => (one.claimed ? [] : [one.holder.agent]));
    expect(winners).toHaveLength(1);
    expect(new Set(holders)).toEqual(new Set(winners));
  });

  it('is ended only by its holder, and handed over', async () => {
    const [ann, bob] = [await open('ann'), await open('bob')];
    await ann.claim('build', { ttlMs: null });
    await expect(bob.complete('build')).rejects.toThrow(LostError);
    await writeFile(join(folder, 'a.diff'), 'x');
    await ann.artifacts.upload('a.diff', { step: 'build' });
    const report = { note: 'done', nextAgent: 'bob', artifacts: ['a.diff'], changedFiles: ['a'] };
    await ann.complete('build', report);
    const handoff = { from: 'ann', note: 'done', nextAgent: 'bob', changedFiles: ['a'] };
    expect(await bob.handoff('build')).toMatchObject({ ...handoff, artifacts: ['build/a.diff'] });
    expect(await bob.waitFor('build', { timeoutMs: 0 })).toMatchObject([{ status: 'complete' }]);
    expect(await bob.claim('build')).toMatchObject({ claimed: false, reason: 'done' });
    expect(await bob.claim('build', { reopen: true })).toMatchObject({ epoch: 2 });
    await bob.release('build');
    expect(await bob.handoff('none')).toBeUndefined();
    await expect(bob.waitFor(['none'], { timeoutMs: 0 })).rejects.toThrow(TimedOutError);
  });

  it('ended twice keeps the first report, and says so', async () => {
    const ann = await open('ann');
    await ann.claim('build');
    await ann.complete('build', { note: 'first' });
    expect(await ann.complete('build', { note: 'first' })).toMatchObject({ note: 'first' });
    expect(warnings).toEqual([expect.stringContaining('its handoff is unchanged')]);
    await expect(ann.complete('build', { note: 'second' })).rejects.toThrow('with another note');
    expect(await ann.handoff('build')).toMatchObject({ note: 'first' });
  });
});

describe('a plan', () => {
  it('is completed in the order of its needs, with a review on the way', async () => {
    const [ann, bob] = [await open('ann'), await open('bob')];
    const steps = [{ id: 'Design' }, { id: 'build', needs: ['design'], priority: 1 }];
    expect(await ann.plan(steps)).toEqual(['design', 'build']);
    expect(await ann.plan(steps)).toEqual([]);
    await expect(ann.plan([{ id: 'a', needs: ['a'] }])).rejects.toThrow(UsageError);
    expect((await ann.ready()).map(({ step }) => step)).toEqual(['design']);
    expect(await ann.claimNext()).toMatchObject({ step: 'design', epoch: 1 });
    await expect(bob.claimNext()).rejects.toThrow(TimedOutError);
    await ann.complete('design', { outcome: 'needs_review' });
    await expect(ann.approve('design')).rejects.toThrow(LostError);
    expect(await bob.reject('design', { note: 'no errors' })).toMatchObject({ step: 'design' });
    expect((await ann.newMail()).messages).toMatchObject([{ from: 'bob', step: 'design' }]);
    await ann.claimNext();
    await ann.complete('design', { outcome: 'needs_review' });
    expect(await bob.approve('design', { note: 'good' })).toMatchObject({ outcome: 'complete' });
    expect(await bob.claimNext({ timeoutMs: 0 })).toMatchObject({ step: 'build' });
    await bob.complete('build');
    await expect(bob.claimNext()).rejects.toThrow(NotFoundError);
  });
});

describe('a run', () => {
  it('completes its step with the work, blocks it with the error, and is won once', async () => {
    const [ann, bob] = [await open('ann'), await open('bob')];
    await ann.plan([{ id: 'first' }, { id: 'second', needs: ['first'] }]);
    await expect(bob.claim('second')).rejects.toThrow(BlockedError);
    await expect(bob.run('second', async () => 0)).rejects.toThrow(BlockedError);
    const done = await ann.run(
      'first',
      async ({ step, epoch, signal }) => {
        expect(await bob.run('first', async () => 'never')).toMatchObject({
          claimed: false,
          reason: 'held',
          holder: { agent: 'ann' },
        });
        return [step, epoch, signal.aborted];
      },
      { note: 'said', nextAgent: 'bob' },
    );
    expect(done).toMatchObject({ outcome: 'complete', value: ['first', 1, false] });
    expect(await bob.handoff('first')).toMatchObject({ note: 'said', nextAgent: 'bob' });
    const failed = bob.run('second', async () => {
      throw new RangeError('no disk');
    });
    await expect(failed).rejects.toThrow(RangeError);
    expect(await ann.handoff('second')).toMatchObject({
      outcome: 'blocked',
      note: expect.stringContaining('no disk'),
    });
    const lock = await ann.run('lock', async () => 1, { isLock: true });
    expect(lock).toMatchObject({ outcome: 'released' });
  });

  it('that lost its step tells the work, and throws', async () => {
    const [ann, bob] = [await open('ann'), await open('bob')];
    const lost = ann.run(
      'taken',
      async ({ signal }) => {
        await bob.complete('taken', { force: true });
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
      { ttlMs: 1_000 },
    );
    await expect(lost).rejects.toThrow(LostError);
  });
});

describe('sent mail', () => {
  it('is seen and acknowledged', async () => {
    const [ann, bob] = [await open('ann'), await open('bob')];
    const { id } = await ann.send('bob', 'look', { asksForAck: true });
    expect(await ann.outbox()).toMatchObject([{ id, asksForAck: true, seenBy: [], ackedBy: [] }]);
    await (await bob.newMail()).markSeen();
    await bob.acknowledge(id);
    expect(await ann.outbox()).toMatchObject([{ seenBy: ['bob'], ackedBy: [{ agent: 'bob' }] }]);
    await expect(bob.acknowledge('0badcafe')).rejects.toThrow(NotFoundError);
  });
});

describe('mail and memory', () => {
  it('stays new until it has been dealt with', async () => {
    const [ann, bob] = [await open('ann'), await open('bob')];
    const { id } = await ann.send('bob', 'one', { step: 'build' });
    await ann.broadcast('two', { replyTo: id });
    expect((await bob.newMail()).messages).toHaveLength(2);
    const { messages, markSeen } = await bob.newMail();
    expect(messages).toMatchObject([
      { from: 'ann', kind: 'direct', message: 'one', step: 'build' },
      { from: 'ann', kind: 'broadcast', message: 'two', replyTo: id },
    ]);
    expect(await markSeen()).toBe(true);
    expect((await bob.newMail()).messages).toEqual([]);
    expect(await bob.inbox()).toHaveLength(2);
  });

  it('from a full mailbox is limited to the newest, with a warning', async () => {
    const [ann, bob] = [await open('ann'), await open('bob')];
    for (const text of ['one', 'two', 'three']) await ann.send('bob', text);
    const shown = await bob.inbox({ limit: 2 });
    expect(shown.map(({ message }) => message)).toEqual(['two', 'three']);
    expect(warnings).toEqual([expect.stringMatching(/^1 older message/)]);
    await expect(bob.inbox({ limit: 0 })).rejects.toThrow(UsageError);
  });

  it('is set by one of many who expect the same version', async () => {
    const agents = await Promise.all(Array.from({ length: 8 }, (_, n) => open(`agent-${n}`)));
    const answers = await Promise.all(
      agents.map((one, n) => one.memory.set('owner', n, { ifAbsent: true })),
    );
    expect(answers.filter(({ written }) => written)).toHaveLength(1);
    const [ann] = agents;
    await ann?.memory.delete('owner');
    expect(await ann?.memory.get('owner')).toBeUndefined();
    expect(await ann?.memory.list()).toEqual([]);
  });

  it('is shared unchanged with a warning, or without its secrets', async () => {
    const [ann, bob] = [await open('ann'), await open('bob', { redact: true })];
    await ann.send('bob', `use ${secret}`);
    await bob.memory.set('key', { token: secret });
    expect((await bob.inbox())[0]?.message).toBe(`use ${secret}`);
    expect(JSON.stringify(await ann.memory.get('key'))).toContain('[REDACTED:github-token]');
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).not.toContain(secret);
  });
});

describe('a session', () => {
  it('is mirrored once, redacted', async () => {
    const id = sessionUuid();
    const context = { sessionId: id, cwd: '/work/shop' };
    const path = join(folder, '.claude', 'projects', '-work-shop', `${id}.jsonl`);
    await new Transcript(path).append(userRow(`deploy with ${secret}`, context));
    const ann = await open(undefined);
    const request = { harness: 'claude-code', cwd: '/work' };
    expect(await ann.mirrorSession(request)).toEqual({
      ...request,
      cwd: undefined,
      sessionId: id,
      parts: 1,
    });
    expect(await ann.mirrorSession({ ...request, sessionId: id })).toMatchObject({ parts: 0 });
    const files = await readdir(join(folder, 'bucket'), { recursive: true });
    const part = files.find((file) => file.includes(id) && /part-.*\.jsonl$/.test(file)) ?? '';
    const text = await readFile(join(folder, 'bucket', part), 'utf8');
    expect(text).toContain('deploy with [REDACTED:github-token]');
    await expect(ann.mirrorSession({ harness: 'codex' })).rejects.toThrow(NotFoundError);
  });

  it('is summed up, and laid back once for its harness to resume', async () => {
    const id = sessionUuid();
    const row = userRow('sharpen the saws', { sessionId: id, cwd: folder });
    await new Transcript(join(folder, '.claude', 'projects', '-w', `${id}.jsonl`)).append(row);
    const ann = await open('ann');
    await ann.mirrorSession({ harness: 'claude-code', sessionId: id });
    const brief = await ann.brief('sharpen saws', { bytes: 4_096 });
    expect(brief).toMatchObject({ sessionId: id, harness: 'claude-code', unread: [] });
    expect(brief.markdown).toContain('> sharpen the saws');
    expect(await ann.restore(id)).toMatchObject({ state: 'already-here', mode: 'verbatim' });
    const copied = await ann.restore(id.slice(0, 8), { mode: 'as-new', into: 'elsewhere' });
    expect(copied).toMatchObject({ state: 'restored', sessionId: id, mode: 'as-new', lines: 1 });
    expect(copied.cwd).toBe(await realpath(folder));
    expect(copied.commands.at(-1)?.slice(0, 3)).toEqual(['claude', '--resume', copied.restoredId]);
    const [file] = copied.files;
    expect(file?.path.startsWith(join(await realpath(folder), 'elsewhere', '.claude'))).toBe(true);
    expect(await readFile(file?.path ?? '', 'utf8')).toContain('sharpen the saws');
    await expect(ann.restore('no-such-session')).rejects.toThrow(NotFoundError);
  });
});

/** Puts a pack that has this text for a session's only part. */
async function publishPack(root: string, session: string, text: string): Promise<void> {
  const name = partName(0, 0, 0);
  const { size, mtimeMs } = await stat(join(session, name));
  const prefix = `${relative(root, session)}/`;
  const part = {
    prefix,
    name,
    size,
    modifiedMs: Math.round(mtimeMs),
    md5: '',
    startLine: 0,
    endLine: 1,
  };
  const writer = new PackWriter();
  const row = { role: 'user', tool: undefined, atMs: undefined, id: undefined } as const;
  writer.add(part, [{ ...row, line: 0, text }]);
  const bytes = writer.finish();
  await writeObject(root, `search/v1/${'a'.repeat(16)}/${packName(bytes)}`, bytes);
}

describe('a search', () => {
  it('finds what was said and told, and what could not be read', async () => {
    const ann = await open('ann');
    await ann.send('ben', 'the checkoutTotal is off');
    await ann.memory.set('shop.owner', 'ben');
    const rows = [{ type: 'user', message: { role: 'user', content: 'why is checkout slow?' } }];
    const session = join(folder, 'bucket', 'shop', 'sessions', 'claude-code', 'one');
    await mkdir(session, { recursive: true });
    await writeFile(
      join(session, partName(0, 0, 0)),
      rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
    );
    expect(await ann.search('checkout')).toMatchObject({
      hits: [
        { kind: 'session', session: 'one', line: 0, role: 'user', text: 'why is checkout slow?' },
        { kind: 'mail', from: 'ann', to: 'ben', text: 'the checkoutTotal is off' },
      ],
      unread: [],
    });
    // A pack that says something else than its part is noticed, so it was used.
    await publishPack(join(folder, 'bucket', 'shop'), session, 'why is checkout so quick?');
    expect((await ann.search('checkout', { kinds: ['session'] })).hits).toMatchObject([
      { text: 'why is checkout slow?' },
    ]);
    expect((await ann.search('slow', { kinds: ['session'] })).hits).toEqual([]);
    expect((await ann.search('slow', { kinds: ['session'], scan: true })).hits).toHaveLength(1);
    const ben = await ann.search(['ben', 'owner'], { kinds: ['memory'] });
    expect(ben.hits).toMatchObject([{ kind: 'memory', id: 'shop.owner' }]);
    expect((await ann.search('checkout', { role: 'assistant' })).hits).toEqual([]);
    await writeFile(join(folder, 'bucket', 'shop', 'memory', 'shop.owner.json'), 'torn');
    expect((await ann.search('checkout')).unread).toEqual([
      expect.stringContaining('memory/shop.owner.json'),
    ]);
  });
});

describe('usage and an export', () => {
  async function mirrored(): Promise<{ ann: Tracecraft; id: string }> {
    const id = sessionUuid();
    const context = { sessionId: id, cwd: folder, timestamp: '2026-10-31T23:40:00.000Z' };
    const row = assistantRow('six sheep', 'claude-opus-5-5', context);
    const usage = { input_tokens: 100, cache_read_input_tokens: 1_000, output_tokens: 400 };
    const message = { ...Object(row.message), id: 'msg_1', usage };
    await new Transcript(join(folder, '.claude', 'projects', '-w', `${id}.jsonl`)).append(
      userRow('count the sheep', context),
      { ...row, message },
    );
    const ann = await open('ann');
    await ann.mirrorSession({ harness: 'claude-code', sessionId: id });
    return { ann, id };
  }

  it('tells what sessions used, in any zone', async () => {
    const { ann, id } = await mirrored();
    const figures = {
      inputUncached: 100,
      cacheRead: 1_000,
      cacheWrite: 0,
      output: 400,
      reasoning: 0,
      calls: 1,
      listPriceUsd: 0.0086,
    };
    expect(await ann.usage({ timeZone: 'UTC' })).toMatchObject({
      timeZone: 'UTC',
      rows: [{ group: '2026-10-31', ...figures }],
      total: figures,
      unpricedModels: [],
      reportedUsd: null,
      sessions: 1,
      sessionsNotCounted: 0,
      linesNotCounted: 0,
    });
    const { rows } = await ann.usage({ timeZone: 'Europe/Berlin' });
    expect(rows).toMatchObject([{ group: '2026-11-01' }]);
    expect((await ann.usage({ by: 'session' })).rows).toMatchObject([{ group: id, calls: 1 }]);
    const since = new Date('2026-11-01');
    expect(await ann.usage({ since })).toMatchObject({ rows: [], total: { calls: 0 } });
    expect(await ann.usage({ until: since })).toMatchObject({ total: { calls: 1 } });
    expect(warnings).toEqual([]);
  });

  it('writes tables once, and says what each has', async () => {
    const { ann, id } = await mirrored();
    const wish = { to: 'tables', format: 'jsonl' } as const;
    const first = await ann.export(wish);
    expect(first).toMatchObject({
      location: join(folder, 'tables'),
      sessions: 1,
      rows: { entries: 2, sessions: 1 },
      unread: 0,
    });
    const name = first.written.find((one) => one.startsWith('entries/')) ?? '';
    const lines = (await readFile(join(folder, 'tables', name), 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).text)).toEqual(['count the sheep', 'six sheep']);
    expect(await ann.export(wish)).toMatchObject({ written: [], rows: first.rows });
    const named = await ann.export({ to: 'one', sessions: [id.slice(0, 8)] });
    expect(named).toMatchObject({ sessions: 1, rows: { entries: 2 } });
    const late = await ann.export({ to: 'late', since: new Date('2030-01-01') });
    expect(late).toMatchObject({ sessions: 0 });
    await expect(ann.export({ to: 'two', sessions: ['abacus'] })).rejects.toThrow(NotFoundError);
  });

  it('refuses to write a secret that the mirror left', async () => {
    const { ann, id } = await mirrored();
    const session = join(folder, 'bucket', 'shop', 'sessions', 'claude-code', id);
    const files = await readdir(session, { recursive: true });
    const part = join(session, files.find((file) => /part-.*\.jsonl$/.test(file)) ?? '');
    await writeFile(part, (await readFile(part, 'utf8')).replace('six sheep', secret));
    const refused = await ann.export({ to: 'tables' }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RefusedError);
    expect(String(refused)).not.toContain(secret);
    await expect(readdir(join(folder, 'tables'))).rejects.toThrow('ENOENT');
  });
});

describe('untyped input', () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  const wrong: readonly (readonly [string, (ann: Tracecraft) => unknown])[] = [
    ['no step', (ann) => Reflect.apply(ann.claim, ann, [])],
    ['a step that is a path', (ann) => ann.claim('../../x')],
    ['a TTL that is no number', (ann) => ann.claim('x', { ttlMs: Number.NaN })],
    ['an outcome', (ann) => Reflect.apply(ann.complete, ann, ['x', { outcome: 'done' }])],
    ['files', (ann) => Reflect.apply(ann.complete, ann, ['x', { changedFiles: 'abc' }])],
    ['a note', (ann) => Reflect.apply(ann.complete, ann, ['x', { note: 5 }])],
    ['no timeout', (ann) => Reflect.apply(ann.waitFor, ann, ['x'])],
    ['an empty message', (ann) => ann.send('bob', '')],
    ['a message id', (ann) => ann.send('bob', 'hi', { replyTo: 'x' })],
    ['no value', (ann) => ann.memory.set('a', undefined)],
    ['a number that JSON has not', (ann) => ann.memory.set('a', 1n)],
    ['a value within itself', (ann) => ann.memory.set('a', circle)],
    ['no folder', (ann) => Reflect.apply(ann.artifacts.download, ann, ['x'])],
    ['a folder as a file', (ann) => ann.artifacts.upload('.')],
    ['no harness', (ann) => Reflect.apply(ann.mirrorSession, ann, [])],
    ['a brief of nothing', (ann) => ann.brief('')],
    ['a brief of 10 bytes', (ann) => ann.brief('one', { bytes: 10 })],
    ['a harness that there is not', (ann) => ann.restore('one', { harness: 'abacus' })],
    ['another way', (ann) => Reflect.apply(ann.restore, ann, ['one', { mode: 'as-old' }])],
    ['a grouping that there is not', (ann) => Reflect.apply(ann.usage, ann, [{ by: 'moon' }])],
    ['a time that is none', (ann) => ann.usage({ since: new Date(Number.NaN) })],
    ['a time zone that is none', (ann) => ann.usage({ timeZone: 'Mars/Olympus' })],
    ['an export to nowhere', (ann) => Reflect.apply(ann.export, ann, [])],
    [
      'a format that there is not',
      (ann) => Reflect.apply(ann.export, ann, [{ to: 'x', format: 'csv' }]),
    ],
    ['sessions and a time', (ann) => ann.export({ to: 'x', sessions: ['a'], since: new Date() })],
    ['a list of no sessions', (ann) => ann.export({ to: 'x', sessions: [] })],
    ['half a generation', (ann) => ann.restore('one', { generation: 0.5 })],
  ];

  it.each(wrong)('is refused by name: %s', async (_, call) => {
    await expect(call(await open('ann'))).rejects.toThrow(UsageError);
  });
});
