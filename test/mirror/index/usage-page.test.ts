import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePage, parsePage, rowsOf } from '../../../src/mirror/index/usage-page.js';
import { UsageTable } from '../../../src/mirror/index/usage-table.js';
import { type UsedRow, usedRow } from '../../../src/mirror/index/used-rows.js';
import { encodeDocument, metaSchema, parseDocument } from '../../../src/protocol/documents.js';
import {
  promptLengths,
  spans,
  type UsageSlot,
  usageCounters,
} from '../../../src/protocol/usage.js';

const count = fc.oneof(fc.nat(), fc.maxSafeNat());
const name = fc.string({ unit: 'binary', maxLength: 12 });
const id = fc.oneof(
  fc.uuid(),
  name.map((one) => `x${one}`),
);
const time = fc
  .date({ min: new Date('2020-01-01'), max: new Date('2035-01-01'), noInvalidDate: true })
  .map((one) => one.toISOString());
const orNull = <Value>(one: fc.Arbitrary<Value>) => fc.option(one, { nil: null });

const slot: fc.Arbitrary<UsageSlot> = fc
  .record({
    quarter: fc.integer({ min: 1_753_000, max: 2_270_000 }),
    span: fc.constantFrom(...spans),
    model: name,
    longerThan: fc.constantFrom(...promptLengths),
    counts: fc.array(count, { minLength: 8, maxLength: 8 }),
    print: fc.nat({ max: 0xffffffff }),
  })
  .map(({ quarter, counts, print, ...shared }) => ({
    ...shared,
    startMs: quarter * 900_000,
    usage: Object.assign(
      { calls: 0, input: 0, cacheRead: 0, write5m: 0, write1h: 0, output: 0 },
      { reasoning: 0, searches: 0 },
      Object.fromEntries(usageCounters.map((counter, at) => [counter, counts[at] ?? 0])),
    ),
    print: print.toString(36),
  }));

const row: fc.Arbitrary<UsedRow> = fc.record({
  harness: fc.constantFrom('h', 'other'),
  session_id: id,
  agent_id: orNull(name),
  host: orNull(name),
  cwd: orNull(name),
  started_at: orNull(time),
  last_uploaded_at: orNull(time),
  used: orNull(
    fc.record({
      slots: fc.array(slot, { maxLength: 4 }),
      uncountedLines: fc.nat(),
      reportedUsd: fc.double({ min: 0, max: 1e9, noNaN: true }).map((one) => one + 0),
      isUncertain: fc.boolean(),
    }),
  ),
});

describe('a page of usage', () => {
  it('is read as it was written, and so is the same JSON with other spaces', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 12 }), (rows) => {
        const body = encodePage(rows);
        const page = parsePage(body);
        expect(page && rowsOf(page)).toEqual(rows);
        const other = parsePage(Buffer.from(JSON.stringify(JSON.parse(body.toString()), null, 1)));
        expect(other && rowsOf(other)).toEqual(rows);
      }),
      { numRuns: 200 },
    );
  });

  const usage = {
    v: 1,
    slots: {
      '2026-11-29T16:30Z m=x': '1 2 3 0 0 4 0 0 x',
      '2026-11Z n >200k': '2 0 0 0 0 9 0 0 y',
    },
    reported: { m: 0.25, n: 1 },
    uncertain: true,
    through: { '': 5, 'agent-a': 7 },
  };
  const document = parseDocument(
    metaSchema,
    'a key',
    encodeDocument({
      ...{ schema_version: 2, harness: 'codex', session_id: 's', total_lines: 12, usage },
      started_at: '2026-11-29T16:31:07.5Z',
    }),
  );

  it('has what reports on tokens need of a meta.json, a session on a line', () => {
    expect(encodePage([usedRow(document)]).toString()).toBe(
      [
        '{"v":1,',
        '"since":"2026-11-01T00:00:00.000Z",',
        '"harnesses":["codex"],',
        '"agents":[null],',
        '"hosts":[null],',
        '"folders":[null],',
        '"models":[{"model":"m=x","longer_than":0,"span":"quarter"},{"model":"n","longer_than":200000,"span":"month"}],',
        '"sessions":[',
        '["s",0,0,0,0,2478667500,null,7,1.25,1,2754,0,1,2,3,0,0,4,0,0,33,0,1,2,0,0,0,0,9,0,0,34]',
        ']}\n',
      ].join('\n'),
    );
  });

  const good = encodePage([
    usedRow(document),
    { ...usedRow(document), session_id: 't' },
  ]).toString();

  it.each([
    ['a number too many', good.replace(',33,', ',33,1,')],
    ['a text for a number', good.replace(',33,', ',"33",')],
    ['a model that the page does not name', good.replace('2754,0,', '2754,2,')],
    ['a host that the page does not name', good.replace('["s",0,0,0', '["s",0,0,1')],
    ['a counter below zero', good.replace(',1,2,3,', ',1,-2,3,')],
    ['a counter that is too large', good.replace(',1,2,3,', ',1,99999999999999999,3,')],
    ['a part of a call', good.replace(',1,2,3,', ',1,2.5,3,')],
    ['a time beyond all times', good.replace('2478667500', '99999999999999')],
    ['no harness', good.replace('["s",0', '["s",null')],
    ['no id', good.replace('["s"', '[7')],
    ['an object for a row', good.replace(/\["s".*\],/, '{},')],
  ])('leaves out a row with %s, and keeps the next', (_what, text) => {
    expect(text).not.toBe(good);
    const page = parsePage(Buffer.from(text));
    expect(page && rowsOf(page).map(({ session_id }) => session_id)).toEqual(['t']);
  });

  it.each([
    ['nothing', ''],
    ['a cut one', good.slice(0, -20)],
    ['another version', good.replace('"v":1', '"v":2')],
    ['no time', good.replace('2026-11-01', 'sometime')],
    ['lines of the index', '{"harness":"codex","session_id":"s"}\n'],
    ['another span', good.replace('"month"', '"moon"')],
    ['more after it', `${good}x`],
  ])('is none for %s', (_what, text) => {
    expect(parsePage(Buffer.from(text))).toBeUndefined();
  });
});

describe('a table of usage', () => {
  it('takes the newest of several rows about a session, in whichever order pages come', () => {
    const row = (session_id: string, hour: number, calls: number): UsedRow => {
      const { used, ...rest } = usedRow(
        parseDocument(
          metaSchema,
          'k',
          encodeDocument({
            ...{ schema_version: 2, harness: 'h', session_id },
            ...{ last_uploaded_at: `2026-11-01T0${hour}:00:00Z` },
            usage: {
              v: 1,
              slots: { '2026-11-01T00:00Z m': `${calls} 0 0 0 0 0 0 0 x` },
              through: {},
            },
          }),
        ),
      );
      return { ...rest, used };
    };
    const pages = [[row('a', 1, 1), row('b', 1, 10)], [row('a', 3, 2)], [row('a', 2, 4)]];
    for (const order of [
      [0, 1, 2],
      [1, 0, 2],
      [2, 1, 0],
    ]) {
      const table = new UsageTable();
      for (const at of order) {
        const page = parsePage(encodePage(pages[at] ?? []));
        if (page !== undefined) table.add(page);
      }
      expect([table.keep('h', 'a'), table.keep('h', 'c'), table.keep('i', 'a')]).toEqual([
        true,
        false,
        false,
      ]);
      const kept = table.pages.flatMap((page) =>
        rowsOf(page).filter((_, at) => page.kept[at] === 1),
      );
      expect(kept).toEqual([row('a', 3, 2)]);
    }
  });
});
