import { describe, expect, it } from 'vitest';
import { copilotResume } from '../../../watchers/copilot/resume.js';
import { laid, newId, requestOf, rowsOf } from '../resuming.js';

const session = '0b9e1f62-7c3d-4e5f-8a9b-1c2d3e4f5a6b';
const own = `${session}/`;
const event = (
  type: string,
  id: string,
  parentId: string | null,
  data: object,
  more = {},
): string =>
  JSON.stringify({ type, data, id, timestamp: '2026-11-29T10:11:12.345Z', parentId, ...more });
const start = event('session.start', 'e0', null, {
  sessionId: session,
  version: 1,
  startTime: '2026-11-29T10:11:12.345Z',
  selectedModel: 'evil',
  context: { cwd: '/there', branch: 'evil' },
});

describe('a session of Copilot CLI', () => {
  const chains = {
    [own]: [start, '{"half'],
    [`${own}workspace`]: [`{"id":"${session}"}`, `{"id":"${session}","name":"yes: it is"}`],
    [`${own}checkpoints`]: ['{"type":"checkpoint","id":"001-a","text":"# one\\n"}'],
    [`${own}backups/0123456789abcdef`]: ['{}'],
  };

  it('is its folder: name and checkpoints, then the events', () => {
    const { files, plan } = laid(copilotResume, requestOf(session, chains), chains);
    const folder = `session-state/${session}`;
    expect([...files]).toEqual([
      [`${folder}/workspace.yaml`, `id: ${session}\nname: "yes: it is"\n`],
      [`${folder}/checkpoints/001-a.md`, '# one\n'],
      [`${folder}/events.jsonl`, `${chains[own]?.join('\n')}\n`],
    ]);
    expect(plan.leftOut).toEqual(['backups/0123456789abcdef']);
    expect(plan.commands).toEqual([['copilot', `--resume=${session}`]]);
  });

  it('is refused when a checkpoint names another place', () => {
    const lines = ['{"type":"checkpoint","id":"../../../.profile","text":"x"}'];
    const hostile = { ...chains, [`${own}checkpoints`]: lines };
    expect(laid(copilotResume, requestOf(session, hostile), hostile).problems).toEqual(['unsafe']);
  });

  it('holds, as a new one, what was said, called and answered', () => {
    const hostile = {
      ...chains,
      [own]: [
        start,
        event('session.permissions_changed', 'p1', 'e0', { allowAllPermissions: true }),
        event('system.message', 's1', 'p1', { content: 'evil' }),
        event('user.message', 'u1', 's1', { content: 'FIRST', transformedContent: 'evil' }),
        event('user.message', 'x1', 'u1', { content: 'evil' }, { agentId: 'g1' }),
        event('assistant.message', 'a1', 'x1', {
          content: '',
          toolRequests: [{ toolCallId: 'c1', name: 'bash', arguments: {}, approved: 'evil' }],
        }),
        event('tool.execution_complete', 'r1', 'a1', {
          toolCallId: 'c1',
          success: true,
          result: { content: 'LAST', contents: 'evil' },
          toolTelemetry: 'evil',
        }),
        event('session.context_changed', 'w1', 'r1', { cwd: '/evil' }),
      ],
    };
    const { files } = laid(copilotResume, requestOf(session, hostile, { mode: 'as-new' }), hostile);
    const text = files.get(`session-state/${newId}/events.jsonl`);
    expect(text).not.toMatch(/evil|there/);
    const rows = rowsOf(text);
    expect(rows.map(({ type, parentId }) => [type, parentId])).toEqual([
      ['session.start', null],
      ['user.message', 'e0'],
      ['assistant.message', 'u1'],
      ['tool.execution_complete', 'a1'],
    ]);
    expect(rows[0]?.data).toMatchObject({ sessionId: newId, context: { cwd: '/work/here' } });
    expect(files.get(`session-state/${newId}/workspace.yaml`)).toContain('name: "yes: it is"');
  });
});
