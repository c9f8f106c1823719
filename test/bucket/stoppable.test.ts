import { describe, expect, it } from 'vitest';
import { withRetry } from '../../src/bucket/retry.js';
import { stoppable } from '../../src/bucket/stoppable.js';
import { systemClock } from '../../src/clock.js';
import { UnreachableError } from '../../src/errors.js';
import { MemoryStore } from '../support/memory-bucket.js';

const body = Buffer.from('x');

describe('a bucket that can be stopped', () => {
  it('forwards every call with a signal', async () => {
    const over = new AbortController();
    const seen: (AbortSignal | undefined)[] = [];
    const client = new MemoryStore(true).client();
    const watched = {
      ...client,
      get: (key: string, options?: { signal?: AbortSignal | undefined }) => {
        seen.push(options?.signal);
        return client.get(key);
      },
    };
    const bucket = stoppable(watched, over.signal);
    expect((await bucket.putIfAbsent('a', body)).written).toBe(true);
    const own = new AbortController();
    expect((await bucket.get('a', { signal: own.signal }))?.body).toEqual(body);
    expect((await bucket.get('a'))?.body).toEqual(body);
    expect(seen.map((signal) => signal?.aborted)).toEqual([false, false]);
    own.abort();
    expect(seen.map((signal) => signal?.aborted)).toEqual([true, false]);
    over.abort();
    expect(seen.map((signal) => signal?.aborted)).toEqual([true, true]);
  });

  it('ends a pause between two attempts, however long', async () => {
    const over = new AbortController();
    const client = new MemoryStore(true).client({
      gate: () => {
        setImmediate(() => over.abort());
        return Promise.reject(new UnreachableError('busy', { retryAfterMs: 60_000 }));
      },
    });
    const retrying = withRetry(client, { clock: systemClock, attempts: 9, baseMs: 1, maxMs: 1 });
    await expect(stoppable(retrying, over.signal).get('a')).rejects.toThrow('stopped');
  });
});
