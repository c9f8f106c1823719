import { expect, test } from 'vitest';
import { reclaimingBuffers, reclaimingWhenIdle } from '../src/v8-heap.js';

/** A process of which a collection frees everything above what is in use. */
function processUsing(inUseBytes: number) {
  let rssBytes = inUseBytes;
  let collections = 0;
  const grow = (bytes: number): void => {
    rssBytes += bytes;
  };
  const reclaim = (): void => {
    collections += 1;
    rssBytes = inUseBytes;
  };
  return { grow, collections: () => collections, heap: { rssBytes: () => rssBytes, reclaim } };
}

test('what is in use is not collected again and again', () => {
  const large = processUsing(200);
  const look = reclaimingWhenIdle(140, large.heap);
  for (let minute = 0; minute < 60; minute += 1) look();
  expect(large.collections()).toBe(1);
  large.grow(19);
  look();
  expect(large.collections()).toBe(1);
  large.grow(2);
  look();
  expect(large.collections()).toBe(2);
});

test('a process that can be brought below the limit is collected whenever it is above', () => {
  const small = processUsing(100);
  const look = reclaimingWhenIdle(140, small.heap);
  look();
  expect(small.collections()).toBe(0);
  for (let burst = 1; burst <= 3; burst += 1) {
    small.grow(50);
    look();
    look();
    expect(small.collections()).toBe(burst);
  }
});

test('buffers are collected when they have grown, and not for what is in use', () => {
  const work = processUsing(10);
  const buffers = { bytes: work.heap.rssBytes, reclaim: work.heap.reclaim };
  const look = reclaimingBuffers(8, buffers);
  work.grow(7);
  look();
  expect(work.collections()).toBe(0);
  work.grow(1);
  look();
  look();
  expect(work.collections()).toBe(1);
  work.grow(8);
  look();
  expect(work.collections()).toBe(2);
});
