import { describe, expect, it } from 'vitest';
import { countsOf } from '../../src/conversation/counts.js';
import { fold, kindsOf, promptsOf, that, those } from './folding.js';
import { hermesMessage, hermesSession } from './sample-rows.js';

type Row = Readonly<Record<string, unknown>>;

function read(...rows: readonly Row[]) {
  return fold('hermes', rows);
}

function calls(...ids: readonly (string | undefined)[]): string {
  return JSON.stringify(
    ids.map((id) => ({ id, function: { name: 'terminal', arguments: '{"command":"ls"}' } })),
  );
}

describe('a session of Hermes', () => {
  it('has the current state of its rows, in the order of their ids', () => {
    const conversation = read(
      hermesSession({ title: 'Old' }),
      hermesMessage(2, 'assistant', 'second'),
      hermesMessage(1, 'user', 'first'),
      hermesMessage(3, 'user', 'gone'),
      { ...hermesMessage(2, 'assistant', 'second, changed'), op: 'update' },
      { op: 'delete', id: 3 },
      { ...hermesSession({ title: 'New' }), op: 'update' },
    );
    expect(kindsOf(conversation)).toEqual(['prompt', 'answer']);
    expect(that(conversation, 'answer')).toMatchObject({ text: 'second, changed', rows: [1, 4] });
    expect(conversation.title).toBe('New');
    expect(conversation.bookkeeping).toEqual({ 'message deleted': 2, session: 2 });
    expect(countsOf(conversation)).toMatchObject({ rows: 5, rows_in_conversation: 3 });
  });

  it('has calls with their results; the oldest do not name their call', () => {
    const conversation = read(
      hermesMessage(1, 'assistant', '', { tool_calls: calls('c1', undefined), reasoning: 'Hm' }),
      hermesMessage(2, 'tool', '{"output":"a","exit_code":1}', { tool_call_id: 'c1' }),
      hermesMessage(3, 'tool', 'plain'),
      hermesMessage(4, 'tool', '{"error":"no such tool"}', { tool_call_id: 'c9' }),
    );
    expect(those(conversation, 'call')).toMatchObject([
      { callId: 'c1', command: 'ls', result: { text: 'a', exitCode: 1, isError: false } },
      { result: { text: 'plain' }, rows: [0, 2] },
    ]);
    expect(that(conversation, 'result')).toMatchObject({
      result: { text: 'no such tool', isError: true },
    });
    expect(countsOf(conversation).own).toEqual({ thinking: 1, calls: 2, joined: 2 });
  });

  it('keeps compacted messages, and shows rewritten ones once', () => {
    const kept = [
      { type: 'text', text: 'kept' },
      { type: 'image_url', image_url: {} },
    ];
    const conversation = read(
      hermesMessage(1, 'user', 'put away', { active: 0, compacted: 1 }),
      hermesMessage(2, 'user', kept, { active: 0 }),
      hermesMessage(3, 'user', 'In short', { _compressed_summary: 1, display_kind: 'hidden' }),
      hermesMessage(4, 'user', kept),
    );
    expect(kindsOf(conversation)).toEqual(['prompt', 'compaction', 'prompt']);
    expect(conversation.bookkeeping).toEqual({ 'message user superseded': 1 });
    expect(countsOf(conversation)).toMatchObject({
      own: { prompts: 2, images: 1 },
      compactions: 1,
    });
  });

  it('marks rewound messages as abandoned, even in the middle of a turn', () => {
    const conversation = read(
      hermesMessage(1, 'user', 'go'),
      hermesMessage(2, 'assistant', 'Wrongly.', { active: 0 }),
      hermesMessage(3, 'assistant', 'Rightly.'),
      hermesMessage(4, 'user', 'never mind', { active: 0 }),
    );
    expect(conversation.turns.map(({ isAbandoned }) => isAbandoned)).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect(countsOf(conversation).abandoned_prompts).toBe(1);
  });

  it('has overheard chatter, and rows that are not shown', () => {
    const conversation = read(
      hermesMessage(1, 'user', 'not to me', { observed: 1 }),
      hermesMessage(2, 'user', 'secretly', { display_kind: 'hidden' }),
      hermesMessage(3, 'user', '\u0000json:[{"type":"text","text":"parts"}]'),
    );
    expect(that(conversation, 'context')).toMatchObject({ source: 'chatter', text: 'not to me' });
    expect(promptsOf(conversation)).toEqual(['parts']);
    expect(conversation.bookkeeping).toEqual({ 'message user hidden': 1 });
  });

  it('is a sub-agent’s if it was delegated, and otherwise continues its parent', () => {
    const child = read(
      hermesSession({ parent_session_id: 'p', model_config: { _delegate_from: 'p' } }),
      hermesMessage(1, 'user', 'task'),
    );
    expect(child).toMatchObject({ isSubagent: true, spawnedBy: { session: 'p' }, title: 'task' });
    expect(that(child, 'prompt').origin).toBe('agent');
    const next = read(hermesSession({ parent_session_id: 'p' }), hermesMessage(1, 'user', 'on'));
    expect(next).toMatchObject({ isSubagent: false, forkedFrom: { session: 'p' } });
    expect(countsOf(next).parent).toBe('p');
  });

  it('has rows without numbers from when its database could not be written', () => {
    const conversation = read({ role: 'user', content: 'in a file', timestamp: 1_795_000_000 });
    expect(promptsOf(conversation)).toEqual(['in a file']);
  });

  it('of the first schema has no flags at all', () => {
    const conversation = read({ op: 'insert', id: 1, role: 'user', content: 'old' });
    expect(conversation.turns).toMatchObject([{ isAbandoned: false, state: 'open' }]);
  });
});
