import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Conversation, entriesOf } from '../../src/conversation/conversation.js';
import { countsOf } from '../../src/conversation/counts.js';
import { readerOf, readers } from '../../watchers/readers.js';
import {
  type FixtureStream,
  hasSharedFixtures,
  readFixtureStreams,
} from '../support/fixture-streams.js';
import { samples } from './sample-rows.js';

const session = '5e55e55e-0000-4000-8000-00000000c0de';

interface Numbered {
  readonly line: number;
  readonly text: string;
}

function numbered(lines: readonly string[]): readonly Numbered[] {
  return lines.map((text, line) => ({ line, text }));
}

/** What rows amount to; asked for after every one of them, or only at the end. */
function folded(harness: string, rows: readonly Numbered[], isAskedOften = false): Conversation {
  const fold = readerOf(harness)?.open({ session, stream: '' });
  if (fold === undefined) throw new Error(`no reader for ${harness}`);
  for (const { line, text } of rows) {
    fold.row(text, line);
    if (isAskedOften) fold.state();
  }
  return fold.state();
}

function expectLaws(conversation: Conversation, rows: readonly Numbered[]): void {
  const entries = entriesOf(conversation);
  const noted = Object.values(conversation.bookkeeping).reduce((sum, count) => sum + count, 0);
  const told = new Set(entries.flatMap((entry) => entry.rows));
  expect(conversation.rows).toBe(rows.length);
  expect(told.size + noted).toBe(rows.length);
  const given = new Set(rows.map(({ line }) => line));
  expect([...told].filter((line) => !given.has(line))).toEqual([]);
  for (const { rows: own } of entries) {
    expect(own.length).toBeGreaterThan(0);
    expect([...own].sort((left, right) => left - right)).toEqual(own);
  }
  const calls = entries.flatMap((entry) => ('callId' in entry ? [entry.callId] : []));
  expect(new Set(calls).size).toBe(calls.length);
  expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
  expect(conversation.turns.map(({ number }) => number)).toEqual(
    conversation.turns.map((_, index) => index + 1),
  );
  expect(conversation.turns.filter((turn) => turn.entries.length === 0)).toEqual([]);
  const { own, inherited } = countsOf(conversation);
  for (const { calls: called = 0, joined = 0, call_errors: failed = 0 } of [own, inherited]) {
    expect(joined).toBeLessThanOrEqual(called);
    expect(failed).toBeLessThanOrEqual(joined);
  }
}

/** Some of the rows in some order, some of them twice. */
function cutsOf(rows: readonly Numbered[]): fc.Arbitrary<readonly Numbered[]> {
  return fc
    .shuffledSubarray([...rows, ...rows])
    .map((some) => some.map(({ text }, line) => ({ line, text })));
}

const garbage = fc.oneof(
  fc.json(),
  fc.string(),
  fc.jsonValue().map((value) => JSON.stringify(value)),
);

/** Rows of which a piece is anything. */
function damaged(rows: readonly Numbered[]): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...rows), fc.jsonValue(), fc.nat(), fc.nat(3))
    .map(([{ text }, value, at, depth]) =>
      JSON.stringify(replaced(JSON.parse(text), value, at, depth)),
    );
}

function replaced(whole: unknown, value: unknown, at: number, depth: number): unknown {
  if (typeof whole !== 'object' || whole === null) return value;
  const names = Object.keys(whole);
  const name = names[at % Math.max(1, names.length)];
  if (name === undefined) return value;
  const inner: unknown = Reflect.get(whole, name);
  const changed = depth === 0 ? value : replaced(inner, value, at >> 2, depth - 1);
  if (Array.isArray(whole))
    return whole.map((one, index) => (String(index) === name ? changed : one));
  return { ...whole, [name]: changed };
}

describe.each(readers.map(({ harness }) => harness))('rows of %s', (harness) => {
  const rows = numbered(samples[harness] ?? []);

  it('produce entries of every kind they can', () => {
    const conversation = folded(harness, rows);
    expectLaws(conversation, rows);
    expect(entriesOf(conversation).map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['prompt', 'answer', 'call', 'result', 'compaction', 'context']),
    );
  });

  it('each appear in one place, however they are cut and ordered', () => {
    fc.assert(fc.property(cutsOf(rows), (some) => expectLaws(folded(harness, some), some)));
  });

  it('give the same result whether read after each row or at the end', () => {
    fc.assert(
      fc.property(cutsOf(rows), (some) => {
        expect(folded(harness, some, true)).toEqual(folded(harness, some));
      }),
      { numRuns: 30 },
    );
  });

  it('may contain anything', () => {
    const any = fc.array(fc.oneof(garbage, damaged(rows)), { maxLength: 30 });
    fc.assert(
      fc.property(any, (texts) => {
        const some = numbered(texts);
        expectLaws(folded(harness, some), some);
      }),
      { numRuns: 300 },
    );
  });

  it('may be nested deeper than any stack', () => {
    const deep = 30_000;
    const nested = `${'['.repeat(deep)}1${']'.repeat(deep)}`;
    const all = rows.map(({ text, line }) => ({
      line,
      text: text.replace(/"(content|message|payload|input)":/, `"deep":${nested},"$1":`),
    }));
    expectLaws(folded(harness, all), all);
    const replacing = rows.map(({ line }) => ({ line, text: nested }));
    expectLaws(folded(harness, replacing), replacing);
  });

  it('return their text for search, whatever they are', () => {
    const reader = readerOf(harness);
    fc.assert(
      fc.property(fc.oneof(garbage, damaged(rows)), (text) => {
        const value = parsed(text);
        const said = reader?.textOf(value);
        if (said !== undefined) expect(said.text).not.toBe('');
      }),
      { numRuns: 300 },
    );
  });
});

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

describe.skipIf(!hasSharedFixtures)('rows of fixtures (skipped where ../shared is absent)', () => {
  let streams: readonly FixtureStream[] = [];

  it('each appear in one place', async () => {
    streams = await readFixtureStreams();
    expect(streams.length).toBeGreaterThan(80);
    for (const { harness, lines } of streams) {
      const rows = numbered(lines);
      expectLaws(folded(harness, rows), rows);
    }
  });

  it('are conversation, or bookkeeping that has a name', () => {
    const nameless = streams.flatMap(({ harness, session, stream, lines }) => {
      const fold = readerOf(harness)?.open({ session, stream });
      for (const [line, text] of lines.entries()) fold?.row(text, line);
      const { bookkeeping = {} } = fold?.state() ?? {};
      const unread = lines.filter((line) => !isJson(line)).length;
      expect(bookkeeping['not JSON'] ?? 0, `${harness} ${session}`).toBe(unread);
      const names = Object.keys(bookkeeping).filter((name) => /^(?:row|not readable|)$/.test(name));
      return names.map((name) => `${harness} ${session} ${name}`);
    });
    expect(nameless).toEqual([]);
  });

  it('each appear in one place however they are cut and ordered, folded once or row by row', () => {
    const small = streams.filter(({ lines }) => lines.length < 60);
    expect(small.length).toBeGreaterThan(50);
    fc.assert(
      fc.property(
        fc
          .constantFrom(...small)
          .chain((stream) => fc.tuple(fc.constant(stream), cutsOf(numbered(stream.lines)))),
        ([{ harness }, some]) => {
          const conversation = folded(harness, some);
          expectLaws(conversation, some);
          expect(folded(harness, some, true)).toEqual(conversation);
        },
      ),
      { numRuns: 200 },
    );
  });
});
