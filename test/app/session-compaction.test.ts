import { beforeEach, describe, expect, it } from 'vitest';
import { type MirroredSession, SessionCompaction } from '../../src/app/session-compaction.js';
import { PartialError, UnreachableError } from '../../src/errors.js';
import { type Checkpoint, emptyCheckpoint } from '../../src/mirror/checkpoint.js';
import { ManualClock } from '../support/manual-clock.js';

let clock: ManualClock;
let live: Set<string>;
let sessions: Map<string, { checkpoint: Checkpoint; atMs: number }>;
let compacted: string[];
let troubles: string[];
let failure: Error | undefined;
let ending: AbortController;
let compaction: SessionCompaction;

const headOf = (sequence: number): Checkpoint => {
  const part = { sequence: sequence - 1, generation: 0, startLine: 0, endLine: 1 };
  const counts = { sourceBytes: 1, uploadedBytes: 1, redactions: {} };
  const parts = [{ ...part, ...counts, fingerprint: '', uploadedAtMs: 0 }];
  return { ...emptyCheckpoint, sequence, parts };
};

function* mirrored(): Iterable<MirroredSession> {
  for (const [id, { checkpoint, atMs }] of sessions) {
    const snapshot = { token: '', size: 1, modifiedAtMs: atMs };
    yield {
      ref: { harness: 'codex', id },
      streams: new Map([['', { checkpoint, facts: {}, snapshot }]]),
    };
  }
}

/** As many rounds as fit: each is over when what it started has come back. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) {
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

beforeEach(() => {
  clock = new ManualClock();
  live = new Set();
  sessions = new Map();
  compacted = [];
  troubles = [];
  failure = undefined;
  ending = new AbortController();
  compaction = new SessionCompaction({
    compactor: async ({ harness, id, format }) => {
      if (failure !== undefined) throw failure;
      const extent = { generation: 0, parts: 1, lines: 1, bytes: 1, verified: 'md5' as const };
      return { harness, session_id: id, format, state: 'written', key: id, ...extent };
    },
    watchers: [{ harness: 'codex', live: async () => live }],
    sessions: mirrored,
    clock,
    onCompacted: (one) => compacted.push(one.session_id),
    onTrouble: (error) => troubles.push(error.message),
  });
});

describe('compaction beside a running mirror', () => {
  it('compacts a session once when it ends, and again after it was reopened and ended', async () => {
    sessions.set('a', { checkpoint: headOf(1), atMs: clock.now() });
    live.add('a');
    const running = compaction.run(ending.signal);
    await pass(60_000);
    expect(compacted).toEqual([]);
    live.clear();
    await pass(11_000);
    expect(compacted).toEqual(['a']);
    await pass(600_000);
    expect(compacted).toEqual(['a']);
    sessions.set('a', { checkpoint: headOf(2), atMs: clock.now() });
    live.add('a');
    await pass(20_000);
    live.clear();
    await pass(20_000);
    expect(compacted).toEqual(['a', 'a']);
    ending.abort();
    await running;
  });

  it('waits while the store is unreachable, says so once, and continues', async () => {
    for (const id of ['a', 'b']) sessions.set(id, { checkpoint: headOf(1), atMs: 0 });
    failure = new UnreachableError('no store');
    const running = compaction.run(ending.signal);
    await pass(200_000);
    expect(troubles).toEqual(['no store']);
    failure = undefined;
    await pass(70_000);
    expect(compacted).toEqual(['a', 'b']);
    ending.abort();
    await running;
  });

  it('leaves a session whose parts are missing, until it changes', async () => {
    sessions.set('a', { checkpoint: headOf(1), atMs: 0 });
    failure = new PartialError('missing');
    const running = compaction.run(ending.signal);
    await pass(20_000);
    failure = undefined;
    await pass(600_000);
    expect([troubles, compacted]).toEqual([['missing'], []]);
    ending.abort();
    await running;
  });

  it('compacts everything that is not running when the mirror ends', async () => {
    for (const id of ['a', 'b']) sessions.set(id, { checkpoint: headOf(1), atMs: clock.now() });
    sessions.set('empty', { checkpoint: emptyCheckpoint, atMs: 0 });
    live.add('b');
    await compaction.all(ending.signal);
    expect(compacted).toEqual(['a']);
  });
});
