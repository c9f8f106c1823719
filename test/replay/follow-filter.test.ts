import { describe, expect, it } from 'vitest';
import { FollowFilter } from '../../src/replay/timeline/follow-filter.js';
import { timelineOf } from '../../src/replay/timeline/timeline.js';
import { HandMadeBucket, isoAt } from './run-state.js';

async function entriesOf(made: HandMadeBucket) {
  return timelineOf((await made.read()).state).entries;
}

const agent = { id: 'b', status: 'active', started_at: isoAt(5) };
const ref = { key: 'demo/agents/b.json', id: 'b' };

describe('new entries', () => {
  it('hold a state back for its event, and report either once', async () => {
    const news = new FollowFilter();
    const made = new HandMadeBucket().event(1, 'agent.registered', 'a');
    expect(news.take(await entriesOf(made), 0)).toHaveLength(1);
    made.put('agents/b.json', agent);
    expect(news.take(await entriesOf(made), 1_000)).toEqual([]);
    made.event(5, 'agent.registered', 'b', { data: { ref } });
    expect(news.take(await entriesOf(made), 2_000).map(({ isDerived }) => isDerived)).toEqual([
      false,
    ]);
    expect(news.take(await entriesOf(made), 60_000)).toEqual([]);
  });

  it('include a state whose event never comes, but not its late event', async () => {
    const news = new FollowFilter();
    const made = new HandMadeBucket().event(1, 'agent.registered', 'a');
    news.take(await entriesOf(made), 0);
    made.put('agents/b.json', agent);
    news.take(await entriesOf(made), 1_000);
    expect(news.take(await entriesOf(made), 12_000).map(({ isDerived }) => isDerived)).toEqual([
      true,
    ]);
    made.event(5, 'agent.registered', 'b', { data: { ref } });
    expect(news.take(await entriesOf(made), 13_000)).toEqual([]);
  });

  it('include each registration of one agent', async () => {
    const news = new FollowFilter();
    const made = new HandMadeBucket().event(1, 'agent.registered', 'b', { data: { ref } });
    expect(news.take(await entriesOf(made), 0)).toHaveLength(1);
    made.event(2, 'agent.registered', 'b', { data: { ref } });
    expect(news.take(await entriesOf(made), 1)).toHaveLength(1);
  });
});

describe('the first read', () => {
  it('reports states without events at once, since no earlier event is still due', async () => {
    const made = new HandMadeBucket().event(1, 'agent.registered', 'a');
    made.put('agents/b.json', agent);
    const told = new FollowFilter().take(await entriesOf(made), 0);
    expect(told.map(({ isDerived }) => isDerived)).toEqual([false, true]);
  });
});
