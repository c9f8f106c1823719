import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { bucketLayout, parseStampName, stampName } from '../../src/protocol/keys.js';

const layout = bucketLayout('shop');
const stamp = { timeNs: 1_767_225_600_123_456_789n, agent: 'designer', id: '0a1b2c3d' };
const stamped = '1767225600123456789_designer_0a1b2c3d';

describe('the keys of a bucket', () => {
  it.each<[string, string]>([
    [layout.root, 'shop/'],
    [layout.agents(), 'shop/agents/'],
    [layout.agent('designer'), 'shop/agents/designer.json'],
    [layout.memories(), 'shop/memory/'],
    [layout.memory('design.contract'), 'shop/memory/design.contract.json'],
    [layout.memoryHistory('design.contract'), 'shop/memory/_history/design.contract/'],
    [layout.messages('designer'), 'shop/messages/designer/'],
    [layout.message('builder', stamp), `shop/messages/builder/${stamped}.json`],
    [layout.broadcasts(), 'shop/messages/_broadcast/'],
    [layout.broadcast(stamp), `shop/messages/_broadcast/${stamped}.json`],
    [layout.cursor('builder'), 'shop/inboxes/builder/cursor.json'],
    [layout.steps(), 'shop/steps/'],
    [layout.claim('S1.A'), 'shop/steps/s1-a/claim.json'],
    [layout.status('S1.A'), 'shop/steps/s1-a/status.json'],
    [layout.handoff('S1.A'), 'shop/steps/s1-a/handoff.json'],
    [layout.artifacts(), 'shop/artifacts/'],
    [layout.artifact('shared', 'build/a.diff'), 'shop/artifacts/shared/build/a.diff'],
    [layout.events(), 'shop/events/'],
    [layout.event(stamp), `shop/events/${stamped}.json`],
    [layout.sessions('codex'), 'shop/sessions/codex/'],
    [layout.furtherStreams('codex'), 'shop/streams/codex/'],
    [layout.session('codex', 'a:b'), 'shop/sessions/codex/a~3ab/'],
    [layout.meta('codex', 'a:b'), 'shop/sessions/codex/a~3ab/meta.json'],
    [layout.stream('codex', 'a:b', ''), 'shop/sessions/codex/a~3ab/'],
    [layout.streamsOf('codex', 'a:b'), 'shop/streams/codex/a~3ab/'],
    [layout.stream('codex', 's', 'subagents/agent-1'), 'shop/streams/codex/s/subagents/agent-1/'],
  ])('%s', (key, expected) => {
    expect(key).toBe(expected);
  });

  it.each(['', '.', '..', '../other', 'a/b', '_x', 'a\\b', 'a\nb'])(
    'no hostile name becomes part of one: %j',
    (name) => {
      const attempts: (() => unknown)[] = [
        () => bucketLayout(name),
        () => layout.agent(name),
        () => layout.memory(name),
        () => layout.memoryHistory(name),
        () => layout.messages(name),
        () => layout.cursor(name),
        () => layout.claim(name),
        () => layout.status(name),
        () => layout.handoff(name),
        () => layout.artifact(name, 'file'),
        () => layout.sessions(name),
        () => layout.session(name, 'id'),
        () => layout.event({ ...stamp, agent: name }),
      ];
      for (const attempt of attempts) expect(attempt).toThrow(UsageError);
    },
  );

  it('keeps every session id inside its own folder', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (id) => {
        const [project, sessions, harness, segment, ...rest] = layout
          .session('codex', id)
          .split('/');
        expect([project, sessions, harness, rest]).toEqual(['shop', 'sessions', 'codex', ['']]);
        expect(['', '.', '..']).not.toContain(segment);
      }),
    );
  });
});

describe('stamps', () => {
  const stamps = fc.record({
    timeNs: fc.bigInt({ min: 0n, max: 9_999_999_999_999_999_999n }),
    agent: fc.stringMatching(/^[A-Za-z0-9-][A-Za-z0-9_-]{0,20}$/),
    id: fc.stringMatching(/^[a-f0-9]{8}$/),
  });

  it('can be parsed back, even with underscores in the name', () => {
    fc.assert(
      fc.property(stamps, (one) => {
        expect(parseStampName(`${stampName(one)}.json`)).toEqual(one);
      }),
    );
  });

  it('sort by time as plain text', () => {
    fc.assert(
      fc.property(stamps, stamps, (left, right) => {
        fc.pre(left.timeNs !== right.timeNs);
        expect(stampName(left) < stampName(right)).toBe(left.timeNs < right.timeNs);
      }),
    );
  });

  it.each([
    '',
    '_cursor.json',
    `${stamped}`,
    `${stamped}.json.tmp`,
    `x${stamped}.json`,
    `nested/${stamped}.json`,
    '176722560012345678_designer_0a1b2c3d.json',
    '1767225600123456789_designer_0A1B2C3D.json',
    '1767225600123456789__0a1b2c3d.json',
    '1767225600123456789_.hidden_0a1b2c3d.json',
    `1767225600123456789_${'a'.repeat(129)}_0a1b2c3d.json`,
  ])('%j is none, and no error', (leaf) => {
    expect(parseStampName(leaf)).toBeUndefined();
  });
});
