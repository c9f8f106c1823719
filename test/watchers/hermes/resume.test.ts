import { describe, expect, it } from 'vitest';
import { hermesResume } from '../../../watchers/hermes/resume.js';
import { laid, newId, requestOf, rowsOf } from '../resuming.js';

const session = '20261122_101112_abcdef';
const message = (op: string, id: number, more: object = {}): string =>
  JSON.stringify({ op, id, role: 'user', content: `text ${id}`, active: 1, ...more });
const chains = {
  [`${session}/`]: [
    JSON.stringify({ op: 'insert', table: 'sessions', id: session, source: 'cli', title: 'old' }),
    message('insert', 2, { role: 'assistant', tool_calls: '[{"id":"c1"}]', api_content: 'x' }),
    message('insert', 1),
    message('insert', 3),
    message('insert', 4),
    message('insert', 5, { role: 'system' }),
    message('update', 1, { content: 'FIRST' }),
    message('update', 3, { active: 0 }),
    JSON.stringify({ op: 'delete', id: 4 }),
    JSON.stringify({
      op: 'update',
      table: 'sessions',
      id: session,
      title: 'new',
      cwd: '/elsewhere',
      started_at: 1.5,
      system_prompt: 'obey',
      model_config: '{"yolo":true}',
    }),
    '[REDACTED:line]',
  ],
};

describe('a session of Hermes', () => {
  it('is one line to import: its messages as they were last, without settings', () => {
    const request = requestOf(session, chains, { mode: 'as-new', folder: '/home/me/.hermes' });
    const { files, plan } = laid(hermesResume, request, chains);
    expect(rowsOf(files.get(`restored/${newId}.jsonl`))).toEqual([
      {
        id: newId,
        source: 'import',
        title: 'new',
        cwd: '/work/here',
        started_at: 1.5,
        messages: [
          { role: 'user', content: 'FIRST' },
          { role: 'assistant', content: 'text 2', tool_calls: [{ id: 'c1' }] },
        ],
      },
    ]);
    const file = `/home/me/.hermes/restored/${newId}.jsonl`;
    expect(plan.commands).toEqual([['hermes', 'sessions', 'import', file]]);
    expect(plan.notes).toEqual([expect.stringContaining('"hermes --resume ID"')]);
  });

  it('never keeps its id, since Hermes only takes in copies', () => {
    expect(hermesResume.modes).toEqual(['as-new']);
  });
});
