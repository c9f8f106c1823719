import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SessionFacts } from '../../../src/mirror/stream.js';
import { foldCodexRow } from '../../../watchers/codex/facts.js';
import { lineOf, type Row } from '../../support/claude-tree.js';
import {
  bareMetaRow,
  environmentText,
  metaRow,
  outputRow,
  threadUuid,
  turnRow,
  userEvent,
  userItem,
} from '../../support/codex-tree.js';

const thread = threadUuid();
const parent = threadUuid();

function fold(rows: readonly (Row | string)[], name?: string): SessionFacts {
  const scope = { threadId: thread, nameOf: () => name };
  return rows.reduce<SessionFacts>((facts, row) => {
    const line = Buffer.from(typeof row === 'string' ? row : lineOf(row));
    return foldCodexRow(line, facts, scope);
  }, {});
}

const fromMeta = {
  cwd: '/work/app',
  startedAt: '2026-03-04T05:06:07.089Z',
  harnessVersion: '0.169.0',
  gitBranch: 'main',
};

describe('the facts of a thread', () => {
  it('come from its session_meta, with and without ordinals, however long it is', () => {
    expect(fold([metaRow(thread)])).toEqual(fromMeta);
    expect(fold([metaRow(thread, {}, 0)])).toEqual(fromMeta);
    const long = metaRow(thread, { dynamic_tools: 'x'.repeat(2 << 20) });
    expect(fold([long])).toEqual(fromMeta);
    expect(fold([lineOf(metaRow(thread)).replaceAll('":', '" : ')])).toEqual(fromMeta);
  });

  it('come from a bare first row, and the folder from the context', () => {
    const early = { startedAt: '2026-03-04T05:06:07.089Z', gitBranch: 'old' };
    expect(fold([bareMetaRow(thread)])).toEqual(early);
    const content = [{ type: 'input_text', text: environmentText('/work/old') }];
    const context = { type: 'message', id: null, role: 'user', content };
    const prompt = { ...context, content: [{ type: 'input_text', text: 'do it' }] };
    const state = '{"record_type":"state"}\n';
    expect(fold([bareMetaRow(thread), state, context, prompt])).toEqual({
      ...early,
      cwd: '/work/old',
    });
  });

  it('do not come from copied history of another thread', () => {
    const own = metaRow(thread, { forked_from_id: parent, cwd: '/work/fork' });
    const copied = metaRow(parent, { cwd: '/work/parent', cli_version: '0.1.0' });
    expect(fold([own, copied])).toEqual({
      ...fromMeta,
      cwd: '/work/fork',
      parentSessionId: parent,
    });
  });

  it('name the parent of a fork, of a sub-agent, and of one spawned by old releases', () => {
    const spawned = { subagent: { thread_spawn: { parent_thread_id: parent, depth: 1 } } };
    for (const more of [
      { forked_from_id: parent },
      { session_id: parent, parent_thread_id: parent, source: spawned },
      { source: spawned },
      { forked_from_id: parent, parent_thread_id: threadUuid() },
    ]) {
      expect(fold([metaRow(thread, more)]).parentSessionId).toBe(parent);
    }
    for (const more of [
      {},
      { session_id: parent },
      { source: 'cli' },
      { forked_from_id: thread },
    ]) {
      expect(fold([metaRow(thread, more)]).parentSessionId).toBeUndefined();
    }
  });

  it('have the first folder, and the last branch, version and model', () => {
    const branch = lineOf(metaRow(thread, { cwd: '/moved', cli_version: '0.170.0' }));
    const facts = fold([
      metaRow(thread),
      turnRow('gpt-5', '/elsewhere'),
      branch.replace('"main"', '"topic"'),
      turnRow('gpt-5.2', '/elsewhere', 12),
    ]);
    expect(facts).toEqual({
      ...fromMeta,
      gitBranch: 'topic',
      harnessVersion: '0.170.0',
      model: 'gpt-5.2',
    });
  });

  it('have the folder of a turn if nothing else names one', () => {
    expect(fold([metaRow(thread, { cwd: undefined }), turnRow('m', '/work/turn')]).cwd).toBe(
      '/work/turn',
    );
  });
});

describe('a prompt', () => {
  it('gives the folder only if it is the context that Codex adds', () => {
    const rows = [
      userItem('# AGENTS.md instructions for /work/app\n\n<INSTRUCTIONS>'),
      userItem('<user_instructions>be nice</user_instructions>'),
      userEvent('<turn_aborted>'),
      userItem('fix it in <cwd>/work/other</cwd>'),
      outputRow('"role":"user"'),
    ];
    expect(fold(rows)).toEqual({});
    expect(fold([...rows, userItem(environmentText('/work/app'))])).toEqual({ cwd: '/work/app' });
  });
});

describe('a name', () => {
  it('comes from the index', () => {
    expect(fold([userItem('prompt')], 'in the index')).toEqual({ named: 'in the index' });
    expect(fold([userItem('prompt')], '')).toEqual({});
  });
});

describe('rows of any kind', () => {
  it('never fail, and give at most 500 characters per fact', () => {
    const text = fc.oneof(fc.string(), fc.constant('x'.repeat(3_000)), fc.constant('\u0000'));
    const value: fc.Arbitrary<unknown> = fc.oneof(
      text,
      fc.jsonValue(),
      fc.constant([{ text: 'x' }]),
    );
    const names = ['id', 'cwd', 'timestamp', 'cli_version', 'git', 'source', 'model', 'message'];
    const more = ['content', 'item', 'thread_name', 'forked_from_id', 'parent_thread_id', 'role'];
    const payload = fc.dictionary(fc.constantFrom(...names, ...more, 'type'), value);
    const type = fc.constantFrom('session_meta', 'turn_context', 'event_msg', 'response_item', 5);
    const kind = fc.constantFrom(
      'user_message',
      'item_completed',
      'thread_name_updated',
      'message',
    );
    fc.assert(
      fc.property(type, kind, payload, (rowType, payloadType, said) => {
        const known = { type: payloadType, role: 'user', ...said };
        const row = { type: rowType, payload: known };
        for (const [name, fact] of Object.entries(fold([row, { ...row, id: 'x' }]))) {
          expect(String(fact).length, name).toBeLessThanOrEqual(500);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('cost almost nothing if they contain no facts', () => {
    const line = Buffer.from(lineOf(outputRow('y'.repeat(1 << 20), 7)));
    const facts: SessionFacts = { ...fromMeta, model: 'm', named: 't' };
    const scope = { threadId: thread, nameOf: () => undefined };
    const startedMs = performance.now();
    for (let count = 0; count < 300; count += 1) {
      expect(foldCodexRow(line, facts, scope)).toBe(facts);
    }
    expect(performance.now() - startedMs).toBeLessThan(300);
  });
});
