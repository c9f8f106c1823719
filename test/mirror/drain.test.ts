import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { type Clock, systemClock } from '../../src/clock.js';
import { UnreachableError } from '../../src/errors.js';
import { sessionUuid } from '../support/claude-tree.js';
import { MirrorRig } from '../support/mirror-rig.js';

/** Waits of a drain for its store; everything else waits longer. */
const longestOfDrain = { once: 60_000, shutdown: 500 };

describe('a stream whose upload failed with an unexpected error', () => {
  let rig: MirrorRig;
  let bucket: Bucket;

  beforeEach(async () => {
    rig = await MirrorRig.create();
    const path = await rig.tree.file(rig.tree.path('/srv', `${sessionUuid()}.jsonl`));
    await writeFile(path, '{"n":1}\n');
    const away = () => Promise.reject(new UnreachableError('simulated: no answer'));
    bucket = { ...rig.bucket, putIfAbsent: away };
  });

  afterEach(() => rig.remove());

  /** Fails where a drain waits for a store to come back. */
  function stopped(isMeant: (ms: number) => boolean): Clock {
    return {
      ...systemClock,
      sleep: (ms, signal) =>
        isMeant(ms)
          ? Promise.reject(new Error('the clock stopped'))
          : systemClock.sleep(ms, signal),
    };
  }

  const behind = [expect.objectContaining({ reason: 'the clock stopped' })];

  it('is behind for that reason after watch --once', async () => {
    const clock = stopped((ms) => ms <= longestOfDrain.once);
    const run = rig.once({ bucket, clock });
    expect((await run.ended).behind).toEqual(behind);
    expect(run.troubles.map(({ message }) => message)).toContain('the clock stopped');
  });

  it('is behind for that reason at shutdown', async () => {
    let isEnding = false;
    const clock = stopped((ms) => isEnding && ms <= longestOfDrain.shutdown);
    const run = rig.watch({ bucket, clock });
    await expect.poll(() => run.troubles.length, { timeout: 10_000 }).toBeGreaterThan(0);
    isEnding = true;
    expect((await run.end()).behind).toEqual(behind);
  });
});
