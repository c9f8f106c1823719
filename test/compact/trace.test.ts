import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isTraceAsIs, writeTrace } from '../../src/compact/trace-file.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { readNamed, readSimple } from './trace-shape.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tracecraft-trace-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function written(harness: string, lines: readonly (object | string)[]): Promise<Buffer> {
  const [from, to] = [join(folder, 'from'), join(folder, 'to')];
  const text = lines.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
  await writeFile(from, text.map((line) => `${line}\n`).join(''));
  const count = await writeTrace({
    harness,
    sessionId: 's1',
    from,
    to,
    redactor: createRedactor(),
  });
  const bytes = await readFile(to);
  expect(bytes.toString('utf8').split('\n')).toHaveLength(count + 1);
  return bytes;
}

const deep = '['.repeat(100_000) + ']'.repeat(100_000);
const odd: readonly unknown[] = [null, 7, '', [], {}, { toString: 1 }, [[]], [{ type: [] }]];

describe('a trace of OpenClaw', () => {
  const trace = async (lines: readonly (object | string)[]) =>
    readNamed(await written('openclaw', lines));
  const message = (id: string, parentId: string | null, said: object) => ({
    type: 'message',
    id,
    parentId,
    timestamp: '2026-01-02T03:04:05.678Z',
    message: said,
  });
  const header = { type: 'session', version: 3, id: 's1', cwd: '/work' };
  const hello = message('a', null, { role: 'user', content: 'list the files' });

  it('has its rows unchanged, under a header that names it', async () => {
    const rows = [
      { type: 'model_change', id: 'm', parentId: null, modelId: 'mock' },
      message('a', 'm', { role: 'user', content: [{ type: 'image', data: 'aGk=' }] }),
      message('b', 'a', {
        role: 'assistant',
        content: [{ type: 'toolCall', id: 'c1', name: 'exec', arguments: { command: 'ls' } }],
      }),
      message('c', 'b', { role: 'toolResult', toolCallId: 'c1', isError: true, content: '' }),
      { type: 'compaction', id: 'd', parentId: 'c', summary: 'it was about files' },
    ];
    expect(await trace([header, ...rows])).toEqual({
      header: { ...header, harness: 'openclaw' },
      rows,
    });
    const ofDatabase = [header, ...rows].map((event, seq) => ({ seq, event }));
    expect(await trace(ofDatabase)).toEqual(await trace([header, ...rows]));
  });

  it('omits messages that repeat another, and reattaches their children', async () => {
    const repeated = { role: 'assistant', model: 'delivery-mirror', content: 'hello' };
    const { rows } = await trace([
      header,
      hello,
      message('b', 'a', { role: 'assistant', content: 'hello' }),
      message('c', 'b', repeated),
      message('d', 'c', repeated),
      message('e', 'd', { role: 'user', content: 'thanks' }),
    ]);
    expect(rows.map(({ id, parentId }) => [id, parentId])).toEqual([
      ['a', null],
      ['b', 'a'],
      ['e', 'b'],
    ]);
  });

  it('begins with a header where the transcript does not', async () => {
    const { header: made, rows } = await trace(['not JSON', '[]', hello, header]);
    expect(made).toEqual({ type: 'session', version: 3, harness: 'openclaw', id: 's1' });
    expect(rows).toEqual([hello]);
  });

  it('is empty if nothing was said', async () => {
    const lines = [header, { type: 'model_change', id: 'm' }, message('a', 'm', {}), 'null', '7'];
    expect(await trace(lines)).toEqual({ header: undefined, rows: [] });
  });

  it('contains no secret that re-encoding rows would uncover', async () => {
    const key = ['AKIA', 'Q3EGRIVT7XQ5LMZP'].join('');
    const escaped = [...key].map((c) => `\\u00${c.charCodeAt(0).toString(16)}`).join('');
    const line = `{"type":"message","id":"a","message":{"role":"user","content":"key ${escaped}"}}`;
    const { rows } = await trace([line]);
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(key);
  });

  it('omits rows that cannot be encoded, and keeps those that are merely odd', async () => {
    const lines = odd.map((content, index) =>
      message(`${index}`, null, { role: 'toolResult', content, toolCallId: content }),
    );
    const call = `{"type":"toolCall","name":"f","arguments":${deep}}`;
    const nested = `{"type":"message","id":"z","message":{"role":"assistant","content":[${call}]}}`;
    expect((await trace([...lines, nested])).rows).toEqual(lines);
  });
});

describe('a trace of Hermes', () => {
  const trace = async (lines: readonly (object | string)[]) =>
    readSimple(await written('hermes', lines));
  const insert = (id: number, row: object) => ({
    op: 'insert',
    id,
    timestamp: 1_795_300_000.25,
    ...row,
  });
  const call = { id: 'c1', function: { name: 'search', arguments: '{"q":"x"}' } };

  it('has a header, and messages whose results name their calls', async () => {
    const { header, messages } = await trace([
      insert(1, { role: 'user', content: 'find x' }),
      insert(2, {
        role: 'assistant',
        content: 'thinking of it',
        reasoning: 'hm',
        tool_calls: JSON.stringify([call]),
      }),
      insert(3, { role: 'tool', content: 'found', tool_call_id: 'c1' }),
      insert(4, { role: 'system', content: 'a remark' }),
      { op: 'insert', table: 'sessions', id: 's1', title: 'Find x' },
    ]);
    const timestamp = 1_795_300_000_250;
    expect(header).toEqual({ type: 'session', harness: 'hermes', id: 's1', name: 'Find x' });
    expect(messages).toEqual([
      { role: 'user', content: 'find x', timestamp },
      {
        role: 'assistant',
        content: 'thinking of it',
        reasoningContent: 'hm',
        toolCalls: [{ id: 'c1', function: { name: 'search', arguments: { q: 'x' } } }],
        timestamp,
      },
      { role: 'tool', content: 'found', toolCallId: 'c1', timestamp },
      { role: 'system', content: 'a remark', timestamp },
    ]);
  });

  it('has each message once, in its current state: none that was rewound, deleted or rewritten', async () => {
    const { messages } = await trace([
      insert(2, { role: 'user', content: 'kept by the compaction' }),
      insert(1, { role: 'user', content: 'first words' }),
      insert(3, { role: 'user', content: 'taken back' }),
      insert(4, { role: 'user', content: 'deleted' }),
      insert(5, { role: 'user', content: 'put away', active: 0, compacted: 1 }),
      insert(6, { role: 'user', content: 'the gist', _compressed_summary: 1 }),
      insert(7, { role: 'user', content: 'kept by the compaction' }),
      { op: 'update', id: 1, role: 'user', content: 'other words' },
      { op: 'update', id: 2, role: 'user', content: 'kept by the compaction', active: 0 },
      { op: 'update', id: 3, role: 'user', content: 'taken back', active: 0, compacted: 0 },
      { op: 'delete', id: 4 },
    ]);
    expect(messages.map(({ role, content }) => [role, content])).toEqual([
      ['user', 'other words'],
      ['user', 'put away'],
      ['system', 'the gist'],
      ['user', 'kept by the compaction'],
    ]);
  });

  it('can be made of a session that exists only as a file of messages', async () => {
    const { header, messages } = await trace([
      { role: 'session_meta', tools: [], model: 'm', timestamp: '2026-11-02T09:00:00' },
      { role: 'user', content: 'Water the plants', timestamp: '2026-11-02T09:00:01Z' },
      { role: 'assistant', content: 'Done', timestamp: '2026-11-02T09:00:02Z' },
    ]);
    expect(header).toMatchObject({ harness: 'hermes', id: 's1', name: 'Water the plants' });
    expect(messages.map(({ role, content }) => [role, content])).toEqual([
      ['user', 'Water the plants'],
      ['assistant', 'Done'],
    ]);
  });

  it('has one row per line, even for readers with other line breaks than JSON', async () => {
    const content = 'one\u2028two\u2029three\u0085four';
    const bytes = await written('hermes', [insert(1, { role: 'user', content })]);
    expect(readSimple(bytes).messages[0]?.content).toBe(content);
    expect(
      bytes
        .toString('utf8')
        .trimEnd()
        .split(/[\n\u0085\u2028\u2029]/),
    ).toHaveLength(2);
  });

  it('marks pictures, and keeps arguments that are not JSON', async () => {
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } };
    const { messages } = await trace([
      insert(1, { role: 'user', content: [{ type: 'text', text: 'see' }, image] }),
      insert(2, {
        role: 'assistant',
        tool_calls: [{ function: { name: 'f', arguments: 'no JSON: {' } }],
      }),
      insert(3, { role: 'tool', content: '' }),
    ]);
    expect(messages[0]?.content).toBe('see\n[image]');
    const [made] = messages[1]?.toolCalls ?? [];
    expect(made?.function.arguments).toEqual({ input: 'no JSON: {' });
    expect(messages[2]).toMatchObject({ role: 'tool', toolCallId: made?.id });
  });

  it('is empty if nothing was said', async () => {
    const lines = ['not JSON', '[]', { op: 'insert', table: 'sessions', id: 's1', title: 'T' }];
    expect(await trace(lines)).toEqual({ header: undefined, messages: [] });
  });

  it('omits rows that cannot be encoded, and keeps those that are merely odd', async () => {
    const names = ['content', 'tool_calls', 'model', 'timestamp', 'reasoning', 'id'];
    const rows = ['user', 'assistant', 'tool', 'x'].flatMap((role) =>
      names.flatMap((name) =>
        odd.map((value, index) => insert(index, { role, content: 'words', [name]: value })),
      ),
    );
    const calls = `[{"function":{"name":"f","arguments":${deep}}}]`;
    const nested = `{"op":"insert","id":9999,"role":"assistant","tool_calls":${calls}}`;
    const { messages } = await trace([
      ...rows,
      nested,
      insert(10_000, { role: 'user', content: 'end' }),
    ]);
    expect(messages.length).toBeGreaterThan(20);
    expect(messages.map(({ content }) => content)).toContain('end');
  });
});

it('is not made of transcripts that viewers open unchanged', () => {
  expect(['claude-code', 'codex', 'hermes', 'openclaw', 'unheard-of'].map(isTraceAsIs)).toEqual([
    true,
    true,
    false,
    false,
    true,
  ]);
});
