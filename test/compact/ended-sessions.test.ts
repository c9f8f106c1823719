import { beforeEach, describe, expect, it } from 'vitest';
import { EndedSessions, type SessionSight } from '../../src/compact/ended-sessions.js';

const minute = 60_000;
let ended: EndedSessions;

const sight = (seen: Partial<SessionSight> = {}): SessionSight => ({
  key: 'codex/a',
  isLive: false,
  hasEnded: false,
  quietMs: 10_000,
  mark: '0/1',
  ...seen,
});
const isDue = (seen: Partial<SessionSight>, nowMs = 0): boolean =>
  ended.due([sight(seen)], nowMs).length === 1;

beforeEach(() => {
  ended = new EndedSessions();
});

describe('the end of a session', () => {
  it('is reported by its harness, or the session stops running, or stays silent for long', () => {
    expect(isDue({})).toBe(false);
    expect(isDue({ hasEnded: true })).toBe(true);
    expect(isDue({ quietMs: 31 * minute })).toBe(true);
    expect(isDue({ isLive: true, quietMs: 31 * minute })).toBe(false);
    expect(isDue({})).toBe(true);
    expect(isDue({ key: 'codex/b' })).toBe(false);
  });

  it('counts once its transcript is quiet and in the bucket', () => {
    expect(isDue({ hasEnded: true, quietMs: 4_999 })).toBe(false);
    expect(isDue({ hasEnded: true, mark: undefined })).toBe(false);
  });

  it('counts once, and again after the session has continued', () => {
    isDue({ isLive: true });
    expect(isDue({})).toBe(true);
    ended.done(sight(), 0);
    expect(isDue({}, 10 * minute)).toBe(false);
    expect(isDue({ quietMs: 31 * minute }, 40 * minute)).toBe(false);
    expect(isDue({ mark: '0/2' }, 50 * minute)).toBe(false);
    expect(isDue({ mark: '0/2', isLive: true }, 51 * minute)).toBe(false);
    expect(isDue({ mark: '0/3' }, 52 * minute)).toBe(true);
  });

  it('counts at most every five minutes if it recurs, and the last one always', () => {
    ended.done(sight(), 0);
    expect(isDue({ mark: '0/2', hasEnded: true }, 4 * minute)).toBe(false);
    expect(isDue({ mark: '0/2', hasEnded: true }, 5 * minute)).toBe(true);
  });
});
