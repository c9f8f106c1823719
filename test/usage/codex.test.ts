import { describe, expect, it } from 'vitest';
import { joinedUsage } from '../../src/conversation/usage-join.js';
import { byDay, counted, type Rows, usageOf } from './counting.js';

const session = '0b000000-0000-7000-8000-000000000001';
const parent = '0b000000-0000-7000-8000-000000000002';
const model = 'gpt-5';
const day = `2026-05-04 ${model}`;

function meta(id: string, more: object = {}, at = '10:00:00.000'): object {
  return row(at, 'session_meta', { id, ...more });
}

function row(at: string, type: string, payload: object): object {
  return { timestamp: `2026-05-04T${at}Z`, type, payload };
}

function tokens(input: number, output: number): object {
  return { input_tokens: input, cached_input_tokens: 10, output_tokens: output };
}

function count(at: string, total: number, last?: number): object {
  const info = {
    total_token_usage: tokens(total, total / 10),
    ...(last === undefined ? {} : { last_token_usage: tokens(last, last / 10) }),
  };
  return row(at, 'event_msg', { type: 'token_count', info });
}

function record(at: string, response_id: string, thread_id: string, input: number): object {
  const usage = tokens(input, 5);
  return row(at, 'token_usage_record', { response_id, thread_id, usage });
}

const turn = (at: string): object => row(at, 'turn_context', { model });

function thread(...rows: readonly object[]): Rows {
  return { harness: 'codex', session, stream: '', rows };
}

describe('tokens of Codex', () => {
  it('are those of its records, whatever else counts them', () => {
    const { slots } = usageOf(
      thread(
        meta(session),
        turn('10:00:00.100'),
        record('10:00:05.000', 'resp_a', session, 100),
        count('10:00:05.100', 100, 100),
        record('10:00:06.000', 'resp_a', session, 100),
        record('10:00:09.000', 'resp_b', session, 60),
        record('10:00:10.000', 'resp_c', parent, 999),
        count('10:00:10.100', 160, 60),
      ),
    );
    expect(byDay(slots)).toEqual({
      [day]: expect.objectContaining({ calls: 2, input: 140, cacheRead: 20, output: 10 }),
    });
  });

  it('are what the total grew by, in older releases', () => {
    const { slots } = usageOf(
      thread(
        meta(session),
        turn('10:00:00.100'),
        count('10:00:05.000', 100),
        count('10:00:05.500', 100),
        count('10:00:09.000', 250),
        count('10:00:20.000', 70, 70),
      ),
    );
    expect(byDay(slots)[day]).toMatchObject({ calls: 3, output: 10 + 15 + 7 });
  });

  it('are none where a total starts anew at zero', () => {
    const usage = usageOf(
      thread(
        meta(session),
        turn('10:00:00.100'),
        count('10:00:05.000', 100, 100),
        meta(parent, {}, '10:00:06.000'),
        row('10:00:07.000', 'event_msg', {
          type: 'token_count',
          info: { total_token_usage: {}, last_token_usage: {} },
        }),
        count('10:00:09.000', 70),
      ),
    );
    expect(byDay(usage.slots)[day]).toMatchObject({ calls: 1, output: 10 });
    expect(byDay(usage.inherited ?? {})[day]).toMatchObject({ calls: 1, output: 7 });
  });

  it('are inherited as long as a fork repeats its parent, and uncertain where nothing names the thread', () => {
    const usage = usageOf(
      thread(
        meta(session, { forked_from_id: parent }),
        meta(parent, {}, '10:00:00.002'),
        turn('10:00:00.003'),
        count('10:00:00.800', 1_000, 1_000),
        count('10:00:02.500', 1_500, 500),
        turn('10:00:40.000'),
        count('10:00:44.000', 1_600, 100),
      ),
    );
    expect(byDay(usage.slots)[day]).toMatchObject({ calls: 1, output: 10 });
    expect(byDay(usage.inherited ?? {})[day]).toMatchObject({ calls: 2, output: 150 });
    expect(usage.uncertain).toBe(true);
  });

  it('of a sub-agent that repeats nothing are all its own', () => {
    const usage = usageOf(
      thread(
        meta(session, { parent_thread_id: parent }),
        row('10:00:00.010', 'event_msg', { type: 'task_started' }),
        turn('10:00:00.020'),
        count('10:00:03.000', 100, 100),
        row('10:00:30.000', 'event_msg', { type: 'task_started' }),
        count('10:00:33.000', 180, 80),
      ),
    );
    expect(byDay(usage.slots)[day]).toMatchObject({ calls: 2, output: 18 });
    expect(usage.inherited).toBeUndefined();
    expect(usage.uncertain).toBeUndefined();
  });

  it('of a fork that holds no rows of its parent leave out what the first total inherits', () => {
    const { slots } = usageOf(
      thread(
        meta(session, { history_base: { thread_id: parent } }),
        turn('10:00:00.100'),
        count('10:00:05.000', 5_000),
        count('10:00:09.000', 5_200),
      ),
    );
    expect(byDay(slots)[day]).toMatchObject({ calls: 1, output: 20 });
  });

  it('of older generations count only where calls have an id', () => {
    const old = counted(thread(meta(session), turn('10:00:00.100'), count('10:00:05.000', 100)));
    const recorded = counted(thread(meta(session), record('10:00:05.000', 'resp_a', session, 70)));
    const now = counted(thread(meta(session), count('11:00:05.000', 50)));
    const { slots } = joinedUsage([{ ...now, earlier: [old.usage, recorded.usage] }]);
    expect(Object.keys(slots)).toEqual(['2026-05-04T10:00Z unknown', '2026-05-04T11:00Z unknown']);
  });
});
