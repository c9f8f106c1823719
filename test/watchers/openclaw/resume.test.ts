import { describe, expect, it } from 'vitest';
import { openClawResume } from '../../../watchers/openclaw/resume.js';
import { laid, newId, requestOf, rowsOf } from '../resuming.js';

const session = '0b9e1f62-7c3d-4e5f-8a9b-1c2d3e4f5a6b';
const folder = 'agents/main/sessions';
const at = '2026-04-01T10:00:00.000Z';
const row = (more: object): string => JSON.stringify({ timestamp: at, ...more });
const own = `${session}/`;
const chains = {
  [own]: [
    row({ type: 'session', version: 3, id: session, cwd: '/elsewhere', parentSession: '/etc/x' }),
    row({ type: 'model_change', id: 'm1', parentId: null, provider: 'evil', modelId: 'x' }),
    row({ type: 'custom', id: 'c1', parentId: 'm1', customType: 'run', data: {} }),
    row({ type: 'message', id: 'u1', parentId: 'c1', message: { role: 'user', content: 'FIRST' } }),
    row({ type: 'message', id: 's1', parentId: 'u1', message: { role: 'system', content: 'no' } }),
    row({
      type: 'message',
      id: 'a1',
      parentId: 's1',
      message: {
        role: 'assistant',
        content: [{ type: 'text', text: 'LAST' }, { type: 'run' }],
        exec: 'x',
      },
    }),
  ],
  [`${own}backups/2026-04-01T09-00-00.000Z`]: ['{}'],
};

describe('a session of OpenClaw', () => {
  it('is a transcript and, after it, the index that its import looks for', () => {
    const { files, plan } = laid(openClawResume, requestOf(session, chains), chains);
    expect([...files.keys()]).toEqual([`${folder}/${session}.jsonl`, `${folder}/sessions.json`]);
    expect(files.get(`${folder}/${session}.jsonl`)).toBe(`${chains[own]?.join('\n')}\n`);
    expect(JSON.parse(files.get(`${folder}/sessions.json`) ?? '')).toEqual({
      'agent:main:restored-0b9e1f62': { sessionId: session, updatedAt: Date.parse(at) },
    });
    expect(plan.leftOut).toEqual(['backups/2026-04-01T09-00-00.000Z']);
    expect(plan.isRunnable).toBe(false);
  });

  it('holds, as a new one, what was said and nothing else', () => {
    const request = requestOf(session, chains, { mode: 'as-new' });
    const { files } = laid(openClawResume, request, chains);
    expect(rowsOf(files.get(`${folder}/${newId}.jsonl`))).toEqual([
      { type: 'session', version: 3, id: newId, timestamp: at, cwd: '/work/here' },
      {
        type: 'message',
        id: 'u1',
        parentId: null,
        timestamp: at,
        message: { role: 'user', content: 'FIRST' },
      },
      {
        type: 'message',
        id: 'a1',
        parentId: 'u1',
        timestamp: at,
        message: { role: 'assistant', content: [{ type: 'text', text: 'LAST' }] },
      },
    ]);
  });
});
