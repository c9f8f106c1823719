import { describe, expect, it } from 'vitest';
import { geminiCliResume } from '../../../watchers/gemini-cli/resume.js';
import { laid, newId, requestOf, rowsOf } from '../resuming.js';

const session = '0b9e1f62-7c3d-4e5f-8a9b-1c2d3e4f5a6b';
const agent = '1c9e1f62-7c3d-4e5f-8a9b-1c2d3e4f5a6b';
const own = `${session}/`;
const header = `{"sessionId":"${session}","projectHash":"x","startTime":"2026-11-29T10:11:12.345Z"}`;
const file = (id: string) => `tmp/here/chats/session-2026-11-29T10-11-${id.slice(0, 8)}.jsonl`;
const message = (id: string, type: string, more: object): string =>
  JSON.stringify({ id, type, ...more });

describe('a session of Gemini CLI', () => {
  const chains = {
    [own]: [header, message('m1', 'user', { content: 'hi' }), '{"half'],
    [`${own}agents/${agent}`]: ['{"kind":"subagent"}'],
    [`${own}tool-outputs`]: ['{"type":"tool-output","id":"read-1","text":"whole"}'],
    [`${own}agents/../x`]: ['{}'],
  };

  it('is its file and what belongs to it, after a note of the folder', () => {
    const { files, plan } = laid(geminiCliResume, requestOf(session, chains), chains);
    expect([...files]).toEqual([
      [`tmp/here/chats/${session}/${agent}.jsonl`, '{"kind":"subagent"}\n'],
      [`tmp/here/tool-outputs/session-${session}/read-1.txt`, 'whole'],
      ['tmp/here/.project_root', '/work/here'],
      [file(session), `${chains[own]?.join('\n')}\n`],
    ]);
    expect(plan.leftOut).toEqual(['agents/../x']);
    expect(plan.commands).toEqual([['gemini', '-r', session]]);
  });

  it('holds, as a new one, what was said, called, answered and taken back', () => {
    const hostile = {
      [own]: [
        header,
        header,
        JSON.stringify({
          $set: {
            memoryScratchpad: 'evil',
            summary: 'A title',
            messages: [
              { id: 'c0', type: 'user', content: [{ text: '<session_context>evil' }] },
              { id: 'm1', type: 'user', content: [{ text: 'FIRST' }, { fileData: 'evil' }] },
              { id: 'i1', type: 'info', content: 'evil' },
            ],
          },
        }),
        message('m2', 'gemini', {
          content: 'ok',
          model: 'm',
          toolCalls: [
            {
              id: 'c1',
              name: 'shell',
              args: {},
              status: 'success',
              confirm: 'evil',
              resultDisplay: { evil: 1 },
              result: [
                { functionResponse: { id: 'c1', name: 'shell', response: {}, run: 'evil' } },
              ],
            },
          ],
        }),
        '{"$rewindTo":"m2","run":"evil"}',
      ],
    };
    const request = requestOf(session, hostile, { mode: 'as-new' });
    const text = laid(geminiCliResume, request, hostile).files.get(file(newId));
    expect(text).not.toMatch(/evil/);
    const [head, set, answer, rewind, ...more] = rowsOf(text);
    expect(head).toMatchObject({ sessionId: newId, kind: 'main' });
    expect(set).toEqual({
      $set: {
        summary: 'A title',
        messages: [{ id: 'm1', type: 'user', content: [{ text: 'FIRST' }] }],
      },
    });
    expect(answer).toMatchObject({ id: 'm2', content: 'ok', toolCalls: [{ id: 'c1' }] });
    expect([rewind, more]).toEqual([{ $rewindTo: 'm2' }, []]);
  });
});
