import { describe, expect, it } from 'vitest';
import { inParallel, readAhead } from '../src/concurrency.js';

const mebibyte = 1024 * 1024;
const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Waiting {
  readonly end: () => void;
  readonly fail: (error: Error) => void;
}

/** Steps that end when they are let go, and how many run at once. */
class Gate {
  readonly begun: number[] = [];
  most = 0;
  readonly #waiting = new Map<number, Waiting>();

  readonly step = (item: number): Promise<number> =>
    new Promise((resolve, reject) => {
      this.begun.push(item);
      const leave = (done: () => void) => () => {
        this.#waiting.delete(item);
        done();
      };
      const end = leave(() => resolve(item * 10));
      this.#waiting.set(item, { end, fail: (error) => leave(() => reject(error))() });
      this.most = Math.max(this.most, this.#waiting.size);
    });

  /** Once so many have begun, and whoever might follow had a chance. */
  async reached(count: number): Promise<void> {
    while (this.begun.length < count) await turn();
    await turn();
  }

  end(item: number): void {
    this.#waiting.get(item)?.end();
  }

  fail(item: number, error: Error): void {
    this.#waiting.get(item)?.fail(error);
  }

  async endAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      for (const { end } of [...this.#waiting.values()]) end();
      await turn();
    }
  }
}

describe('side by side', () => {
  it('keeps the order of the items, and never runs more than it may', async () => {
    const gate = new Gate();
    const results = inParallel(numbers(50), gate.step, { atOnce: 7 });
    await gate.reached(7);
    await gate.endAll();
    expect(await results).toEqual(numbers(50).map((n) => n * 10));
    expect(gate.most).toBe(7);
  });

  it('has nothing to do without items', async () => {
    expect(await inParallel([], () => Promise.reject(new Error('called')))).toEqual([]);
  });

  it('begins nothing more after the first failure, of 5,000', async () => {
    const gate = new Gate();
    const results = inParallel(numbers(5_000), gate.step);
    const failed = expect(results).rejects.toThrow('the store is gone');
    await gate.reached(96);
    gate.fail(3, new Error('the store is gone'));
    await turn();
    await gate.endAll();
    await failed;
    expect(gate.begun.length).toBe(96);
  });

  it('begins nothing more when every call fails, of 5,000', async () => {
    let calls = 0;
    const failing = async (): Promise<never> => {
      calls += 1;
      throw new Error(`failure ${calls}`);
    };
    await expect(inParallel(numbers(5_000), failing)).rejects.toThrow('failure 1');
    expect(calls).toBeLessThanOrEqual(96);
  });

  it('fails only once what had begun is over, and tells it to stop', async () => {
    const gate = new Gate();
    const signals: AbortSignal[] = [];
    let isOver = false;
    const results = inParallel(numbers(2), (item, signal) => {
      signals.push(signal);
      return gate.step(item);
    });
    const failed = expect(results)
      .rejects.toThrow('first')
      .then(() => {
        isOver = true;
      });
    await gate.reached(2);
    gate.fail(0, new Error('first'));
    await turn();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect(isOver).toBe(false);
    gate.end(1);
    await failed;
  });

  it('is called off by its caller', async () => {
    const gate = new Gate();
    const stop = new AbortController();
    const { signal } = stop;
    const failed = expect(inParallel(numbers(500), gate.step, { signal })).rejects.toThrow(
      'enough',
    );
    await gate.reached(96);
    stop.abort(new Error('enough'));
    await gate.endAll();
    await failed;
    await expect(inParallel(numbers(5), gate.step, { signal })).rejects.toThrow('enough');
    expect(gate.begun.length).toBe(96);
  });

  it('holds no more in memory than fits, and a large item alone', async () => {
    const sizes = [40, 20, 30, 200, 1];
    const gate = new Gate();
    const bytesOf = (index: number): number => (sizes[index] ?? 0) * mebibyte;
    const results = inParallel(numbers(sizes.length), gate.step, { bytesOf });
    await gate.reached(2);
    expect(gate.begun).toEqual([0, 1]);
    gate.end(0);
    await gate.reached(3);
    expect(gate.begun).toEqual([0, 1, 2]);
    gate.end(1);
    await turn();
    expect(gate.begun).toEqual([0, 1, 2]);
    gate.end(2);
    await gate.reached(4);
    expect(gate.begun).toEqual([0, 1, 2, 3]);
    gate.end(3);
    await gate.reached(5);
    gate.end(4);
    expect(await results).toEqual([0, 10, 20, 30, 40]);
  });
});

describe('reading ahead', () => {
  async function* endless(seen: { count: number }): AsyncGenerator<number> {
    for (;;) {
      seen.count += 1;
      yield seen.count - 1;
    }
  }

  it('keeps the order, and holds no more than are being made', async () => {
    const seen = { count: 0 };
    const read = readAhead(endless(seen), async (item) => item * 10);
    for (let n = 0; n < 300; n += 1) expect((await read.next()).value).toBe(n * 10);
    expect(seen.count).toBeLessThanOrEqual(300 + 96);
    await read.return(undefined);
  });

  it('begins nothing more after the first failure, though earlier results come first', async () => {
    const seen = { count: 0 };
    let calls = 0;
    const read = readAhead(endless(seen), async (item) => {
      calls += 1;
      if (item === 50) throw new Error('item 50');
      return item;
    });
    const got: number[] = [];
    const all = async (): Promise<void> => {
      for await (const item of read) got.push(item);
    };
    await expect(all()).rejects.toThrow('item 50');
    expect(got).toEqual(numbers(50));
    expect(calls).toBeLessThanOrEqual(96);
  });

  it('is not taken for complete when it was called off', async () => {
    const stop = new AbortController();
    const read = readAhead(endless({ count: 0 }), async (item) => item, stop.signal);
    expect((await read.next()).value).toBe(0);
    stop.abort(new Error('enough'));
    const rest = async (): Promise<void> => {
      for await (const _ of read);
    };
    await expect(rest()).rejects.toThrow('enough');
  });
});
