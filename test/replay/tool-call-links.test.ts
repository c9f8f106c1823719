import { describe, expect, it } from 'vitest';
import type { TimelineEntry } from '../../src/replay/timeline/entry.js';
import { type Call, toolCallLinks } from '../../src/replay/timeline/tool-call-links.js';

const nowMs = 1_800_000_000_000;

function entry(type: string, more: Partial<TimelineEntry> = {}): TimelineEntry {
  return {
    key: 'k',
    timeNs: BigInt(nowMs) * 1_000_000n,
    type,
    agent: 'developer',
    step: null,
    sessionId: null,
    to: null,
    epoch: null,
    text: '',
    isDerived: false,
    identity: 'k',
    ...more,
  };
}

function call(command: string, more: Partial<Call> = {}): Call {
  return {
    stream: 1,
    line: 7,
    sessionId: 's1',
    agent: 'developer',
    timeMs: nowMs - 2_000,
    command,
    ...more,
  };
}

function causeOf(one: TimelineEntry, ...calls: readonly Call[]): Call | undefined {
  return toolCallLinks([one], calls).get(0);
}

describe('the cause of an entry', () => {
  it('is the latest call by the same agent that runs the command and names the step', () => {
    const claimed = entry('step.claimed', { step: 's1-a' });
    const early = call('tracecraft claim S1.A', { timeMs: nowMs - 60_000, line: 1 });
    const late = call('cd x && tracecraft claim S1.A --ttl 1h', { line: 2 });
    expect(causeOf(claimed, early, late)).toBe(late);
    expect(causeOf(claimed, call('tracecraft claim other'))).toBeUndefined();
    expect(causeOf(claimed, call('tracecraft release s1-a'))).toBeUndefined();
    expect(causeOf(claimed, call('tracecraft claim s1-a', { agent: 'other' }))).toBeUndefined();
  });

  it('is in the session that the event names', () => {
    const claimed = entry('step.claimed', { step: 'a', sessionId: 's2' });
    expect(causeOf(claimed, call('tracecraft claim a'))).toBeUndefined();
    const other = call('tracecraft claim a', { sessionId: 's2', agent: null });
    expect(causeOf(claimed, other)).toBe(other);
  });

  it('is near in time', () => {
    const claimed = entry('step.claimed', { step: 'a' });
    expect(
      causeOf(claimed, call('tracecraft claim a', { timeMs: nowMs - 3_600_000 })),
    ).toBeUndefined();
    expect(
      causeOf(claimed, call('tracecraft claim a', { timeMs: nowMs + 60_000 })),
    ).toBeUndefined();
  });

  it('of mail is the call that sent it, including the completion that hands over', () => {
    const sent = entry('message.sent', { to: 'reviewer', step: 'build' });
    const send = call('tracecraft send reviewer "done"');
    const complete = call('tracecraft complete build --to reviewer');
    expect(causeOf(sent, send)).toBe(send);
    expect(causeOf(sent, complete)).toBe(complete);
    expect(causeOf(sent, call('tracecraft send designer "done"'))).toBeUndefined();
    const set = call('tracecraft memory set a.b 1');
    expect(causeOf(entry('memory.set'), set)).toBe(set);
  });
});
