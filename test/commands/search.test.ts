import { readdir, readFile, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { partName } from '../../src/protocol/parts.js';
import { writeObject } from '../support/generated-run.js';
import { type CliResult, type CliWorld, createCliWorld } from '../support/run-cli.js';

let world: CliWorld;
let root = '';

const at = (minute: number) => `2026-11-0${minute % 9 === 0 ? 9 : minute % 9}T10:00:00.000Z`;

function said(minute: number, role: 'user' | 'assistant', content: unknown): object {
  return { type: role, uuid: `u${minute}`, timestamp: at(minute), message: { role, content } };
}

async function session(
  harness: string,
  id: string,
  rows: readonly object[],
  more: object = {},
): Promise<void> {
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  await writeObject(root, `sessions/${harness}/${id}/${partName(0, 0, 0)}`, text);
  const meta = { schema_version: 2, harness, session_id: id, total_lines: rows.length, ...more };
  await writeObject(root, `sessions/${harness}/${id}/meta.json`, JSON.stringify(meta));
}

/** The hits, and the totals behind them. */
function answerOf({ stdout }: CliResult) {
  const lines = stdout.trimEnd().split('\n');
  const values = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const { data } = values.pop() ?? {};
  return { hits: values, totals: data as Record<string, unknown> };
}

it('a search where no session was mirrored yet says how to mirror some', async () => {
  const empty = await createCliWorld();
  try {
    await empty.run(['init']);
    const nothing = await empty.run(['search', 'checkout']);
    expect(nothing.code).toBe(3);
    expect(nothing.stderr).toContain('No session is in this project yet: "tracecraft watch"');
    expect(nothing.stderr).not.toContain('--substring');
    const narrowed = await empty.run(['search', 'checkout', '--harness', 'pi']);
    expect(narrowed.stderr).toContain('More is searched without --harness');
  } finally {
    await empty.remove();
  }
});

describe('search', () => {
  beforeAll(async () => {
    world = await createCliWorld();
    await world.run(['init', '--project', 'run', '--agent', 'anna']);
    root = join(world.home, '.tracecraft', 'bucket', 'run');
    await session(
      'claude-code',
      '8b418ea5-0000-4000-8000-000000000001',
      [
        said(1, 'user', 'Why does checkout_total fail?'),
        said(2, 'assistant', [
          { type: 'tool_use', id: 'c', name: 'Bash', input: { command: 'make' } },
        ]),
        said(3, 'user', [{ type: 'tool_result', tool_use_id: 'c', content: 'ENOSPC: no space' }]),
        { type: 'mode', mode: 'checkout' },
        said(4, 'assistant', [{ type: 'text', text: 'The checkoutTotal has no space.' }]),
      ],
      { agent_id: 'anna', cwd: '/work/shop', title: 'Fix the checkout', last_uploaded_at: at(4) },
    );
    await session(
      'hermes',
      '20261107_1',
      [
        {
          op: 'insert',
          id: 1,
          role: 'user',
          content: 'pack for the trip',
          timestamp: 1_793_900_000,
        },
        {
          op: 'update',
          id: 1,
          role: 'user',
          content: 'pack for the trip',
          timestamp: 1_793_900_000,
        },
        { op: 'insert', id: 2, role: 'assistant', content: 'no checkout before nine' },
      ],
      { agent_id: 'ben', last_uploaded_at: at(7) },
    );
    await session('unheard-of', 'x1', [{ note: 'a checkout of another kind' }], {
      last_uploaded_at: at(8),
    });
  });

  afterAll(() => world.remove());

  it('finds words in every harness, the newest session first, and says that it read everything', async () => {
    const found = await world.run(['search', 'checkout', '--json']);
    const { hits, totals } = answerOf(found);
    expect(found.code).toBe(0);
    expect(hits.map(({ harness, line, role }) => [harness, line, role])).toEqual([
      ['unheard-of', 0, 'system'],
      ['hermes', 2, 'assistant'],
      ['claude-code', 4, 'assistant'],
      ['claude-code', 0, 'user'],
    ]);
    expect(hits[3]).toEqual({
      kind: 'session',
      session: '8b418ea5-0000-4000-8000-000000000001',
      harness: 'claude-code',
      stream: '',
      generation: 0,
      line: 0,
      role: 'user',
      tool: null,
      at: at(1),
      title: 'Fix the checkout',
      snippet: 'Why does checkout_total fail?',
    });
    expect(totals).toMatchObject({
      hits: 4,
      sessions: 3,
      lines: 9,
      coverage: 'listed',
      unread: [],
    });
  });

  it('shows a repeated state once, and sessions whose rows contain the words between them', async () => {
    const trip = await world.run(['search', 'trip', '--json']);
    expect(answerOf(trip).hits).toHaveLength(1);
    const spread = await world.run(['search', 'ENOSPC', 'checkoutTotal']);
    expect(spread).toMatchObject({ code: 0 });
    expect(spread.stdout).toContain('8b418ea5');
    expect(spread.stdout).toContain('in no single row');
  });

  it('narrows by role, tool, agent, folder and time', async () => {
    const linesOf = async (...flags: readonly string[]) =>
      answerOf(await world.run(['search', 'checkout', '--json', ...flags])).hits.map(
        ({ harness, line }) => `${String(harness)} ${String(line)}`,
      );
    expect(await linesOf('--agent', 'ben')).toEqual(['hermes 2']);
    expect(await linesOf('--cwd', '/work', '--role', 'user')).toEqual(['claude-code 0']);
    expect(await linesOf('--since', at(2), '--harness', 'claude-code')).toEqual(['claude-code 4']);
    const tool = await world.run(['search', 'make', '--tool', 'bash', '--json']);
    expect(answerOf(tool).hits).toHaveLength(1);
  });

  it('finds mail, memory and handoffs, and names the command that shows them', async () => {
    await world.run(['send', 'ben', 'the invoice total is off']);
    await world.run(['memory', 'set', 'invoice.owner', 'ben']);
    await world.run(['claim', 'billing']);
    await world.run(['complete', 'billing', '--note', 'invoice done']);
    const found = await world.run(['search', 'invoice', '--json']);
    const { hits, totals } = answerOf(found);
    expect(hits).toMatchObject([
      { kind: 'mail', from: 'anna', to: 'ben', text: 'the invoice total is off' },
      { kind: 'memory', id: 'invoice.owner', open: 'tracecraft memory get invoice.owner' },
      { kind: 'handoff', id: 'billing', open: 'tracecraft handoff billing --epoch 1' },
    ]);
    expect(totals).toMatchObject({ hits: 3, coverage: 'listed' });
    const mail = await world.run(['search', 'invoice', '--kind', 'mail']);
    expect(mail.stdout).toContain('anna → ben');
    expect(mail.stdout).toContain('tracecraft outbox --since 1d');
    expect(
      answerOf(await world.run(['search', 'invoice', '--role', 'user', '--json'])).hits,
    ).toEqual([]);
    const both = await world.run(['search', 'invoice', '--role', 'user', '--kind', 'mail']);
    expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('--role is about') });
  });

  it('prints ids that show accepts', async () => {
    const { stdout } = await world.run(['search', 'ENOSPC']);
    const [, id = '', line = ''] = /^(\S+):(\d+) /.exec(stdout) ?? [];
    const shown = await world.run(['session', 'show', id, '--around', line, '--calls']);
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('ENOSPC') });
    expect(stdout).toContain('tool');
    expect(stdout).toContain('ENOSPC: no space');
  });

  it('reports an empty result, and an invalid query', async () => {
    const nothing = await world.run(['search', 'nowhere', 'checkout']);
    expect(nothing).toMatchObject({ code: 3, stdout: '' });
    expect(nothing.stderr).toContain('complete: 3 sessions, 9 lines');
    expect(await world.run(['search', '--regex', '('])).toMatchObject({ code: 2 });
  });

  describe('once everything is packed', () => {
    const packs = async () => {
      const home = join(world.home, '.cache', 'tracecraft', 'search');
      const names = await readdir(home, { recursive: true }).catch(() => []);
      return names.filter((name) => name.endsWith('.pack'));
    };
    const id = '8b418ea5-0000-4000-8000-000000000001';

    beforeEach(async () => {
      // What was written just now is not kept yet.
      for (const name of await readdir(join(root, 'sessions'), { recursive: true })) {
        await utimes(join(root, 'sessions', name), 1_700_000_000, 1_700_000_000);
      }
      expect(await world.run(['search', 'index'])).toMatchObject({ code: 0 });
    });

    afterEach(() => world.run(['search', 'index', '--purge']));

    it('answers the same, and reads no part unless asked to', async () => {
      const packed = answerOf(await world.run(['search', 'checkout', '--json']));
      const scanned = answerOf(await world.run(['search', 'checkout', '--json', '--scan']));
      expect(packed.hits).toEqual(scanned.hits);
      expect(packed.totals).toMatchObject({ coverage: 'listed', hits: 4, scanned_bytes: 0 });
      expect(scanned.totals.scanned_bytes).toBeGreaterThan(500);
      expect(await packs()).toHaveLength(1);
      expect(await world.run(['search', 'index', '--json', '--purge'])).toMatchObject({ code: 0 });
      expect(await packs()).toEqual([]);
    });

    it('finds the word index, too', async () => {
      const found = await world.run(['search', '--', 'index']);
      expect(found).toMatchObject({
        code: 3,
        stderr: expect.stringContaining('nothing found for index'),
      });
    });

    it('forgets a removed session at once', async () => {
      const path = join(root, 'sessions', 'claude-code', id);
      const kept = await readdir(path);
      const before = await Promise.all(kept.map((name) => readFile(join(path, name))));
      expect(await world.run(['session', 'remove', id, '--yes'])).toMatchObject({ code: 0 });
      expect(await packs()).toEqual([]);
      expect(await world.run(['session', 'remove', id, '--undo'])).toMatchObject({ code: 0 });
      for (const [n, name] of kept.entries()) {
        await writeObject(root, `sessions/claude-code/${id}/${name}`, before[n] ?? '');
      }
    });

    it('forgets a session out of which a secret was taken', async () => {
      const secret = `ghp_${'a1B2c3D4e5F6g7H8i9J0'.repeat(2).slice(0, 36)}`;
      await session('codex', 'leaky', [
        { type: 'event_msg', payload: { type: 'user_message', message: secret } },
      ]);
      await utimes(
        join(root, 'sessions/codex/leaky', partName(0, 0, 0)),
        1_700_000_000,
        1_700_000_000,
      );
      await world.run(['search', 'index']);
      expect(await packs()).toHaveLength(2);
      expect(await world.run(['search', secret])).toMatchObject({ code: 0 });
      expect(await world.run(['redact', 'scan', '--fix'])).toMatchObject({ code: 0 });
      expect(await packs()).toHaveLength(1);
      expect(await world.run(['search', secret])).toMatchObject({ code: 3 });
      await rm(join(root, 'sessions/codex/leaky'), { recursive: true });
    });
  });

  it('does not call a result complete if lines are missing', async () => {
    await session('codex', 'torn', [{ type: 'x' }], { total_lines: 5, last_uploaded_at: at(9) });
    const found = await world.run(['search', 'nowhere', '--json']);
    expect(found.code).toBe(10);
    expect(answerOf(found).totals).toMatchObject({
      coverage: 'partial',
      unread: [{ session: 'codex/torn', missing: '4 of 5 lines' }],
    });
    await session('codex', 'gap', [{ type: 'x' }], { total_lines: 1, last_uploaded_at: at(9) });
    await writeObject(root, `sessions/codex/gap/${partName(2, 0, 2)}`, '{"type":"nowhere"}\n');
    const gap = await world.run(['search', 'nowhere', '--harness', 'codex', '--json']);
    expect(answerOf(gap).totals).toMatchObject({
      coverage: 'partial',
      unread: expect.arrayContaining([
        { session: 'codex/gap', missing: 'what follows line 1' },
      ]) as unknown,
    });
    const names = await readdir(join(root, 'sessions', 'codex'));
    for (const name of names) await rm(join(root, 'sessions', 'codex', name), { recursive: true });
  });

  it('stops at the limit, and says so', async () => {
    const found = await world.run(['search', 'checkout', '--limit', '1', '--json']);
    expect(answerOf(found)).toMatchObject({
      hits: [{ harness: 'unheard-of' }],
      totals: { coverage: 'stopped' },
    });
  });
});
