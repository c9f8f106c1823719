import { describe, expect, it } from 'vitest';
import { joinedUsage } from '../../src/conversation/usage-join.js';
import { byDay, counted, usageOf } from './counting.js';

const session = 'a-session';
const at = '2026-05-04T08:20:00.000Z';
const atMs = Date.parse(at);

function used(harness: string, ...rows: readonly object[]) {
  const { slots, inherited, reported } = usageOf({ harness, session, stream: '', rows });
  return { own: byDay(slots), inherited: byDay(inherited ?? {}), reported };
}

/** The day of all rows here. */
const day = (model: string): string => `2026-05-04 ${model}`;

describe('tokens', () => {
  it.each(['openclaw', 'pi'])(
    'of %s are those of its messages; a fork inherits the older ones',
    (harness) => {
      const message = (id: string, timestamp: string, input: number): object => ({
        type: 'message',
        id,
        timestamp,
        message: {
          role: 'assistant',
          model: 'm',
          usage: { input, output: 2, cacheRead: 3, cacheWrite: 4, cost: { total: 0.5 } },
        },
      });
      const told = used(
        harness,
        { type: 'session', id: session, timestamp: at, parentSession: '/x/another.jsonl' },
        message('a', '2026-05-04T08:00:00.000Z', 900),
        message('b', '2026-05-04T08:30:00.000Z', 10),
        message('b', '2026-05-04T08:30:00.000Z', 10),
        {
          type: 'message',
          id: 'c',
          message: { role: 'assistant', model: 'delivery-mirror', usage: { input: 7 } },
        },
        { type: 'message', id: 'd', message: { role: 'user', usage: { input: 7 } } },
      );
      expect(told.own).toEqual({
        [day('m')]: expect.objectContaining({ calls: 1, input: 10, cacheRead: 3, write5m: 4 }),
      });
      expect(told.inherited[day('m')]).toMatchObject({ calls: 1, input: 900 });
      expect(told.reported).toEqual({ m: 0.5 });
    },
  );

  it.each(['compaction', 'branch_summary'])(
    'of pi are also those of a %s, which is the work of the model that answered last',
    (type) => {
      const usage = { input: 70, output: 9, cost: { total: 0.25 } };
      const rows = [
        {
          type: 'message',
          id: 'a',
          timestamp: at,
          message: { role: 'assistant', model: 'm', usage },
        },
        { type, id: 'b', timestamp: at, summary: 'so far', usage },
        { type, id: 'c', timestamp: at, summary: 'of an extension' },
        { type: 'label', id: 'd', timestamp: at, usage },
      ];
      const { own, reported } = used('pi', ...rows);
      expect(own).toEqual({ [day('m')]: expect.objectContaining({ calls: 2, input: 140 }) });
      expect(reported).toEqual({ m: 0.5 });
      const stopped = counted({ harness: 'pi', session, stream: '', rows }, [1, 2]);
      expect(joinedUsage([stopped]).slots).toEqual(
        usageOf({ harness: 'pi', session, stream: '', rows }).slots,
      );
    },
  );

  it('of Hermes are what its counters grew by, and what the session counts beyond its models', () => {
    const state = (lastSeen: number, calls: number, input: number, whole: number): object => ({
      op: 'update',
      table: 'session_model_usage',
      id: session,
      models: [
        {
          model: 'm',
          task: 'main',
          api_call_count: calls,
          input_tokens: input,
          last_seen: lastSeen,
        },
      ],
      session: { model: 'm', input_tokens: whole },
    });
    const morning = atMs / 1_000;
    const { own } = used(
      'hermes',
      { op: 'insert', id: 1, role: 'user', content: 'hello' },
      state(morning, 2, 100, 100),
      state(morning + 86_400, 5, 450, 500),
    );
    expect(own).toEqual({
      [day('m')]: expect.objectContaining({ calls: 2, input: 100 }),
      '2026-05-05 m': expect.objectContaining({ calls: 3, input: 400 }),
    });
  });

  it('of Qwen Code take the cache out of the prompt, and thoughts for part of the output if the total says so', () => {
    const row = (uuid: string, total: number, more: object = {}): object => ({
      uuid,
      type: 'assistant',
      timestamp: at,
      model: 'm',
      usageMetadata: {
        promptTokenCount: 100,
        cachedContentTokenCount: 40,
        candidatesTokenCount: 30,
        thoughtsTokenCount: 8,
        totalTokenCount: total,
      },
      ...more,
    });
    const told = used(
      'qwen-code',
      row('within', 130),
      row('beside', 138),
      row('copied', 130, { forkedFrom: { sessionId: 'another' } }),
    );
    expect(told.own[day('m')]).toMatchObject({ calls: 2, input: 120, cacheRead: 80, output: 68 });
    expect(told.inherited[day('m')]).toMatchObject({ calls: 1 });
  });

  it('of Gemini CLI count a message once, however often it is recorded', () => {
    const tokens = { input: 100, cached: 40, output: 30, thoughts: 8, tool: 5, total: 143 };
    const row = { id: 'a', type: 'gemini', timestamp: at, model: 'm', content: 'x' };
    const { own } = used(
      'gemini-cli',
      row,
      { ...row, tokens },
      { ...row, tokens, toolCalls: [] },
      { $set: { messages: [{ ...row, id: 'b', tokens }] } },
      { ...row, id: 'c', tokens: null },
    );
    expect(own[day('m')]).toMatchObject({ calls: 1, input: 65, output: 38, reasoning: 8 });
  });

  it('of OpenCode are the last state of a message, in a column or bare, with the reasoning as output', () => {
    const data = (output: number, cost: number): object => ({
      role: 'assistant',
      modelID: 'm',
      cost,
      time: { created: atMs },
      tokens: { input: output * 2, output, reasoning: 5, cache: { read: 1, write: 2 } },
    });
    const told = used(
      'opencode',
      { op: 'insert', table: 'message', id: 'msg_1', data: { ...data(0, 0), tokens: {} } },
      { op: 'update', table: 'message', id: 'msg_1', data: JSON.stringify(data(20, 0.25)) },
      { op: 'delete', table: 'message', id: 'msg_1' },
      { id: 'msg_2', ...data(10, 0) },
    );
    expect(told.own[day('m')]).toMatchObject({ calls: 2, input: 60, output: 40, reasoning: 10 });
    expect(told.reported).toEqual({ m: 0.25 });
  });

  it('of OpenCode are inherited in a message whose id was made after its response was complete', () => {
    const idAt = (ms: number): string =>
      `msg_${((BigInt(ms) << 12n) & 0xffffffffffffn).toString(16).padStart(12, '0')}AbCdEf`;
    const message = (idMs: number, completed: number | undefined): object => ({
      id: idAt(idMs),
      role: 'assistant',
      modelID: 'm',
      time: { created: atMs, ...(completed === undefined ? {} : { completed }) },
      tokens: { input: 10, output: 1 },
    });
    const cycle = 2 ** 36;
    const told = used(
      'opencode',
      message(atMs, atMs + 900),
      message(atMs - 3, atMs + 800),
      message(atMs + 1, undefined),
      message(atMs + 901, atMs + 900),
      message(atMs + 3_600_000 + cycle, atMs + 900),
    );
    expect(told.own[day('m')]).toMatchObject({ calls: 3, input: 30 });
    expect(told.inherited[day('m')]).toMatchObject({ calls: 2, input: 20 });
  });

  it('of Kimi Code are inherited up to the row that says it was forked', () => {
    const row = (time: number): object => ({
      type: 'usage.record',
      agentId: 'main',
      model: 'm',
      time,
      usage: { inputOther: 11, output: 2, inputCacheRead: 3, inputCacheCreation: 4 },
    });
    const told = used('kimi-code', row(atMs), { type: 'forked' }, row(atMs + 1), row(atMs + 1));
    expect(told.own[day('m')]).toMatchObject({ calls: 1, input: 11, cacheRead: 3, write5m: 4 });
    expect(told.inherited[day('m')]).toMatchObject({ calls: 1 });
  });

  it('of Copilot are those of its records, but for the records of the session that it was forked from', () => {
    const row = (usageId: string, sourceSessionId: string): object => ({
      type: 'session.usage_record',
      timestamp: at,
      data: {
        usage: {
          model: 'm',
          inputTokens: 50,
          cacheReadTokens: 20,
          outputTokens: 5,
          accounting: { usageId, sourceSessionId },
        },
      },
    });
    const told = used('copilot', row('a', 'another'), row('b', session), row('b', session), {
      type: 'session.shutdown',
      data: { modelMetrics: { m: { usage: { inputTokens: 1_000 } } } },
    });
    expect(told.own[day('m')]).toMatchObject({ calls: 1, input: 30, cacheRead: 20, output: 5 });
    expect(told.inherited[day('m')]).toMatchObject({ calls: 1 });
  });

  it('that are not whole positive numbers count as none', () => {
    const usage = { input: -5, output: 1.5, cacheRead: '7', cacheWrite: 1e300, reasoning: 3 };
    const message = { role: 'assistant', model: 'm', usage };
    const { own } = used('openclaw', { type: 'message', id: 'a', timestamp: at, message });
    expect(own[day('m')]).toMatchObject({ input: 0, output: 0, cacheRead: 0, write5m: 0 });
  });
});
