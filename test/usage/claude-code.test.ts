import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinedUsage } from '../../src/conversation/usage-join.js';
import { byDay, counted, type Rows, usageOf } from './counting.js';

const session = '5b0c6b1e-0d4f-4c55-9f0e-1f2a3b4c5d6e';
const elsewhere = '77777777-7777-4777-8777-777777777777';

function answer(at: string, id: string, usage: object, more: object = {}): object {
  return {
    type: 'assistant',
    uuid: `${id} ${at}`,
    sessionId: session,
    timestamp: `2026-05-04T${at}Z`,
    message: { id, role: 'assistant', model: 'claude-opus-4-5', usage },
    ...more,
  };
}

function main(...rows: readonly object[]): Rows {
  return { harness: 'claude-code', session, stream: '', rows };
}

describe('tokens of Claude Code', () => {
  it('are the highest of all rows of a response, at the time of its first', () => {
    const usage = usageOf(
      main(
        answer('09:14:59', 'msg_a', { input_tokens: 4, output_tokens: 1 }),
        answer('09:16:00', 'msg_a', { input_tokens: 4, output_tokens: 90 }),
        answer('09:16:01', 'msg_a', { input_tokens: 4, output_tokens: 2 }),
      ),
    );
    const [[key, value] = []] = Object.entries(usage.slots);
    expect(key).toBe('2026-05-04T09:00Z claude-opus-4-5');
    expect(value).toMatch(/^1 4 0 0 0 90 0 0 \w+$/);
    expect(usage.through).toEqual({ '': 3 });
  });

  it('tell writes that live for an hour from those that live for five minutes', () => {
    const written = {
      cache_creation_input_tokens: 700,
      cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 500 },
    };
    const { slots } = usageOf(
      main(
        answer('10:00:00', 'msg_a', written),
        answer('10:00:01', 'msg_b', { cache_creation_input_tokens: 30 }),
      ),
    );
    expect(byDay(slots)['2026-05-04 claude-opus-4-5']).toMatchObject({
      write5m: 230,
      write1h: 500,
    });
  });

  it('of an adviser are calls of its own model', () => {
    const iterations = [
      { type: 'message', input_tokens: 3, output_tokens: 3 },
      { type: 'advisor_message', model: 'claude-sonnet-4-5', input_tokens: 8, output_tokens: 2 },
    ];
    const { slots } = usageOf(
      main(answer('10:00:00', 'msg_a', { input_tokens: 3, output_tokens: 3, iterations })),
    );
    expect(byDay(slots)).toMatchObject({
      '2026-05-04 claude-opus-4-5': { calls: 1, input: 3 },
      '2026-05-04 claude-sonnet-4-5': { calls: 1, input: 8, output: 2 },
    });
  });

  it('of copied rows are inherited, whether the rows say so or are older than the file', () => {
    const used = { input_tokens: 10, output_tokens: 10 };
    const { slots, inherited } = usageOf(
      main(
        { type: 'queue-operation', timestamp: '2026-05-04T12:00:00Z' },
        answer('11:00:00', 'msg_old', used),
        answer('12:00:01', 'msg_fork', used, { forkedFrom: { sessionId: elsewhere } }),
        answer('12:00:02', 'msg_resumed', used, { sessionId: elsewhere }),
        answer('12:00:03', 'msg_own', { input_tokens: 1 }),
      ),
    );
    expect(byDay(slots)['2026-05-04 claude-opus-4-5']).toMatchObject({ calls: 1, input: 1 });
    expect(byDay(inherited ?? {})['2026-05-04 claude-opus-4-5']).toMatchObject({ calls: 3 });
  });

  it('of made-up messages, and of rows that are no answers, do not count', () => {
    const { slots } = usageOf(
      main(
        answer('10:00:00', 'msg_a', { input_tokens: 5 }, { message: { model: '<synthetic>' } }),
        answer('10:00:00', 'msg_b', {}, { type: 'user' }),
        { type: 'assistant', message: 'nonsense' },
        { type: 'cost-state', modelUsage: { 'claude-opus-4-5': { costUSD: 0.5 } } },
      ),
    );
    expect(slots).toEqual({});
  });

  it('come with the highest figure that the client gives', () => {
    const costs = [0.25, 0.75, 0.5].map((costUSD) => ({
      type: 'cost-state',
      modelUsage: { 'claude-opus-4-5': { costUSD } },
    }));
    expect(usageOf(main(...costs)).reported).toEqual({ 'claude-opus-4-5': 0.75 });
  });

  const call = fc.record({
    id: fc.integer({ min: 0, max: 12 }).map((number) => `msg_${number}`),
    second: fc.integer({ min: 0, max: 59 }),
    hour: fc.integer({ min: 0, max: 23 }),
    usage: fc.record({
      input_tokens: fc.nat({ max: 50 }),
      output_tokens: fc.nat({ max: 50 }),
      cache_read_input_tokens: fc.nat({ max: 50 }),
    }),
  });

  it('are the same however the lines are split into parts, streams, copies and generations', () => {
    fc.assert(
      fc.property(
        fc.array(call, { maxLength: 25 }),
        fc.array(fc.nat({ max: 25 }), { maxLength: 4 }),
        fc.nat({ max: 25 }),
        (calls, stops, cut) => {
          const rows = calls.map(({ id, hour, second, usage }) => {
            const at = [hour, 0, second].map((part) => String(part).padStart(2, '0')).join(':');
            return answer(at, id, usage);
          });
          const whole = usageOf(main(...rows));
          const resumed = joinedUsage([counted(main(...rows), stops)]);
          expect(resumed).toEqual(whole);
          const copy = { ...counted(main(...rows.slice(0, cut))), name: 'copies/1' };
          const { usage: truncated } = counted(main(...rows.slice(0, cut)));
          const main_ = { ...counted(main(...rows)), earlier: [truncated] };
          for (const order of [
            [main_, copy],
            [copy, main_],
          ]) {
            expect(joinedUsage(order).slots).toEqual(whole.slots);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
