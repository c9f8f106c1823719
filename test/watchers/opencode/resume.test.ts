import { describe, expect, it } from 'vitest';
import { openCodeResume } from '../../../watchers/opencode/resume.js';
import { laid, newId, requestOf } from '../resuming.js';

const session = 'ses_dd7a46c8bffeTQ1uKngFEkiuy2';
const own = `${session}/`;
const state = (op: string, table: string, id: string, more: object = {}): string =>
  JSON.stringify({ op, table, id, ...more });
const part = (op: string, id: string, message_id: string, data: object): string =>
  state(op, 'part', id, { message_id, data });
const [first, second, third] = [
  'msg_00000000000aFirst',
  'msg_00000000000bSecond',
  'msg_00000000000cThird',
];

const chains = {
  [own]: [
    state('insert', 'session', session, { title: 'old', permission: 'evil', parent_id: 'evil' }),
    state('insert', 'message', second, {
      data: { role: 'assistant', parentID: first, system: 'evil' },
    }),
    state('insert', 'message', first, { data: { role: 'user', system: 'evil', tools: 'evil' } }),
    state('insert', 'message', third, { data: { role: 'user' } }),
    part('insert', 'prt_00000000000a', first, { type: 'text', text: 'draft' }),
    part('update', 'prt_00000000000a', first, { type: 'text', text: 'FIRST', run: 'evil' }),
    part('insert', 'prt_00000000000b', second, {
      type: 'tool',
      tool: 'bash',
      callID: 'c1',
      state: {
        status: 'running',
        input: { command: 'ls' },
        time: { start: 5 },
        metadata: { run: 'evil' },
      },
    }),
    part('insert', 'prt_00000000000c', second, { type: 'file', url: 'file:///evil' }),
    part('insert', 'prt_00000000000d', second, { type: 'text', text: 'gone' }),
    state('delete', 'part', 'prt_00000000000d'),
    state('update', 'session', session, { title: 'new', revert: { messageID: third } }),
  ],
};

describe('a session of opencode', () => {
  it('is a document to import: its rows as they were last, under new ids, without settings', () => {
    const id = openCodeResume.idOf?.(newId) ?? '';
    const request = requestOf(session, chains, { mode: 'as-new', id });
    const { files, plan } = laid(openCodeResume, request, chains);
    const text = files.get(`restored/${id}.json`) ?? '';
    expect(text).not.toMatch(/evil|gone|draft/);
    const { info, messages } = JSON.parse(text);
    expect(info).toMatchObject({ id, title: 'new', directory: '/work/here' });
    const [asked, answered, ...more] = messages;
    expect(more).toEqual([]);
    expect(asked.parts).toMatchObject([{ type: 'text', text: 'FIRST', messageID: asked.info.id }]);
    expect(answered.info).toMatchObject({
      role: 'assistant',
      parentID: asked.info.id,
      sessionID: id,
    });
    expect(answered.parts).toMatchObject([
      { tool: 'bash', state: { status: 'error', input: { command: 'ls' }, error: 'interrupted' } },
    ]);
    expect(asked.info.id).toMatch(/^msg_00000000000a[A-Za-z0-9]{14}$/);
    expect(asked.info.id).not.toBe(first);
    expect(plan.commands).toEqual([
      ['opencode', 'import', `/home/me/.harness/restored/${id}.json`],
      ['opencode', '-s', id],
    ]);
  });

  it('never keeps its id, since opencode only takes in copies', () => {
    expect(openCodeResume.modes).toEqual(['as-new']);
  });
});
