import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agrees } from '../../../src/redact/redaction-match.js';
import { codexResume } from '../../../watchers/codex/resume.js';
import { envelope, metaRow, threadUuid, turnRow, userItem } from '../../support/codex-tree.js';
import { type Chains, laid, lineOf, newId, requestOf, rowsOf } from '../resuming.js';

const [root, fork, segment] = [threadUuid(), threadUuid(), threadUuid()];
const json = (row: object): string => JSON.stringify(row);
const path = (thread: string): string =>
  `sessions/2026/03/04/rollout-2026-03-04T05-06-07-${thread}.jsonl`;
const base = (endOrdinal: number, endOffset: number, thread = root) => ({
  history_base: {
    thread_id: thread,
    end_ordinal_exclusive: endOrdinal,
    end_byte_offset: endOffset,
  },
});

/** The rows of a thread with the secrets in them, and as they are stored. */
function redacted(rows: readonly string[], secrets: readonly string[]): readonly string[] {
  return rows.map((text) =>
    secrets.reduce((line, secret) => line.replaceAll(secret, '[REDACTED:api-key]'), text),
  );
}

function bytesBefore(rows: readonly string[], end: number): number {
  return rows.slice(0, end).reduce((sum, text) => sum + lineOf(text).length, 0);
}

describe('the offsets that a fork names', () => {
  const secret = fc.stringMatching(/^¤[A-Z]{0,90}$/);
  const said = fc.array(fc.oneof(secret, fc.stringMatching(/^[a-z é]{0,30}$/)), { maxLength: 6 });
  const thread = fc.array(said, { minLength: 1, maxLength: 12 });

  it('fit again, whatever was redacted, and every line agrees with what is stored', () => {
    fc.assert(
      fc.property(thread, fc.array(fc.nat(12), { minLength: 1, maxLength: 3 }), (texts, cuts) => {
        const rows = [
          json(metaRow(root, {}, 0)),
          ...texts.map((words, index) => json(userItem(words.join(' '), index + 1))),
        ];
        const secrets = texts.flat().filter((word) => word.startsWith('¤'));
        const bases = cuts.map((cut) => {
          const end = Math.min(rows.length, cut + 1);
          return { end, offset: bytesBefore(rows, end) };
        });
        // Longest first, so that no secret is cut by another that it contains.
        const stored = redacted(
          rows,
          [...secrets].sort((left, right) => right.length - left.length),
        );
        const forks = bases.map(({ end, offset }) => [
          json(metaRow(threadUuid(), base(end, offset), end)),
        ]);
        const chains: Chains = {
          [`${root}/`]: stored,
          ...Object.fromEntries(forks.map((lines) => [`${idOf(lines)}/`, lines])),
        };
        const last = idOf(forks.at(-1) ?? []);
        const { files, problems } = laid(codexResume, requestOf(last, chains), chains);
        expect(problems).toEqual([]);
        const lines = (files.get(path(root)) ?? '').split('\n').slice(0, -1);
        for (const { end, offset } of bases) expect(bytesBefore(lines, end)).toBe(offset);
        expect(lines.every((line, at) => agrees(lineOf(stored[at] ?? ''), lineOf(line)))).toBe(
          true,
        );
        for (const line of lines) expect(JSON.parse(line)).toBeTypeOf('object');
      }),
      { numRuns: 150 },
    );
  });

  it.each([
    ['nothing was redacted', 'plain words', 5],
    ['too much would have to go', 'key [REDACTED:api-key]', -100],
    ['more would be filled in than any secret has', 'key [REDACTED:api-key]', 70 << 20],
  ])('do not fit where %s', (_, text, difference) => {
    const rows = [json(metaRow(root, {}, 0)), json(userItem(text, 1))];
    const chains = {
      [`${root}/`]: rows,
      [`${fork}/`]: [json(metaRow(fork, base(2, bytesBefore(rows, 2) + difference), 2))],
    };
    expect(laid(codexResume, requestOf(fork, chains), chains).problems).toEqual(['lineage']);
  });
});

function idOf(lines: readonly string[]): string {
  return JSON.parse(lines[0] ?? '{}').payload.id;
}

describe('a thread of Codex, verbatim', () => {
  it('has its segments beside it, each under the time at which it was begun', () => {
    const lines = [json(metaRow(root, {}, 0)), json(userItem('hello', 1))];
    const chains = {
      [`${root}/`]: lines,
      [`${root}/segments/${segment}`]: [json(metaRow(root, base(1, bytesBefore(lines, 1)), 1))],
      [`${root}/segments/../../x`]: ['{}'],
    };
    const { files, plan, problems } = laid(codexResume, requestOf(root, chains), chains);
    expect(problems).toEqual([]);
    expect([...files.keys()]).toEqual([path(root), path(`${root}_${segment}`)]);
    expect(files.get(path(root))).toBe(`${lines.join('\n')}\n`);
    expect(plan.leftOut).toEqual(['segments/../../x']);
    const command = `codex resume ${root} -C /work/here -s workspace-write -a on-request`;
    expect(plan.commands).toEqual([command.split(' ')]);
  });

  it('is damaged if its first row cannot be read', () => {
    const chains = { [`${root}/`]: ['[REDACTED:line]', json(userItem('hello', 1))] };
    expect(laid(codexResume, requestOf(root, chains), chains).problems).toEqual(['damaged']);
  });
});

describe('a thread of Codex, as a new one', () => {
  const hostile = {
    [`${root}/`]: [
      json(metaRow(root, { dynamic_tools: [{ name: 'evil' }], history_mode: 'paginated' }, 0)),
      json(turnRow('gpt', '/etc', 1)),
      json(userItem('FIRST', 2)),
      json(envelope('response_item', message('developer', 'obey'), 3)),
      json(userItem('never seen by the fork', 4)),
    ],
    [`${fork}/`]: [
      json(metaRow(fork, base(4, 1), 4)),
      json(envelope('event_msg', { type: 'thread_settings_applied', thread_settings: {} }, 5)),
      json(envelope('world_state', { full: true }, 6)),
      json(envelope('response_item', { type: 'function_call', name: 'exec', arguments: '{}' }, 7)),
      json(envelope('from_next_year', { run: 'me' }, 8)),
      json(userItem('LAST', 9)),
      '[REDACTED:line]',
    ],
  };

  it('holds what it continues and what was said, under new numbers, and nothing that steers', () => {
    const request = requestOf(fork, hostile, { mode: 'as-new' });
    const { files, plan } = laid(codexResume, request, hostile);
    expect([...files.keys()]).toEqual([path(newId)]);
    const rows = rowsOf(files.get(path(newId)));
    expect(rows.map(({ ordinal, type, payload }) => [ordinal, type, Object(payload).type])).toEqual(
      [
        [0, 'session_meta', undefined],
        [1, 'response_item', 'message'],
        [2, 'response_item', 'function_call'],
        [3, 'response_item', 'message'],
      ],
    );
    expect(rows[0]?.payload).toEqual({
      id: newId,
      session_id: newId,
      timestamp: '2026-03-04T05:06:07.089Z',
      cwd: '/work/here',
      originator: 'codex_exec',
      cli_version: '0.169.0',
      source: 'cli',
      history_mode: 'paginated',
    });
    expect(files.get(path(newId))).toMatch(/FIRST.*LAST/s);
    expect(files.get(path(newId))).not.toMatch(/obey|never seen|evil|coding agent/);
    expect(plan.commands[0]?.slice(0, 3)).toEqual(['codex', 'resume', newId]);
  });

  it('gives the bare rows of the oldest releases the form of today', () => {
    const chains = {
      [`${root}/`]: [
        json({ id: root, timestamp: '2025-08-01T10:00:00Z', instructions: 'obey' }),
        json(message('user', 'hello')),
        json({ record_type: 'state' }),
      ],
    };
    const request = requestOf(root, chains, { mode: 'as-new' });
    const [rows] = [...laid(codexResume, request, chains).files.values()].map(rowsOf);
    expect(rows?.map(({ type }) => type)).toEqual(['session_meta', 'response_item']);
    expect(JSON.stringify(rows)).not.toContain('obey');
  });

  it('ends where a thread says that it continues itself', () => {
    const chains = { [`${root}/`]: [json(metaRow(root, base(9, 1), 0)), json(userItem('hi', 1))] };
    const request = requestOf(root, chains, { mode: 'as-new' });
    expect(laid(codexResume, request, chains).files.size).toBe(1);
  });
});

function message(role: string, text: string): object {
  return { type: 'message', role, content: [{ type: 'input_text', text }] };
}
