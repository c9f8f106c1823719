import { describe, expect, it } from 'vitest';
import { readerOf } from '../../watchers/readers.js';
import {
  answerItem,
  ClaudeRows,
  hermesMessage,
  item,
  openclawMessage,
  userItem,
} from './sample-rows.js';

function textOf(harness: string, row: unknown) {
  return readerOf(harness)?.textOf(row);
}

describe('the text of one row', () => {
  it('names the speaker and the tool', () => {
    const rows = new ClaudeRows();
    rows.user('<system-reminder>x</system-reminder>find it');
    rows.call('m1', 't1', 'Bash', { command: 'grep -r it', timeout: 5 });
    rows.result('t1', [{ type: 'text', text: 'found' }]);
    rows.system('api_error', { error: { message: 'overloaded' } });
    rows.user('<command-name>/pr</command-name><command-args>now</command-args>');
    expect(rows.rows.map((row) => textOf('claude-code', row))).toEqual([
      { role: 'user', text: 'find it' },
      { role: 'assistant', tool: 'Bash', text: 'Bash grep -r it' },
      { role: 'tool', text: 'found' },
      { role: 'system', text: 'overloaded' },
      { role: 'user', text: '/pr now' },
    ]);
  });

  it('is found for every harness', () => {
    expect(textOf('codex', userItem('hello'))).toEqual({ role: 'user', text: 'hello' });
    expect(textOf('codex', answerItem('hi'))).toEqual({ role: 'assistant', text: 'hi' });
    const message = { role: 'toolResult', toolName: 'exec', content: [{ text: 'a' }] };
    expect(textOf('openclaw', openclawMessage('e1', message))).toEqual({
      role: 'tool',
      tool: 'exec',
      text: 'a',
    });
    expect(textOf('hermes', hermesMessage(1, 'assistant', 'so', { reasoning: 'hm' }))).toEqual({
      role: 'assistant',
      text: 'hm\nso',
    });
  });

  it('is empty for the harness’s bookkeeping', () => {
    const snapshot = { type: 'file-history-snapshot', snapshot: { text: 'a copy' } };
    expect(textOf('claude-code', snapshot)).toBeUndefined();
    const queued = { type: 'queue-operation', content: 'typed and taken back' };
    expect(textOf('claude-code', queued)).toBeUndefined();
    expect(textOf('codex', { type: 'world_state', payload: { state: 'x' } })).toBeUndefined();
    expect(textOf('openclaw', { type: 'model_change', modelId: 'm' })).toBeUndefined();
    expect(textOf('hermes', { table: 'sessions', title: 'x' })).toBeUndefined();
  });

  it('is everything in an unknown row except ids, signatures, copies and non-text', () => {
    const row = {
      type: 'of-tomorrow',
      uuid: 'no',
      parentUuid: 'no',
      session_id: 'no',
      signature: 'no',
      originalFile: 'no',
      picture: 'A'.repeat(500),
      said: 'yes',
      again: ['yes', { deep: 'also', blank: ' ' }],
      packed: '{"inside":"this"}',
      broken: '{"no json',
    };
    expect(textOf('claude-code', row)?.text.split('\n')).toEqual([
      'of-tomorrow',
      'yes',
      'also',
      'this',
      '{"no json',
    ]);
    expect(textOf('codex', item({ type: 'unheard_of', note: 'listen' }))?.text).toContain('listen');
  });
});
