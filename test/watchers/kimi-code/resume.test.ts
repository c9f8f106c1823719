import { describe, expect, it } from 'vitest';
import { kimiCodeResume } from '../../../watchers/kimi-code/resume.js';
import { laid, newId, requestOf, rowsOf } from '../resuming.js';

const session = 'session_0b9e1f62-7c3d-4e5f-8a9b-1c2d3e4f5a6b';
const copy = `session_${newId}`;
const own = `${session}/`;
const workspace = 'sessions/wd_here_5ec006768b9f';
const row = (type: string, more: object): string =>
  JSON.stringify({ type, agentId: 'main', ...more });
const metadata = '{"type":"metadata","protocol_version":"1.5"}';
const message = (kind: string, text: string): string =>
  row('context.append_message', {
    message: { role: 'user', id: 'm', content: [{ type: 'text', text }], origin: { kind } },
  });
const event = (more: object): string => row('context.append_loop_event', { event: more });

describe('a session of Kimi Code', () => {
  const chains = {
    [own]: [metadata, '{"half'],
    [`${own}state`]: ['{"title":"old"}', '{"title":"new","agents":{"main":{"homedir":"/there"}}}'],
    [`${own}agents/agent-0`]: [metadata],
    [`${own}backups/main`]: ['{}'],
    [`${own}agents/..`]: ['{}'],
  };

  it('is a wire per agent and its last state, with the main wire at the end', () => {
    const { files, plan } = laid(kimiCodeResume, requestOf(session, chains), chains);
    const folder = `${workspace}/${session}`;
    expect([...files]).toEqual([
      [`${folder}/state.json`, '{"title":"new","agents":{"main":{"homedir":"/there"}}}'],
      [`${folder}/agents/agent-0/wire.jsonl`, `${metadata}\n`],
      [`${folder}/agents/main/wire.jsonl.bak`, '{}\n'],
      [`${folder}/agents/main/wire.jsonl`, `${chains[own]?.join('\n')}\n`],
    ]);
    expect(plan.leftOut).toEqual(['agents/..']);
    expect(plan.commands).toEqual([['kimi', '-r', session]]);
  });

  it('holds, as a new one, what was said, called and answered', () => {
    const hostile = {
      ...chains,
      [own]: [
        metadata,
        row('profile.bind', { systemPrompt: 'evil', activeToolNames: ['evil'] }),
        row('permission.set_mode', { mode: 'yolo' }),
        message('user', 'FIRST'),
        message('injection', 'evil'),
        row('llm.tools_snapshot', { tools: ['evil'] }),
        event({ type: 'tool.call', toolCallId: 'c1', name: 'Bash', args: {}, display: 'evil' }),
        event({ type: 'tool.result', toolCallId: 'c1', result: { output: 'LAST', run: 'evil' } }),
        event({
          type: 'content.part',
          part: { type: 'image_url', imageUrl: { url: 'http://evil' } },
        }),
        row('context.undo', { count: 1, run: 'evil' }),
      ],
    };
    const request = requestOf(session, hostile, { mode: 'as-new', id: copy });
    const { files } = laid(kimiCodeResume, request, hostile);
    const text = files.get(`${workspace}/${copy}/agents/main/wire.jsonl`);
    expect(text).not.toMatch(/evil|yolo/);
    expect(rowsOf(text).map(({ type }) => type)).toEqual([
      'metadata',
      'context.append_message',
      'context.append_loop_event',
      'context.append_loop_event',
      'context.undo',
    ]);
    expect(JSON.parse(files.get(`${workspace}/${copy}/state.json`) ?? '')).toMatchObject({
      id: copy,
      cwd: '/work/here',
      title: 'new',
      agents: { main: { type: 'main' } },
    });
  });

  it('gets an id as its harness spells them', () => {
    expect(kimiCodeResume.idOf?.(newId)).toBe(copy);
    expect([session, newId, 'session_..'].map(kimiCodeResume.isId)).toEqual([true, false, false]);
  });
});
