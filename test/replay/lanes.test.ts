import { describe, expect, it } from 'vitest';
import type { PageStream } from '../../src/replay/page/data.js';
import { claimBars } from '../../src/replay/viewer/claim-bars.js';
import { Entries } from '../../src/replay/viewer/entries.js';
import { EntryFilter, wordsOf } from '../../src/replay/viewer/entry-filter.js';
import { layOutLanes, sizes } from '../../src/replay/viewer/lane-layout.js';
import { fittingScale } from '../../src/replay/viewer/time-scale.js';

type Told = readonly [
  ms: number,
  type: string,
  agent: string,
  step?: string | undefined,
  to?: string,
];

function entriesOf(told: readonly Told[]): Entries {
  const names = [
    ...new Set(told.flatMap(([, ...rest]) => rest).filter((one) => one !== undefined)),
  ];
  const column = (at: 1 | 2 | 3 | 4) => told.map((one) => names.indexOf(one[at] ?? '?'));
  return new Entries({
    names,
    timeMs: told.map(([ms]) => ms),
    type: column(1),
    agent: column(2),
    step: column(3),
    to: column(4),
    text: told.map(([, type]) => `about ${type}`),
    derived: [],
    causes: [],
  });
}

function streamAt(ms: number): PageStream {
  return {
    name: '',
    harness: 'h',
    lines: 1,
    title: null,
    calledBy: null,
    turns: 0,
    calls: 0,
    failedCalls: 0,
    state: 'done',
    lastAnswer: '',
    prompts: [],
    sampleMs: [ms],
    sampleLines: [0],
  };
}

describe('claims as bars', () => {
  it('end when the step ends', () => {
    const entries = entriesOf([
      [0, 'step.claimed', 'a', 'x'],
      [5, 'step.claimed', 'b', 'y'],
      [10, 'step.taken_over', 'b', 'x'],
      [20, 'step.blocked', 'b', 'x'],
      [30, 'step.claimed', 'c', 'z'],
      [40, 'step.claimed', 'c', '__proto__'],
    ]);
    const bars = claimBars(entries, { z: 35 }, 100);
    expect(
      bars.map(({ step, agent, fromMs, toMs, end }) => [step, agent, fromMs, toMs, end]),
    ).toEqual([
      ['x', 'a', 0, 10, 'taken over'],
      ['y', 'b', 5, 100, 'held'],
      ['x', 'b', 10, 20, 'blocked'],
      ['z', 'c', 30, 35, 'expired'],
      ['__proto__', 'c', 40, 100, 'held'],
    ]);
  });
});

describe('planned and reviewed steps as bars', () => {
  it('are empty until they are claimed or removed, and keep the verdict', () => {
    const entries = entriesOf([
      [0, 'step.planned', 'a', 'x'],
      [1, 'step.planned', 'a', 'y'],
      [2, 'step.planned', 'a', 'z'],
      [10, 'step.claimed', 'b', 'x'],
      [15, 'step.removed', 'a', 'y'],
      [20, 'step.needs_review', 'b', 'x'],
      [30, 'step.rejected', 'a', 'x'],
      [35, 'step.planned', 'a', 'x'],
      [40, 'step.claimed', 'b', 'x'],
      [50, 'step.needs_review', 'b', 'x'],
      [60, 'step.approved', 'a', 'x'],
      [70, 'step.approved', 'a', 'z'],
    ]);
    const bars = claimBars(entries, {}, 100);
    expect(
      bars.map(({ step, agent, fromMs, toMs, end, verdict }) => [
        step,
        agent,
        fromMs,
        toMs,
        verdict ?? end,
      ]),
    ).toEqual([
      ['x', 'a', 0, 10, 'planned'],
      ['y', 'a', 1, 15, 'planned'],
      ['z', 'a', 2, 100, 'planned'],
      ['x', 'b', 10, 20, 'rejected'],
      ['x', 'b', 40, 50, 'approved'],
    ]);
  });

  it('of a large plan take three rows below the claims', () => {
    const entries = entriesOf([
      ...Array.from({ length: 200 }, (_, n): Told => [n, 'step.planned', 'a', `p${n}`]),
      [300, 'step.claimed', 'a', 'own'],
    ]);
    const [lane] = layOutLanes({
      entries,
      agents: ['a'],
      shown: [],
      bars: claimBars(entries, {}, 1_000),
      sessions: [],
      streams: [],
      scale: fittingScale({ fromMs: 0, toMs: 1_000 }, [], 1_000),
      measure: () => 0,
    });
    const ys = lane?.bars.map(({ bar, y }) => [bar.step, y]);
    const row = sizes.bar + sizes.gap;
    expect(ys).toEqual([
      ['own', sizes.padding],
      ['p0', sizes.padding + row],
      ['p1', sizes.padding + 2 * row],
      ['p2', sizes.padding + 3 * row],
    ]);
  });
});

describe('a filter', () => {
  it('finds words, agents and recipients, kinds and steps', () => {
    const entries = entriesOf([
      [0, 'step.claimed', 'anna', 'build'],
      [1, 'message.sent', 'ben', undefined, 'anna'],
      [2, 'memory.set', 'ben'],
    ]);
    const filter = new EntryFilter(entries);
    expect(filter.indices({ words: wordsOf(' CLAIMED  build ') })).toEqual([0]);
    expect(filter.indices({ words: [], agents: new Set(['anna']) })).toEqual([0, 1]);
    expect(filter.indices({ words: [], types: new Set(['memory.set']) })).toEqual([2]);
    expect(filter.indices({ words: [], steps: new Set(['']) })).toEqual([1, 2]);
    expect(filter.indices({ words: [] })).toEqual([0, 1, 2]);
  });
});

describe('lanes', () => {
  const told: Told[] = Array.from({ length: 3_000 }, (_, n) => [
    n,
    n === 1_500 ? 'step.blocked' : 'memory.set',
    'a',
  ]);

  it('keep every mark, show one of many in one place, and never hide a blocked one', () => {
    const entries = entriesOf(told);
    const [lane, ...others] = layOutLanes({
      entries,
      agents: ['a'],
      shown: told.map((_, index) => index),
      bars: [],
      sessions: [],
      streams: [],
      scale: fittingScale({ fromMs: 0, toMs: 3_000 }, [], 300),
      measure: () => 40,
    });
    expect(others).toEqual([]);
    expect(lane?.marks).toHaveLength(3_000);
    expect(lane?.visibleMarks.length).toBeLessThan(1_000);
    expect(lane?.visibleMarks.some(({ entry }) => entry === 1_500)).toBe(true);
    const bottom = (lane?.top ?? 0) + (lane?.height ?? 0);
    for (const { y } of lane?.marks ?? []) expect(y).toBeLessThan(bottom);
  });

  it('put a claim and its end at the ends of its bar, and a message where its arrow crosses no label', () => {
    const entries = entriesOf([
      [0, 'step.claimed', 'a', 'x'],
      [100, 'memory.set', 'a'],
      [110, 'message.sent', 'a', undefined, 'b'],
      [500, 'step.completed', 'a', 'x'],
    ]);
    const [lane] = layOutLanes({
      entries,
      agents: ['a', 'b'],
      shown: [0, 1, 2, 3],
      bars: claimBars(entries, {}, 1_000),
      sessions: [],
      streams: [],
      scale: fittingScale({ fromMs: 0, toMs: 1_000 }, [], 1_000),
      measure: () => 40,
    });
    const [bar] = lane?.bars ?? [];
    const [start, memory, message, end] = lane?.marks ?? [];
    const middle = (bar?.y ?? 0) + sizes.bar / 2;
    expect([start?.x, start?.y, start?.isOnBar]).toEqual([bar?.x, middle, true]);
    expect([end?.x, end?.y, end?.isOnBar]).toEqual([500, middle, true]);
    expect(message?.y).toBeGreaterThan(memory?.y ?? 0);
  });

  it('are folders if nobody claimed anything, and agents only if they did more than register', () => {
    const entries = entriesOf([
      [0, 'agent.registered', 'a'],
      [1, 'message.sent', 'b', undefined, 'a'],
    ]);
    const session = (folder: string | null, stream: number) => ({
      harness: 'h',
      id: `${stream}`,
      title: null,
      agent: 'a',
      model: null,
      folder,
      tokens: null,
      parent: null,
      streams: [stream],
    });
    const lanes = layOutLanes({
      entries,
      agents: ['a', 'b'],
      isPlain: true,
      shown: [0, 1],
      bars: [],
      sessions: [session('shop', 0), session(null, 1), session('shop', 2)],
      streams: [streamAt(5), streamAt(6), streamAt(7)],
      scale: fittingScale({ fromMs: 0, toMs: 10 }, [], 300),
      measure: () => 40,
    });
    expect(lanes.map(({ name, strips }) => [name, strips.map(({ stream }) => stream)])).toEqual([
      ['b', []],
      ['shop', [0, 2]],
      ['unknown folder', [1]],
    ]);
  });

  it('include one for entries without a known agent', () => {
    const entries = new Entries({
      names: ['artifact.uploaded'],
      timeMs: [1],
      type: [0],
      agent: [-1],
      step: [-1],
      to: [-1],
      text: [''],
      derived: [0],
      causes: [],
    });
    const lanes = layOutLanes({
      entries,
      agents: ['a'],
      shown: [0],
      bars: [],
      sessions: [],
      streams: [],
      scale: fittingScale({ fromMs: 0, toMs: 2 }, [], 300),
      measure: () => 40,
    });
    expect(lanes.map(({ agent, marks }) => [agent, marks.length])).toEqual([
      ['a', 0],
      ['', 1],
    ]);
  });
});
