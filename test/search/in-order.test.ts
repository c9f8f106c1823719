import { expect, it } from 'vitest';
import { inOrder } from '../../src/search/in-order.js';

it('produces results concurrently, and returns them in the order of their items', async () => {
  let underWay = 0;
  let most = 0;
  const make = async (item: number): Promise<number> => {
    underWay += 1;
    most = Math.max(most, underWay);
    for (let turn = 0; turn < (item % 5) + 1; turn += 1) await Promise.resolve();
    underWay -= 1;
    return item;
  };
  const items = Array.from({ length: 200 }, (_, index) => index);
  const results: number[] = [];
  for await (const one of inOrder(items, make, { bytesOf: () => 1 })) results.push(one);
  expect(results).toEqual(items);
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(64);
});

it('holds few items if each takes much memory', async () => {
  let underWay = 0;
  let most = 0;
  const make = async (): Promise<void> => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise((done) => setImmediate(done));
    underWay -= 1;
  };
  for await (const _ of inOrder([1, 2, 3, 4, 5, 6, 7, 8], make, {
    bytesOf: () => 32 * 1024 * 1024,
  }));
  expect(most).toBeLessThanOrEqual(4);
});

it('aborts work in progress when one item fails, or the consumer stops', async () => {
  const signals: AbortSignal[] = [];
  const make = async (item: number, signal: AbortSignal): Promise<number> => {
    signals.push(signal);
    if (item === 1) throw new Error('one failed');
    return item;
  };
  const all = async (): Promise<void> => {
    for await (const _ of inOrder([0, 1, 2], make, { bytesOf: () => 1 }));
  };
  await expect(all()).rejects.toThrow('one failed');
  for await (const _ of inOrder([0, 2, 3], make, { bytesOf: () => 1 })) break;
  expect(signals.every(({ aborted }) => aborted)).toBe(true);
});

it('begins with few if told so, and takes one more with each result', async () => {
  const atOnce: number[] = [];
  let underWay = 0;
  const make = async (): Promise<void> => {
    underWay += 1;
    atOnce.push(underWay);
    await new Promise((done) => setImmediate(done));
    underWay -= 1;
  };
  const items = [1, 2, 3, 4, 5, 6, 7, 8];
  for await (const _ of inOrder(items, make, { bytesOf: () => 1, atOnce: 3, atFirst: 1 }));
  expect(atOnce[0]).toBe(1);
  expect(atOnce[1]).toBe(1);
  expect(Math.max(...atOnce)).toBe(3);
});
