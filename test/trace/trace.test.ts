import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTrace } from '../../src/compact/trace-file.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { readTrace, type TraceRow } from './trace-shape.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tracecraft-trace-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function traceOf(
  harness: string,
  lines: readonly (object | string)[],
): Promise<readonly TraceRow[]> {
  const [from, to] = [join(folder, 'from'), join(folder, 'to')];
  const text = lines.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
  await writeFile(from, text.map((line) => `${line}\n`).join(''));
  const job = { harness, sessionId: 's1', from, to, redactor: createRedactor() };
  const count = await writeTrace(job);
  const rows = readTrace(await readFile(to));
  expect(rows).toHaveLength(count);
  return rows;
}

const contents = (rows: readonly TraceRow[]) => rows.map(({ message }) => message.content);

describe('a trace of OpenClaw', () => {
  const message = (id: string, said: object) => ({
    type: 'message',
    id,
    timestamp: '2026-01-02T03:04:05.678Z',
    message: said,
  });

  it('has prompts, answers, calls and their results, as Claude Code writes them', async () => {
    const rows = await traceOf('openclaw', [
      { type: 'session', version: 3, id: 's1', cwd: '/work' },
      { type: 'model_change', id: 'm', modelId: 'mock' },
      message('a', { role: 'user', content: 'list the files' }),
      message('b', {
        role: 'assistant',
        model: 'mock',
        stopReason: 'toolUse',
        responseId: 'r1',
        usage: { input: 7, output: 2, cost: { total: 0 } },
        content: [
          { type: 'thinking', thinking: 'hm' },
          { type: 'toolCall', id: 'c1', name: 'exec', arguments: { command: 'ls' } },
        ],
      }),
      message('c', {
        role: 'toolResult',
        toolCallId: 'c1',
        toolName: 'exec',
        isError: true,
        content: [
          { type: 'text', text: 'no' },
          { type: 'image', data: 'aGk=', mimeType: 'image/gif' },
        ],
      }),
      { type: 'compaction', id: 'd', summary: 'it was about files' },
    ]);
    expect(rows.map(({ type }) => type)).toEqual(['user', 'assistant', 'user', 'user']);
    expect(rows[0]).toMatchObject({ cwd: '/work', timestamp: '2026-01-02T03:04:05.678Z' });
    expect(rows[1]?.message).toEqual({
      id: 'r1',
      type: 'message',
      role: 'assistant',
      model: 'mock',
      stop_reason: 'tool_use',
      usage: {
        input_tokens: 7,
        output_tokens: 2,
        cache_read_input_tokens: 0,
        cache_creation_input_tokens: 0,
      },
      content: [
        { type: 'thinking', thinking: 'hm', signature: '' },
        { type: 'tool_use', id: 'c1', name: 'exec', input: { command: 'ls' } },
      ],
    });
    const image = { type: 'base64', media_type: 'image/gif', data: 'aGk=' };
    expect(rows[2]?.message.content).toEqual([
      {
        type: 'tool_result',
        tool_use_id: 'c1',
        is_error: true,
        content: [
          { type: 'text', text: 'no' },
          { type: 'image', source: image },
        ],
      },
    ]);
    expect(rows[3]).toMatchObject({ isCompactSummary: true });
  });

  it('is the same for the same rows, and passes over what is no event', async () => {
    const lines = ['not JSON', '[]', 'null', '7', { type: 'message' }, message('a', {})];
    expect(await traceOf('openclaw', lines)).toEqual([]);
    const said = [
      message('a', { role: 'user', content: 'hi' }),
      message('b', { role: 'assistant', content: [], errorMessage: 'overloaded' }),
    ];
    const rows = await traceOf('openclaw', said);
    expect(await traceOf('openclaw', said)).toEqual(rows);
    expect(contents(rows)).toEqual(['hi', [{ type: 'text', text: '[error] overloaded' }]]);
  });

  it('holds no secret that the mapping would bring to light', async () => {
    const key = ['AKIA', 'Q3EGRIVT7XQ5LMZP'].join('');
    const escaped = [...key].map((c) => `\\u00${c.charCodeAt(0).toString(16)}`).join('');
    const line = `{"type":"message","id":"a","message":{"role":"user","content":"key ${escaped}"}}`;
    const [row] = await traceOf('openclaw', [line]);
    expect(JSON.stringify(row)).not.toContain(key);
  });
});

describe('a trace of Hermes', () => {
  const session = { table: 'sessions', id: 's1', cwd: '/work', model: 'mock', git_branch: 'main' };
  const insert = (id: number, row: object) => ({
    op: 'insert',
    id,
    timestamp: 1_795_300_000.25,
    ...row,
  });

  it('has the last state of each row, by id', async () => {
    const call = { id: 'c1', function: { name: 'search', arguments: '{"q":"x"}' } };
    const rows = await traceOf('hermes', [
      { op: 'insert', ...session, model: 'old' },
      insert(2, {
        role: 'assistant',
        content: 'thinking of it',
        reasoning: 'hm',
        tool_calls: JSON.stringify([call]),
        token_count: 5,
      }),
      insert(1, { role: 'user', content: 'first words' }),
      insert(3, { role: 'tool', content: 'found', tool_call_id: 'c1' }),
      insert(4, { role: 'user', content: 'taken back' }),
      insert(5, { role: 'user', content: 'deleted' }),
      insert(6, { role: 'user', content: 'put away', active: 0, compacted: 1 }),
      insert(7, { role: 'user', content: 'the gist', _compressed_summary: 1 }),
      { op: 'update', id: 1, timestamp: 1_795_300_000.25, role: 'user', content: 'other words' },
      { op: 'update', id: 4, role: 'user', content: 'taken back', active: 0, compacted: 0 },
      { op: 'delete', id: 5 },
      { op: 'update', ...session },
    ]);
    expect(contents(rows)).toEqual([
      'other words',
      [
        { type: 'thinking', thinking: 'hm', signature: '' },
        { type: 'text', text: 'thinking of it' },
        { type: 'tool_use', id: 'c1', name: 'search', input: { q: 'x' } },
      ],
      [{ type: 'tool_result', tool_use_id: 'c1', content: 'found' }],
      'put away',
      'the gist',
    ]);
    expect(rows[0]).toMatchObject({
      cwd: '/work',
      gitBranch: 'main',
      timestamp: '2026-11-21T22:26:40.250Z',
    });
    expect(rows[1]?.message).toMatchObject({ model: 'mock', usage: { output_tokens: 5 } });
    expect(rows[4]).toMatchObject({ isCompactSummary: true });
  });

  it('reads content of several parts, calls without ids and arguments that are no JSON', async () => {
    const data = 'data:image/png;base64,aGk=';
    const rows = await traceOf('hermes', [
      insert(1, {
        role: 'user',
        content: [
          { type: 'text', text: 'see' },
          { type: 'image_url', image_url: { url: data } },
        ],
      }),
      insert(2, {
        role: 'assistant',
        tool_calls: [{ function: { name: 'f', arguments: 'not JSON' } }],
      }),
      insert(3, { role: 'tool', content: '' }),
      insert(4, { role: 'assistant', content: '' }),
      insert(5, { role: 'session_meta', content: 'a remark' }),
      { op: 'insert', id: 'odd' },
    ]);
    expect(contents(rows)).toEqual([
      [
        { type: 'text', text: 'see' },
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
      ],
      [{ type: 'tool_use', id: 'call-2-0', name: 'f', input: { input: 'not JSON' } }],
      [{ type: 'tool_result', tool_use_id: 'call-2-0', content: '' }],
      'a remark',
    ]);
  });
});

describe('a trace of hostile rows', () => {
  const odd: readonly unknown[] = [
    null,
    7,
    '',
    [],
    {},
    { toString: 1 },
    [[]],
    [{ type: { toString: 1 }, text: {} }],
  ];
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);

  it.each(['openclaw', 'hermes'])('of %s leaves out what cannot be said', async (harness) => {
    const names = ['content', 'tool_calls', 'role', 'model', 'usage', 'timestamp', 'reasoning'];
    const rows: (object | string)[] = [];
    for (const role of ['user', 'assistant', 'toolResult', 'tool', 'x']) {
      for (const name of names) {
        for (const value of odd) {
          const said = { role, content: 'words', [name]: value };
          rows.push(
            harness === 'hermes'
              ? { op: 'insert', id: rows.length, ...said, row: { id: value } }
              : { type: 'message', id: `${rows.length}`, message: said, timestamp: value },
          );
        }
      }
    }
    const call = `{"type":"toolCall","name":"f","arguments":${deep}}`;
    const calls = `[{"function":{"name":"f","arguments":${deep}}}]`;
    rows.push(
      harness === 'hermes'
        ? `{"op":"insert","id":9999,"role":"assistant","tool_calls":${calls}}`
        : `{"type":"message","id":"z","message":{"role":"assistant","content":[${call}]}}`,
      '{"type":"session","cwd":{"toString":1}}',
      '{"op":"insert","table":"sessions","id":"s1","cwd":[1],"model":{}}',
    );
    const trace = await traceOf(harness, rows);
    expect(trace.length).toBeGreaterThan(100);
  });
});
