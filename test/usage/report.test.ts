import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { usageCsv } from '../../src/cli/usage-lines.js';
import { UsageTable } from '../../src/mirror/index/usage-table.js';
import type { UsedRow } from '../../src/mirror/index/used-rows.js';
import { decodeSlot, encodeSlot, noUsage, type UsageSlot } from '../../src/protocol/usage.js';
import { decodeSlots, encodeSlots, fittedSlots } from '../../src/protocol/usage-slots.js';
import { Periods } from '../../src/usage/periods.js';
import { Prices } from '../../src/usage/prices.js';
import { type Grouping, usageReport } from '../../src/usage/report.js';
import { repositoryRoot } from '../support/run-cli.js';

const prices = new Prices(
  JSON.parse(readFileSync(join(repositoryRoot, 'src/usage/list-prices.json'), 'utf8')),
);

function slot(at: string, output: number, print = String(output), model = 'm'): UsageSlot {
  const usage = { ...noUsage, calls: 1, output };
  const startMs = Date.parse(at);
  return { startMs, span: 'quarter', model, longerThan: 0, usage, print: printOf(print) };
}

/** Numbers of their own, whatever they are called. */
function printOf(name: string): string {
  const hash = [...name].reduce((sum, one) => Math.imul(sum, 31) + one.charCodeAt(0), 7);
  return (hash >>> 0).toString(36);
}

function session(id: string, slots: readonly UsageSlot[]): UsedRow {
  return {
    harness: 'h',
    session_id: id,
    agent_id: null,
    host: 'here',
    cwd: '/work',
    started_at: null,
    last_uploaded_at: null,
    used: { slots, uncountedLines: 0, reportedUsd: 0, isUncertain: false },
  };
}

function report(sessions: readonly UsedRow[], by: Grouping, zone = 'UTC') {
  const periods = new Periods(zone);
  const request = { by, sinceMs: -Infinity, untilMs: Infinity, periods, prices };
  const table = new UsageTable();
  table.addRows(sessions);
  return usageReport(table, request);
}

function groups(sessions: readonly UsedRow[], by: Grouping, zone?: string) {
  return report(sessions, by, zone).rows.map(({ group, usage }) => [group, usage.output]);
}

describe('a report', () => {
  const late = session('a', [
    slot('2026-03-28T23:45:00Z', 1),
    slot('2026-03-29T21:45:00Z', 2),
    slot('2026-03-29T22:00:00Z', 4),
  ]);

  it('has the days of the reader, also when clocks change', () => {
    expect(groups([late], 'day')).toEqual([
      ['2026-03-28', 1],
      ['2026-03-29', 6],
    ]);
    expect(groups([late], 'day', 'Europe/Berlin')).toEqual([
      ['2026-03-29', 3],
      ['2026-03-30', 4],
    ]);
    expect(groups([late], 'day', 'Asia/Kathmandu')).toEqual([
      ['2026-03-29', 1],
      ['2026-03-30', 6],
    ]);
  });

  it('has weeks that begin on Monday, and months', () => {
    expect(groups([late], 'week')).toEqual([['2026-03-23', 7]]);
    expect(groups([late], 'week', 'Europe/Berlin')).toEqual([
      ['2026-03-23', 3],
      ['2026-03-30', 4],
    ]);
    expect(groups([late], 'month')).toEqual([['2026-03', 7]]);
  });

  it('refuses a zone that does not exist', () => {
    expect(() => new Periods('Mars/Olympus')).toThrow('not a time zone');
  });

  it('counts the same calls of two sessions once', () => {
    const copy = session('b', [slot('2026-03-28T23:45:00Z', 1), slot('2026-03-30T00:00:00Z', 8)]);
    expect(groups([copy, late], 'session')).toEqual([
      ['b', 8],
      ['a', 7],
    ]);
    const alike = session('b', [slot('2026-03-28T23:45:00Z', 1, 'other ids')]);
    expect(groups([alike, late], 'host')).toEqual([['here', 8]]);
  });

  it('says which models have no price, and what the others cost at list price', () => {
    const { total, unpriced } = report(
      [
        session('a', [
          slot('2026-11-01T00:00:00Z', 1_000_000, 'x', 'claude-opus-5-5'),
          slot('2026-11-01T00:00:00Z', 5),
        ]),
      ],
      'model',
    );
    expect(unpriced).toEqual(['m']);
    expect(total.listPrice).toBeCloseTo(20, 9);
  });
});

describe('a total', () => {
  const day = 86_400_000;
  const changing = new Prices({
    source: 'made up',
    date: '2026-11-01',
    models: [
      { vendor: 'v', id: 'once', prices: [{ input: 0, output: 3 }] },
      {
        vendor: 'v',
        id: 'dearer',
        prices: [
          { input: 0, output: 1 },
          { from: '2026-03-10', input: 0, output: 2 },
          { from: '2026-03-20', input: 0, output: 7 },
        ],
      },
      { vendor: 'v', id: 'new', prices: [{ from: '2026-03-15', input: 0, output: 5 }] },
      {
        vendor: 'v',
        id: 'nightly',
        prices: [
          { input: 0, output: 9 },
          { between: ['23:00:00Z', '06:30:00Z'], input: 0, output: 4 },
        ],
      },
    ],
  });
  const sessions = fc.array(
    fc.array(
      fc.record({
        quarter: fc.nat(30 * 96),
        model: fc.constantFrom('once', 'dearer', 'new', 'nightly', 'unknown'),
        output: fc.nat(5_000_000),
      }),
      { maxLength: 6 },
    ),
    { maxLength: 6 },
  );
  const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/St_Johns');

  it('and the days add up to what each call costs at its time, in whatever order calls come', () => {
    const startMs = Date.parse('2026-03-01T00:00:00Z');
    fc.assert(
      fc.property(sessions, zones, (some, zone) => {
        let prints = 0;
        const rows = some.map((slots, number) =>
          session(
            `s${number}`,
            slots.map(({ quarter, model, output }): UsageSlot => {
              prints += 1;
              const at = new Date(startMs + quarter * 900_000).toISOString();
              return slot(at, output, String(prints), model);
            }),
          ),
        );
        const table = new UsageTable();
        table.addRows(rows);
        const periods = new Periods(zone);
        const shared = { sinceMs: -Infinity, untilMs: Infinity, periods, prices: changing };
        const days = usageReport(table, { ...shared, by: 'day' });
        const models = usageReport(table, { ...shared, by: 'model' });
        const every = rows.flatMap(({ used }) => used?.slots ?? []);
        const cost = every.reduce((sum, one) => sum + (changing.of(one) ?? 0), 0);
        expect(days.total.listPrice ?? 0).toBeCloseTo(cost, 6);
        expect(models.total.listPrice ?? 0).toBeCloseTo(cost, 6);
        const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone });
        const outputs = new Map<string, number>();
        for (const { startMs: at, usage } of every) {
          const name = format.format(at);
          outputs.set(name, (outputs.get(name) ?? 0) + usage.output);
        }
        expect(new Map(days.rows.map(({ group, usage }) => [group, usage.output]))).toEqual(
          outputs,
        );
      }),
      { numRuns: 100 },
    );
    expect(
      changing.of(slot(new Date(startMs + 9 * day).toISOString(), 1_000_000, 'x', 'dearer')),
    ).toBe(2);
  });
});

describe('slots', () => {
  it('are read as they were written, and nothing else is', () => {
    const one = {
      ...slot('2026-11-29T16:30:00Z', 7),
      model: 'a model',
      longerThan: 200_000,
    } as const;
    const [key, value] = encodeSlot(one);
    expect(key).toBe('2026-11-29T16:30Z a model >200k');
    expect(decodeSlot(key, value)).toEqual(one);
    for (const [badKey, badValue] of [
      ['2026-99-29T16:30Z m', value],
      ['yesterday m', value],
      [key, '1 2 3'],
      [key, '1 -2 3 4 5 6 7 8 x'],
      [key, 'a b c d e f g h x'],
    ]) {
      expect(decodeSlot(badKey ?? '', badValue ?? '')).toBeUndefined();
    }
  });

  it('that take up too much become hours, days and months, the oldest first, and lose no call', () => {
    const times = fc.integer({ min: 0, max: 40_000 });
    fc.assert(
      fc.property(fc.uniqueArray(times, { minLength: 1, maxLength: 400 }), (quarters) => {
        const start = Date.parse('2026-01-01T00:00:00Z');
        const slots = quarters.map((quarter) => ({
          ...slot('2026-01-01T00:00:00Z', 1, quarter.toString(36)),
          startMs: start + quarter * 900_000,
        }));
        const fitted = decodeSlots(encodeSlots(fittedSlots(slots, 2_000)));
        expect(fitted.reduce((sum, { usage }) => sum + usage.calls, 0)).toBe(slots.length);
        const size = JSON.stringify(encodeSlots(fitted), null, 2).length;
        expect(size).toBeLessThan(2_600);
        const coarse = fitted
          .filter(({ span }) => span !== 'quarter')
          .map(({ startMs }) => startMs);
        const fine = fitted.filter(({ span }) => span === 'quarter').map(({ startMs }) => startMs);
        expect(Math.max(...coarse, -Infinity)).toBeLessThanOrEqual(Math.min(...fine, Infinity));
      }),
      { numRuns: 30 },
    );
  });
});

describe('comma-separated values', () => {
  it('quote what needs it, and never begin like a formula', () => {
    const rows = [
      { model: '=cmd()', output: -1 },
      { model: 'a "b", c', output: null },
    ];
    expect(usageCsv(rows, 'model')).toEqual(['model,output', "'=cmd(),-1", '"a ""b"", c",']);
  });
});
