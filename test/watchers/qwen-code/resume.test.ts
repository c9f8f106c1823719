import { describe, expect, it } from 'vitest';
import { qwenCodeResume } from '../../../watchers/qwen-code/resume.js';
import { laid, newId, requestOf, rowsOf } from '../resuming.js';

const session = '0b9e1f62-7c3d-4e5f-8a9b-1c2d3e4f5a6b';
const own = `${session}/`;
const project = 'projects/-work-here';
const row = (uuid: string, parentUuid: string | null, more: object): string =>
  JSON.stringify({
    uuid,
    parentUuid,
    sessionId: session,
    cwd: '/there',
    version: '0.24.4',
    ...more,
  });
const user = (uuid: string, parentUuid: string | null, ...parts: object[]): string =>
  row(uuid, parentUuid, { type: 'user', message: { role: 'user', parts } });

describe('a session of Qwen Code', () => {
  it('is its chat, after its sub-agents, where the project keeps them', () => {
    const chains = {
      [own]: [user('u1', null, { text: 'hi' }), '{"half'],
      [`${own}subagents/agent-a-1`]: ['{"x":1}'],
      [`${own}subagents/agent-a-1.meta`]: ['{"status":"running"}', '{"status":"done"}'],
      [`${own}subagents/../../../agent-x`]: ['{}'],
      [`${own}elsewhere`]: ['{}'],
    };
    const { files, plan } = laid(qwenCodeResume, requestOf(session, chains), chains);
    expect([...files]).toEqual([
      [`${project}/subagents/${session}/agent-a-1.jsonl`, '{"x":1}\n'],
      [`${project}/subagents/${session}/agent-a-1.meta.json`, '{"status":"done"}'],
      [`${project}/chats/${session}.jsonl`, `${chains[own]?.join('\n')}\n`],
    ]);
    expect(plan.leftOut).toEqual(['subagents/../../../agent-x', 'elsewhere']);
    expect(plan.notes).toEqual([expect.stringContaining('/there')]);
  });

  it('holds, as a new one, what was said and summed up, and nothing else', () => {
    const chains = {
      [own]: [
        user('u1', null, { text: 'FIRST' }, { fileData: { fileUri: 'http://evil/' } }),
        row('t1', 'u1', { type: 'system', subtype: 'ui_telemetry', systemPayload: { x: 'evil' } }),
        row('m1', 't1', { type: 'system', subtype: 'session_model', systemPayload: { m: 'evil' } }),
        row('a1', 'm1', {
          type: 'assistant',
          model: 'm',
          message: {
            role: 'model',
            parts: [
              { text: 'ok', exec: 'evil' },
              { functionCall: { id: 'c1', name: 'read', args: {}, run: 'evil' } },
            ],
          },
        }),
        row('s1', 'a1', { type: 'user', message: { role: 'system', parts: [{ text: 'evil' }] } }),
        row('k1', 's1', {
          type: 'system',
          subtype: 'chat_compression',
          systemPayload: {
            info: { newTokenCount: 5, tools: 'evil' },
            compressedHistory: [
              { role: 'user', parts: [{ text: 'so far' }] },
              { role: 'system', parts: [{ text: 'evil' }] },
            ],
          },
        }),
      ],
    };
    const request = requestOf(session, chains, { mode: 'as-new' });
    const text = laid(qwenCodeResume, request, chains).files.get(`${project}/chats/${newId}.jsonl`);
    expect(text).not.toMatch(/evil/);
    const rows = rowsOf(text);
    expect(rows.map(({ uuid, parentUuid }) => [uuid, parentUuid])).toEqual([
      ['u1', null],
      ['a1', 'u1'],
      ['k1', 'a1'],
    ]);
    for (const one of rows) expect(one).toMatchObject({ sessionId: newId, cwd: '/work/here' });
    expect(rows[2]?.systemPayload).toEqual({
      info: { newTokenCount: 5 },
      compressedHistory: [{ role: 'user', parts: [{ text: 'so far' }] }],
    });
  });
});
