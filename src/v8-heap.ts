import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/**
 * Gives back what a burst of work has left behind, if the process is larger than `enoughBytes`. The collector lets garbage pile
 * up as long as there is memory, and a process that is idle afterwards never gets to it. Costs some 25 ms.
 */
export function reclaimMemory(enoughBytes: number): void {
  if (process.memoryUsage.rss() < enoughBytes) return;
  collect ??= exposedCollector();
  collect();
}

/** What `reclaimingWhenIdle` looks at and does. */
export interface Heap {
  readonly rssBytes: () => number;
  readonly reclaim: (enoughBytes: number) => void;
}

const ownHeap: Heap = { rssBytes: () => process.memoryUsage.rss(), reclaim: reclaimMemory };
/** What grew by less is not worth the next collection, whose cost grows with all that is alive. */
const worthwhileGrowth = 1.1;

/**
 * `reclaimMemory`, to be called again and again: what a collection could not bring below `enoughBytes` is in use, and is not
 * looked through again until the process has grown.
 */
export function reclaimingWhenIdle(enoughBytes: number, heap: Heap = ownHeap): () => void {
  let thresholdBytes = enoughBytes;
  return () => {
    if (heap.rssBytes() < thresholdBytes) return;
    heap.reclaim(enoughBytes);
    thresholdBytes = Math.max(enoughBytes, heap.rssBytes() * worthwhileGrowth);
  };
}

/** The same of array buffers. */
export interface Buffers {
  readonly bytes: () => number;
  readonly reclaim: () => void;
}

const ownBuffers: Buffers = {
  bytes: () => process.memoryUsage().arrayBuffers,
  reclaim: () => reclaimMemory(0),
};

/**
 * To be called again and again during work in buffers: collects what they leave behind whenever they have grown by
 * `growthBytes`. V8 sees only their wrappers, of some bytes each, and lets tens of megabytes pile up behind them.
 */
export function reclaimingBuffers(growthBytes: number, buffers: Buffers = ownBuffers): () => void {
  let leastBytes = buffers.bytes();
  return () => {
    const bytes = buffers.bytes();
    leastBytes = Math.min(leastBytes, bytes);
    if (bytes - leastBytes < growthBytes) return;
    buffers.reclaim();
    leastBytes = buffers.bytes();
  };
}

/** A way to the collector of a process that was not started with --expose-gc. */
function exposedCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('gc');
  return typeof found === 'function' ? () => found() : () => undefined;
}

/**
 * For a process that is idle most of its life, or reads much and keeps nothing: its young objects stay in the few megabytes
 * they begin with, instead of in some 50 MB that V8 takes after a burst of work and keeps. Scavenges are more frequent and
 * as much cheaper.
 */
export function stayLean(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
