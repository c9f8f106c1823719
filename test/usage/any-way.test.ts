import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinedUsage } from '../../src/conversation/usage-join.js';
import type { CountedStream } from '../../src/protocol/usage.js';
import { usageReaders } from '../../watchers/usage.js';
import { counted, type Rows } from './counting.js';

const session = '0b000000-0000-7000-8000-0000000000aa';
const another = '0b000000-0000-7000-8000-0000000000bb';
const startMs = Date.parse('2026-05-04T08:00:00Z');

/** One call, as little as harnesses have in common. */
interface Call {
  readonly id: number;
  readonly minute: number;
  readonly model: string;
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly isCopied: boolean;
}

/** The same for every machine. */
fc.configureGlobal({ seed: 20261130 });

/** Rows of one call name one model. */
const call: fc.Arbitrary<Call> = fc
  .record({
    id: fc.nat({ max: 9 }),
    minute: fc.nat({ max: 180 }),
    input: fc.nat({ max: 90_000 }),
    cached: fc.nat({ max: 200_000 }),
    output: fc.nat({ max: 900 }),
    isCopied: fc.boolean(),
  })
  .map((one) => ({ ...one, model: one.id % 2 === 0 ? 'm' : 'n' }));

/** Rows may repeat a call with other counters, as harnesses do; times only move forward. */
type Write = (calls: readonly Call[]) => readonly object[];

const timeOf = ({ minute }: Call): number => startMs + minute * 60_000;
const isoOf = (one: Call): string => new Date(timeOf(one)).toISOString();
const each =
  (write: (one: Call) => object): Write =>
  (calls) =>
    calls.map(write);

function piRow(one: Call): object {
  const { id, model, input, cached, output } = one;
  const usage = { input, output, cacheRead: cached, cacheWrite: 0, cost: { total: output / 8 } };
  const message = { role: 'assistant', model, usage };
  return { type: 'message', id: `e${id}`, timestamp: isoOf(one), message };
}

function codexTotals(calls: readonly Call[]): readonly object[] {
  let [input, cached, output] = [0, 0, 0];
  const at = new Date(startMs).toISOString();
  const head = { type: 'session_meta', timestamp: at, payload: { id: session } };
  return [
    head,
    ...calls.map((one) => {
      input += one.input + one.cached;
      cached += one.cached;
      output += one.output;
      const total = { input_tokens: input, cached_input_tokens: cached, output_tokens: output };
      const info = { total_token_usage: total };
      return { timestamp: isoOf(one), type: 'event_msg', payload: { type: 'token_count', info } };
    }),
  ];
}

function hermesStates(calls: readonly Call[]): readonly object[] {
  let [count, input, output] = [0, 0, 0];
  return calls.map((one) => {
    count += 1;
    input += one.input;
    output += one.output;
    const seen = { api_call_count: count, input_tokens: input, output_tokens: output };
    const models = [{ model: 'm', task: 'main', last_seen: timeOf(one) / 1_000, ...seen }];
    const whole = { model: 'm', input_tokens: input + count, api_call_count: count };
    return { op: 'update', table: 'session_model_usage', id: session, models, session: whole };
  });
}

const writers: Readonly<Record<string, readonly Write[]>> = {
  'claude-code': [
    each((one) => ({
      type: 'assistant',
      uuid: `u${one.id}-${one.minute}`,
      sessionId: session,
      timestamp: isoOf(one),
      ...(one.isCopied ? { forkedFrom: { sessionId: another } } : {}),
      message: {
        id: `msg_${one.id}`,
        role: 'assistant',
        model: one.model,
        usage: {
          input_tokens: one.input,
          cache_read_input_tokens: one.cached,
          output_tokens: one.output,
        },
      },
    })),
  ],
  codex: [
    codexTotals,
    each((one) => ({
      timestamp: isoOf(one),
      type: 'token_usage_record',
      payload: {
        response_id: `resp_${one.id}`,
        thread_id: one.isCopied ? another : session,
        usage: {
          input_tokens: one.input + one.cached,
          cached_input_tokens: one.cached,
          output_tokens: one.output,
        },
      },
    })),
  ],
  copilot: [
    each((one) => ({
      type: 'session.usage_record',
      timestamp: isoOf(one),
      data: {
        usage: {
          model: one.model,
          inputTokens: one.input + one.cached,
          cacheReadTokens: one.cached,
          outputTokens: one.output,
          accounting: { usageId: `c${one.id}`, sourceSessionId: one.isCopied ? another : session },
        },
      },
    })),
  ],
  'gemini-cli': [
    each((one) => ({
      id: `g${one.id}`,
      type: 'gemini',
      timestamp: isoOf(one),
      model: one.model,
      tokens: { input: one.input + one.cached, cached: one.cached, output: one.output },
    })),
  ],
  hermes: [hermesStates],
  'kimi-code': [
    each((one) => ({
      type: 'usage.record',
      agentId: 'main',
      model: one.model,
      time: timeOf(one),
      usage: { inputOther: one.input, inputCacheRead: one.cached, output: one.output },
    })),
  ],
  openclaw: [each(piRow)],
  opencode: [
    each((one) => ({
      op: 'update',
      table: 'message',
      id: `msg_${one.id}`,
      data: {
        role: 'assistant',
        modelID: one.model,
        cost: one.output / 8,
        time: { created: timeOf(one) },
        tokens: { input: one.input, output: one.output, cache: { read: one.cached } },
      },
    })),
  ],
  pi: [each(piRow)],
  'qwen-code': [
    each((one) => ({
      uuid: `q${one.id}`,
      type: 'assistant',
      timestamp: isoOf(one),
      model: one.model,
      ...(one.isCopied ? { forkedFrom: { sessionId: another } } : {}),
      usageMetadata: {
        promptTokenCount: one.input + one.cached,
        cachedContentTokenCount: one.cached,
        candidatesTokenCount: one.output,
      },
    })),
  ],
};

const ways = usageReaders.flatMap(({ harness }) =>
  (writers[harness] ?? []).map((write, at) => ({ harness, write, at })),
);

it('every harness that tells tokens is among these', () => {
  expect(new Set(ways.map(({ harness }) => harness))).toEqual(
    new Set(usageReaders.map(({ harness }) => harness)),
  );
});

describe.each(ways)('tokens of $harness ($at)', ({ harness, write }) => {
  it('are the same whatever was split, copied, cut off or read first', () => {
    fc.assert(
      fc.property(
        fc.array(call, { maxLength: 20 }),
        fc.array(fc.nat({ max: 20 }), { maxLength: 4 }),
        fc.array(fc.nat({ max: 20 }), { maxLength: 3 }),
        fc.array(fc.nat({ max: 20 }), { maxLength: 2 }),
        fc.boolean(),
        (calls, stops, machines, generations, isReversed) => {
          const inOrder = [...calls].sort((left, right) => left.minute - right.minute);
          const rows = write(inOrder);
          const stream = (some: readonly unknown[]): Rows => ({
            harness,
            session,
            stream: '',
            rows: some,
          });
          const all = counted(stream(rows), stops);
          const cut = (from: number, to: number): CountedStream =>
            counted(stream(rows.slice(from, to)), stops);
          const copies = machines.flatMap((one) => [
            // Another machine's copy went as far as its disk did, or began when it was compacted;
            // without ids, only its beginning can be told from other calls.
            cut(0, one),
            ...(all.usage.isKeyless ? [] : [cut(one, rows.length)]),
          ]);
          const streams: CountedStream[] = [
            {
              ...all,
              earlier: generations.flatMap((one) => [
                cut(0, one).usage,
                cut(one, rows.length).usage,
              ]),
            },
            ...copies.map((one, at) => ({ ...one, name: `copies/${at + 1}` })),
          ];
          const whole = joinedUsage([counted(stream(rows))]);
          const joined = joinedUsage(isReversed ? streams.reverse() : streams);
          const { through: _lines, ...told } = joined;
          const { through: _all, ...expected } = whole;
          expect(told).toEqual(expected);
        },
      ),
      { numRuns: Number(process.env.TRACECRAFT_PROPERTY_RUNS ?? 30) },
    );
  });
});
