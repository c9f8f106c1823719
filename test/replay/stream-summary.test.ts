import { describe, expect, it } from 'vitest';
import type { PageStream } from '../../src/replay/page/data.js';
import { keepPaths } from '../../src/replay/page/local-paths.js';
import { type Command, StreamSummary } from '../../src/replay/page/stream-summary.js';

function summaryOf(harness: string, rows: readonly (object | string)[], commands: Command[] = []) {
  const place = { harness, session: 's1', stream: '' };
  const summary = new StreamSummary(place, 100, keepPaths, (command) => commands.push(command));
  for (const row of rows) summary.add(typeof row === 'string' ? row : JSON.stringify(row));
  return summary.end(rows.length);
}

const at = (second: number) => `2026-11-02T09:00:0${second}.000Z`;
const ms = (second: number) => Date.parse(at(second));

describe('the summary of a stream', () => {
  it('has its title, prompts, calls and ending', () => {
    const commands: Command[] = [];
    const call = { type: 'tool_use', id: 'c1', name: 'Bash', input: { command: 'make' } };
    const result = { type: 'tool_result', tool_use_id: 'c1', is_error: true, content: 'no rule' };
    const rows = [
      { type: 'mode', timestamp: at(0) },
      { type: 'user', uuid: 'a', timestamp: at(1), message: { content: 'build it' } },
      { type: 'assistant', uuid: 'b', timestamp: at(2), message: { id: 'm', content: [call] } },
      { type: 'user', uuid: 'c', timestamp: at(3), message: { content: [result] } },
      'no JSON',
      {
        type: 'assistant',
        uuid: 'd',
        timestamp: at(4),
        message: { id: 'n', content: 'It fails.' },
      },
      { type: 'user', uuid: 'e', timestamp: at(5), message: { content: 'then mend it' } },
    ];
    const told: Partial<PageStream> = summaryOf('claude-code', rows, commands);
    expect(told).toMatchObject({
      title: 'build it',
      turns: 2,
      calls: 1,
      failedCalls: 1,
      state: 'open',
      lastAnswer: 'It fails.',
      prompts: [
        [ms(1), 1, 'build it'],
        [ms(5), 6, 'then mend it'],
      ],
      sampleLines: [0, 1, 2, 3, 5, 6],
    });
    expect(commands).toEqual([{ line: 2, timeMs: ms(2), command: 'make' }]);
  });

  it('marks a prompt once even if it is recorded twice', () => {
    const said = 'list the files';
    const told = summaryOf('codex', [
      { timestamp: at(0), type: 'session_meta', payload: { id: 's1' } },
      {
        timestamp: at(1),
        type: 'response_item',
        payload: { type: 'message', role: 'user', content: [{ type: 'input_text', text: said }] },
      },
      { timestamp: at(1), type: 'event_msg', payload: { type: 'user_message', message: said } },
    ]);
    expect(told).toMatchObject({ turns: 1, prompts: [[ms(1), 1, said]] });
  });

  it('has only times if the harness is unknown', () => {
    const told = summaryOf('unheard-of', [{ timestamp: at(3), text: 'x' }, '[]', 'no JSON']);
    expect(told).toMatchObject({ title: null, turns: 0, sampleMs: [ms(3)], lines: 3 });
  });
});
