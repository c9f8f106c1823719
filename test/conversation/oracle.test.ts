import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { countsOf } from '../../src/conversation/counts.js';
import {
  type FixtureStream,
  hasSharedFixtures,
  readFixtureStreams,
  sharedFolder,
} from '../support/fixture-streams.js';
import { joinedConversation } from './fixture-conversations.js';

interface Expected {
  readonly harness: string;
  readonly fixture: string;
  readonly session: string;
  readonly stream: string;
  /** Counted elsewhere. */
  readonly usage?: unknown;
  readonly note?: unknown;
}

const roots = { shared: 'harness', clients: 'harness-2026-11' };
const expectations: readonly Expected[] = hasSharedFixtures
  ? JSON.parse(readFileSync(join(sharedFolder, 'oracle/conversation.json'), 'utf8')).sessions
  : [];

/** Of some sessions the oracle does not tell the lineage at all. */
function withoutUntold(counts: object, expected: object): object {
  const isUntold = (name: string): boolean =>
    (name === 'parent' || name === 'is_subagent') && !Object.hasOwn(expected, name);
  return Object.fromEntries(Object.entries(counts).filter(([name]) => !isUntold(name)));
}

describe.skipIf(!hasSharedFixtures)('the oracle (skipped where ../shared is absent)', () => {
  let streams: readonly FixtureStream[] = [];

  beforeAll(async () => {
    streams = await readFixtureStreams();
  });

  it('has sessions of every harness', () => {
    expect(new Set(expectations.map(({ harness }) => harness)).size).toBe(4);
  });

  it.each(expectations)('$harness $session $stream', (expected) => {
    const { usage: _usage, note: _note, fixture, ...counts } = expected;
    const root = fixture.startsWith('shared:') ? roots.shared : roots.clients;
    const stream = streams.find(
      (one) =>
        one.tree === `${root}/${expected.harness}` &&
        one.session === expected.session &&
        one.stream === expected.stream,
    );
    if (stream === undefined) throw new Error(`${fixture} is not there`);
    const told = countsOf(joinedConversation(stream, streams));
    expect(withoutUntold(told, counts)).toEqual(counts);
  });
});
