import { describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import type { EntryColumns } from '../../src/replay/page/data.js';
import { EntryRows } from '../../src/replay/page/entry-columns.js';
import type { TimelineEntry } from '../../src/replay/timeline/entry.js';
import { RunReader } from '../../src/replay/timeline/read.js';
import { timelineOf } from '../../src/replay/timeline/timeline.js';
import { streamTimeline } from '../../src/replay/timeline/timeline-stream.js';
import { Entries } from '../../src/replay/viewer/entries.js';
import { HandMadeBucket, isoAt, layout, stampAt, withFolders } from './run-state.js';

/** A run in which some states have their events, some have none, and some have them late. */
function patchyRun(): HandMadeBucket {
  const made = new HandMadeBucket();
  for (let index = 0; index < 40; index += 1) {
    const second = index * 10;
    const mail = `messages/ben/${stampAt(second)}_anna_${index.toString(16).padStart(8, '0')}.json`;
    made.put(mail, { from: 'anna', message: `mail ${index}` });
    const ref = { key: `demo/${mail}` };
    const late = index % 7 === 0 ? 25 : 1;
    if (index % 5 !== 4) {
      made.event(second + late, 'message.sent', 'anna', {
        data: { ref, to: 'ben', message: `mail ${index}` },
      });
    }
    const history = `memory/_history/a.b/${stampAt(second + 2)}_anna_${(index + 256).toString(16).padStart(8, '0')}.json`;
    made.put(history, { value: index, set_by: 'anna', version: index + 1 });
    if (index % 3 !== 2) {
      made.event(second + 3, 'memory.set', 'anna', {
        data: { ref: { key: 'demo/memory/a.b.json', version: index + 1 }, key: 'a.b' },
      });
    }
  }
  return made
    .put('memory/a.b.json', { value: 39, set_by: 'anna', version: 40 })
    .put('agents/anna.json', { id: 'anna', status: 'active', started_at: isoAt(0) })
    .put('steps/build/claim.json', {
      agent: 'anna',
      nonce: 'c'.repeat(32),
      epoch: 1,
      claimed_at: isoAt(55),
      state: 'held',
    })
    .put('artifacts/build/patch.diff', 'diff')
    .event(405, 'session.started', 'anna', { session_id: 's1' });
}

async function streamed(made: HandMadeBucket): Promise<readonly TimelineEntry[]> {
  const told: TimelineEntry[] = [];
  for await (const entry of streamTimeline(new RunReader(made.bucket, layout))) told.push(entry);
  return told;
}

describe('the timeline in order', () => {
  it('equals the whole timeline', async () => {
    const made = patchyRun();
    const { entries } = timelineOf((await made.read()).state);
    expect(entries.filter(({ isDerived }) => isDerived).length).toBeGreaterThan(20);
    expect(await streamed(made)).toEqual(entries);
  });

  it('starts before all events were read', async () => {
    const made = new HandMadeBucket();
    for (let index = 0; index < 500; index += 1) made.event(index, 'agent.registered', 'anna');
    let gets = 0;
    const bucket = withFolders(
      made.store.client({
        gate: async (request) => {
          if (request === 'GET') gets += 1;
        },
      }),
    );
    for await (const { timeNs } of streamTimeline(new RunReader(bucket, layout))) {
      expect(timeNs).toBe(BigInt(stampAt(0)));
      break;
    }
    expect(gets).toBeGreaterThan(0);
    expect(gets).toBeLessThan(100);
  });

  it('reads each event once, and only messages without an event', async () => {
    const made = patchyRun();
    const read: string[] = [];
    const get: Bucket['get'] = (key, options) => {
      read.push(key);
      return made.bucket.get(key, options);
    };
    const reader = new RunReader({ ...made.bucket, get }, layout);
    for await (const { key } of streamTimeline(reader)) expect(key).toMatch(/^demo\//);
    expect(new Set(read).size).toBe(read.length);
    expect(read.filter((key) => key.includes('/messages/'))).toHaveLength(8);
  });
});

describe('the rows of a page', () => {
  it('are read back in timeline order, with the line of each record', async () => {
    const { entries } = timelineOf((await patchyRun().read()).state);
    const rows = new EntryRows();
    for (const entry of entries) if (!entry.isDerived) rows.add(entry);
    for (const entry of entries) if (entry.isDerived) rows.addDerived(entry, layout.events());
    const json = [...rows.json([])].map((piece) => Buffer.from(piece).toString('utf8')).join('');
    const read = new Entries(JSON.parse(json) as EntryColumns);
    const places = entries.map((_, index) => index);
    expect(places.map((index) => read.text(index))).toEqual(entries.map(({ text }) => text));
    expect(places.map((index) => read.isDerived(index))).toEqual(
      entries.map(({ isDerived }) => isDerived),
    );
    expect(places.map((index) => read.agent(index) ?? null)).toEqual(
      entries.map(({ agent }) => agent),
    );
    expect([...rows.inOrder()].map(({ timeNs, type }) => [timeNs, type])).toEqual(
      entries.map(({ timeNs, type }) => [timeNs, type]),
    );
    const recorded = entries.filter(({ isDerived }) => !isDerived).length;
    const lines = places.map((index) => read.row(index));
    expect([...lines].sort((left, right) => left - right)).toEqual(places);
    expect(lines.filter((_, index) => read.isDerived(index))[0]).toBe(recorded);
  });
});
