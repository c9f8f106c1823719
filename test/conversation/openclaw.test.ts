import { describe, expect, it } from 'vitest';
import { countsOf } from '../../src/conversation/counts.js';
import { withEarlier } from '../../src/conversation/join.js';
import type { Place } from '../../src/conversation/place.js';
import { fold, kindsOf, promptsOf, that, those } from './folding.js';
import { openclawMessage } from './sample-rows.js';

type Row = Readonly<Record<string, unknown>>;

function read(rows: readonly Row[], place: Partial<Place> = {}) {
  return fold('openclaw', rows, place);
}

function user(id: string, content: unknown): Row {
  return openclawMessage(id, { role: 'user', content });
}

function answer(id: string, text: string): Row {
  return openclawMessage(id, { role: 'assistant', content: [{ type: 'text', text }] });
}

const header = { type: 'session', id: 's', timestamp: '2026-11-29T08:00:00Z' };

describe('a session of OpenClaw', () => {
  it('has calls with their results, and how they ended', () => {
    const call = { type: 'toolCall', id: 'c1', name: 'exec', arguments: { command: 'ls' } };
    const conversation = read([
      header,
      user('e1', [{ type: 'text', text: 'look' }, { type: 'image' }]),
      openclawMessage('e2', { role: 'assistant', content: [call], responseId: 'r1', model: 'm' }),
      openclawMessage('e3', {
        role: 'toolResult',
        toolCallId: 'c1',
        toolName: 'exec',
        content: [{ type: 'text', text: 'a' }],
        isError: true,
        details: { exitCode: 2, durationMs: 40 },
      }),
      openclawMessage('e4', { role: 'assistant', content: 'Done.', errorMessage: 'cut off' }),
    ]);
    expect(kindsOf(conversation)).toEqual(['prompt', 'call', 'answer', 'notice']);
    expect(that(conversation, 'call')).toMatchObject({
      tool: 'exec',
      model: 'm',
      result: { text: 'a', isError: true, exitCode: 2, durationMs: 40 },
    });
    expect(conversation.turns).toMatchObject([{ state: 'failed' }]);
    expect(countsOf(conversation).own).toEqual({
      prompts: 1,
      answers: 1,
      calls: 1,
      joined: 1,
      call_errors: 1,
      images: 1,
    });
  });

  it('has lines of the gateway before the typed text', () => {
    const conversation = read([
      header,
      user('e1', 'System: [08:00] exec done\nSystem: up\n\nhello'),
    ]);
    expect(that(conversation, 'context').text).toBe('System: [08:00] exec done\nSystem: up');
    expect(promptsOf(conversation)).toEqual(['hello']);
    expect(countsOf(conversation).rows_in_conversation).toBe(1);
  });

  it('starts over at a reset', () => {
    const conversation = read([
      header,
      user('e1', 'one'),
      { type: 'reset', id: 'e2', reason: 'new' },
      answer('e3', 'Hello again.'),
    ]);
    expect(conversation.turns.map(({ origin }) => origin)).toEqual(['human', 'none']);
    expect(countsOf(conversation).commands).toEqual(['/new']);
  });

  it('may be a sub-agent’s, and start others', () => {
    const child = read([
      { ...header, parentSessionKey: 'agent:main:main' },
      user('e1', '[Subagent Context] You are one.\n\nFind it.'),
    ]);
    expect(child.isSubagent).toBe(true);
    expect(that(child, 'prompt').origin).toBe('agent');
    const call = { type: 'toolCall', id: 'c1', name: 'sessions_spawn', arguments: { task: 'x' } };
    const caller = read([
      openclawMessage('e1', { role: 'assistant', content: [call] }),
      openclawMessage('e2', {
        role: 'toolResult',
        toolCallId: 'c1',
        content: [{ type: 'text', text: '{"childSessionKey":"agent:main:subagent:1"}' }],
      }),
    ]);
    expect(that(caller, 'call').child).toEqual({ id: 'agent:main:subagent:1' });
  });

  it('inherits the rows it shares with its parent', () => {
    const rows = [
      { ...header, parentSession: '/x/agents/main/sessions/p1-topic-7.jsonl' },
      user('e1', 'theirs'),
      user('e2', 'mine'),
    ];
    const conversation = read(rows, { parentRowIds: new Set(['e1', 'e9']) });
    expect(those(conversation, 'prompt').map(({ isInherited }) => isInherited)).toEqual([
      true,
      undefined,
    ]);
    expect(conversation).toMatchObject({ title: 'mine', forkedFrom: { session: 'p1' } });
    const alone = read([header, ...rows.slice(1)], { parentRowIds: new Set(['e1']) });
    expect(countsOf(alone).inherited).toEqual({});
  });

  it('gets its name from its user', () => {
    const conversation = read([
      header,
      user('e1', 'hello'),
      { type: 'session_info', name: 'Mine' },
    ]);
    expect(conversation.title).toBe('Mine');
  });

  it('excludes its own bookkeeping', () => {
    const conversation = read([
      header,
      { type: 'model_change', id: 'e1' },
      { type: 'custom', customType: 'x', id: 'e2' },
      openclawMessage('e3', { role: 'assistant', model: 'delivery-mirror', content: 'Done.' }),
    ]);
    expect(conversation.turns).toEqual([]);
    expect(conversation.bookkeeping).toEqual({
      'custom x': 1,
      'message assistant delivery-mirror': 1,
      model_change: 1,
      session: 1,
    });
  });

  it('has its beginning in an earlier generation once it was truncated', () => {
    const whole = [header, user('e1', 'one'), answer('e2', 'One.'), user('e3', 'two')];
    const cut = [header, answer('e2', 'One.'), user('e3', 'two'), user('e4', 'three')];
    const conversation = withEarlier(read(cut), read(whole));
    expect(promptsOf(conversation)).toEqual(['one', 'two', 'three']);
    expect(conversation.turns.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
    expect(those(conversation, 'prompt').map(({ isEarlier }) => isEarlier)).toEqual([
      true,
      undefined,
      undefined,
    ]);
    expect(those(conversation, 'answer')).toHaveLength(1);
  });
});
