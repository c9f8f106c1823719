import { describe, expect, it } from 'vitest';
import type { PageSession, PageStream } from '../../src/replay/page/data.js';
import { claimBars } from '../../src/replay/viewer/claim-bars.js';
import { Entries } from '../../src/replay/viewer/entries.js';
import { storyOf } from '../../src/replay/viewer/story.js';

type Told = readonly [type: string, agent: string, step: string, text: string, to?: string];

function story(told: readonly Told[], header: Parameters<typeof storyOf>[2] = nobody): string {
  const names = [
    ...new Set(told.flatMap(([type, agent, step, , to]) => [type, agent, step, to ?? '?'])),
  ];
  const entries = new Entries({
    names,
    timeMs: told.map((_, index) => index),
    type: told.map(([type]) => names.indexOf(type)),
    agent: told.map(([, agent]) => names.indexOf(agent)),
    step: told.map(([, , step]) => names.indexOf(step)),
    to: told.map(([, , , , to]) => (to === undefined ? -1 : names.indexOf(to))),
    text: told.map(([, , , text]) => text),
    derived: [],
    causes: [],
  });
  return storyOf(entries, claimBars(entries, { late: 50 }, 100), header)
    .map(({ text }) => text)
    .join('');
}

const nobody = { sessions: [], streams: [] };

function session(folder: string, stream: Partial<PageStream>, index: number) {
  const streams: PageStream = {
    name: '',
    harness: 'h',
    lines: 1,
    title: null,
    calledBy: null,
    turns: 2,
    calls: 3,
    failedCalls: 0,
    state: 'done',
    lastAnswer: '',
    prompts: [],
    sampleMs: [],
    sampleLines: [],
    ...stream,
  };
  const about: PageSession = {
    harness: 'h',
    id: `${index}`,
    title: null,
    agent: null,
    model: null,
    folder,
    tokens: null,
    parent: null,
    streams: [index],
  };
  return { about, streams };
}

describe('the story of a run', () => {
  it('lists each step in order of its first claim, with its final outcome', () => {
    expect(
      story([
        ['step.claimed', 'ann', 'plan', 'plan'],
        ['step.completed', 'ann', 'plan', 'plan → bob: go on', 'bob'],
        ['step.claimed', 'bob', 'make', 'make'],
        ['step.needs_review', 'bob', 'make', 'make: look at it'],
        ['step.claimed', 'cem', 'make', 'make (epoch 2)'],
        ['step.blocked', 'cem', 'make', 'make → ann: no disk left', 'ann'],
        ['step.claimed', 'bob', 'late', 'late'],
        ['step.claimed', 'ann', 'open', 'open'],
      ]),
    ).toBe(
      'plan ✓ ann → make ✗ cem: no disk left → late ⌛ bob (left by their holders) → open … ann (under way)',
    );
  });

  it('counts many steps, and names those that were blocked', () => {
    const told = Array.from({ length: 9 }, (_, n): Told[] => [
      ['step.claimed', `a${n % 2}`, `s${n}`, `s${n}`],
      n === 4
        ? ['step.blocked', `a${n % 2}`, `s${n}`, `s${n}: no key`]
        : ['step.completed', `a${n % 2}`, `s${n}`, `s${n}`],
    ]);
    expect(story(told.flat())).toBe('2 agents, 9 steps: 8 done, 1 blocked. s4 ✗ a0: no key');
  });

  it('names first what was blocked last, whenever it was claimed', () => {
    const claimed = Array.from({ length: 9 }, (_, n): Told => ['step.claimed', 'a', `s${n}`, '']);
    const blocked = [2, 8, 1, 7, 0, 4].map(
      (n): Told => ['step.blocked', 'a', `s${n}`, `s${n}: why ${n}`],
    );
    expect(story([...claimed, ...blocked])).toBe(
      '1 agent, 9 steps: 3 under way, 6 blocked. s4 ✗ a: why 4; s0 ✗ a: why 0; s7 ✗ a: why 7; s1 ✗ a: why 1',
    );
  });

  it('is about sessions if there are no steps', () => {
    const made = [
      session('shop', {}, 0),
      session('shop', { state: 'failed', turns: 1 }, 1),
      session('site', { state: 'open', calls: 0 }, 2),
    ];
    const header = {
      sessions: made.map(({ about }) => about),
      streams: made.map(({ streams }) => streams),
    };
    expect(story([], header)).toBe(
      '3 sessions in 2 folders: 5 turns, 6 tool calls, 1 unfinished, 1 failed',
    );
    const [only] = [session('shop', { lastAnswer: 'All green.' }, 0)];
    expect(story([], { sessions: [only.about], streams: [only.streams] })).toBe(
      '2 turns, 3 calls, done. Its last answer: “All green.”',
    );
    expect(story([])).toBe('');
  });
});
