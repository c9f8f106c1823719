import { describe, expect, it } from 'vitest';
import { readRow } from '../../src/replay/conversation/read-row.js';

function blocks(harness: string, row: unknown): readonly string[] {
  return readRow(harness, JSON.stringify(row)).blocks.map(({ kind, title, text, isError }) =>
    [kind, title, isError === true ? 'error' : undefined, text].filter(Boolean).join(': '),
  );
}

describe('rows of Claude Code', () => {
  it('are prompts, answers, calls and results', () => {
    expect(blocks('claude-code', { type: 'user', message: { content: 'hi' } })).toEqual([
      'prompt: hi',
    ]);
    const content = [
      { type: 'thinking', thinking: 'hm' },
      { type: 'text', text: 'yes' },
      { type: 'tool_use', name: 'Bash', input: { command: 'ls' } },
      { type: 'tool_use', name: 'Read', input: { path: 'a' } },
    ];
    expect(blocks('claude-code', { type: 'assistant', message: { content } })).toEqual([
      'thinking: hm',
      'answer: yes',
      'call: Bash: ls',
      'call: Read: {\n  "path": "a"\n}',
    ]);
    const result = [
      { type: 'tool_result', is_error: true, content: [{ type: 'text', text: 'no' }] },
    ];
    expect(blocks('claude-code', { type: 'user', message: { content: result } })).toEqual([
      'result: error: no',
    ]);
  });

  it('that are none of those keep their label and their time', () => {
    const row = {
      type: 'system',
      subtype: 'api_error',
      timestamp: '2026-01-01T00:00:00Z',
      error: { message: 'down' },
    };
    const read = readRow('claude-code', JSON.stringify(row));
    expect(read).toMatchObject({ label: 'system · api_error', timeMs: Date.UTC(2026, 0, 1) });
    expect(read.blocks).toEqual([{ kind: 'note', text: 'down' }]);
    expect(blocks('claude-code', { type: 'file-history-snapshot' })).toEqual([]);
  });
});

describe('rows of Codex', () => {
  it('are items with or without an envelope', () => {
    const user = { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'go' }] };
    expect(blocks('codex', { type: 'response_item', payload: user })).toEqual(['prompt: go']);
    expect(blocks('codex', user)).toEqual(['prompt: go']);
    const context = { ...user, content: [{ type: 'input_text', text: '<environment_context>x' }] };
    expect(blocks('codex', { type: 'response_item', payload: context })[0]).toMatch(/^note/);
    const call = { type: 'function_call', name: 'exec_command', arguments: '{"cmd":"ls"}' };
    expect(blocks('codex', { type: 'response_item', payload: call })).toEqual([
      'call: exec_command: ls',
    ]);
    const output = { type: 'function_call_output', output: '{"output":"a","metadata":{}}' };
    expect(blocks('codex', { type: 'response_item', payload: output })).toEqual(['result: a']);
    expect(blocks('codex', { type: 'session_meta', payload: { id: 'x' } })).toEqual([]);
  });
});

describe('rows of Hermes', () => {
  it('are states of messages, with JSON inside', () => {
    const parts = `\u0000json:${JSON.stringify([{ type: 'text', text: 'see' }, { type: 'image_url' }])}`;
    expect(blocks('hermes', { op: 'insert', role: 'user', content: parts })).toEqual([
      'prompt: see\n[image_url]',
    ]);
    const calls = JSON.stringify([
      { function: { name: 'terminal', arguments: '{"command":"ls"}' } },
    ]);
    const row = {
      op: 'update',
      role: 'assistant',
      content: 'ok',
      reasoning: 'hm',
      tool_calls: calls,
      timestamp: 1795300003.5,
    };
    expect(blocks('hermes', row)).toEqual(['thinking: hm', 'answer: ok', 'call: terminal: ls']);
    expect(readRow('hermes', JSON.stringify(row))).toMatchObject({
      label: 'update · assistant',
      timeMs: 1795300003500,
    });
    expect(
      blocks('hermes', { role: 'tool', tool_name: 'terminal', content: '{"output":"x"}' }),
    ).toEqual(['result: terminal: x']);
  });
});

describe('rows of OpenClaw', () => {
  it('are messages of three roles', () => {
    const message = (value: object) => blocks('openclaw', { type: 'message', message: value });
    expect(message({ role: 'user', content: 'hi' })).toEqual(['prompt: hi']);
    const content = [
      { type: 'text', text: 'a' },
      { type: 'toolCall', name: 'exec', arguments: { command: 'ls' } },
    ];
    expect(message({ role: 'assistant', content })).toEqual(['answer: a', 'call: exec: ls']);
    const result = { role: 'toolResult', toolName: 'exec', content: [{ type: 'text', text: 'x' }] };
    expect(message(result)).toEqual(['result: exec: x']);
    expect(blocks('openclaw', { type: 'session', version: 4 })).toEqual([]);
  });
});

describe('any line', () => {
  it('can be read, whatever it holds', () => {
    const odd = [
      '',
      'x',
      'null',
      '[]',
      '5',
      '"\\u0000"',
      '{"type":"__proto__"}',
      '{"message":{"content":[null]}}',
      `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
    ];
    const deep = `{"type":"assistant","message":{"content":[{"type":"tool_use","input":${'['.repeat(9_000)}${']'.repeat(9_000)}}]}}`;
    for (const harness of ['claude-code', 'codex', 'hermes', 'openclaw', 'constructor']) {
      for (const line of [...odd, deep]) expect(readRow(harness, line).label).toBeTypeOf('string');
    }
  });

  it('of spilled tool results reads the same for every harness', () => {
    const row = { type: 'tool-result', id: 'x', text: 'long' };
    expect(blocks('codex', row)).toEqual(['result: x: long']);
  });
});
