import { setMaxListeners } from 'node:events';
import type PQueue from 'p-queue';

/** As many as a store's client has connections for. */
const connections = 96;
/** What all transfers together may hold in memory; one large item takes all of it. */
const budgetBytes = 64 * 1024 * 1024;

/** `signal` aborts when the work is called off: by its caller, or because another step failed. */
export type Step<Item, Result> = (item: Item, signal: AbortSignal) => Promise<Result>;

interface ParallelOptions<Item> {
  readonly atOnce?: number;
  /** How much memory an item takes while it is worked on. Left out: none. */
  readonly bytesOf?: (item: Item) => number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The results, in the order of the items. The first failure stops what has not begun, and is thrown once what has begun is
 * over, so nothing goes on behind the caller's back.
 */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  step: Step<Item, Result>,
  { atOnce = connections, bytesOf = () => 0, signal }: ParallelOptions<Item> = {},
): Promise<Result[]> {
  if (items.length === 0) return [];
  const lanes = await openLanes(atOnce, signal);
  const results: Promise<Result>[] = [];
  for (const item of items) {
    const bytes = bytesOf(item);
    if (bytes > 0) await lanes.room(bytes);
    if (lanes.signal.aborted) break;
    results.push(lanes.run(() => step(item, lanes.signal), bytes));
  }
  await lanes.idle();
  lanes.signal.throwIfAborted();
  return Promise.all(results);
}

/** The same for items without an end: it never holds more results than are being made. */
export async function* readAhead<Item, Result>(
  items: AsyncIterable<Item>,
  step: Step<Item, Result>,
  signal?: AbortSignal,
): AsyncGenerator<Result> {
  const lanes = await openLanes(connections, signal);
  const ahead: Promise<Result>[] = [];
  try {
    for await (const item of items) {
      if (lanes.signal.aborted) break;
      ahead.push(lanes.run(() => step(item, lanes.signal)));
      const first = ahead.length < connections ? undefined : ahead.shift();
      if (first !== undefined) yield await first;
    }
    for (const result of ahead) yield await result;
    lanes.signal.throwIfAborted();
  } finally {
    lanes.stop();
  }
}

interface Lanes {
  readonly signal: AbortSignal;
  /** Waits until an item of this size fits into memory, or nothing more is to begin. */
  room(bytes: number): Promise<void>;
  run<Result>(step: () => Promise<Result>, bytes?: number): Promise<Result>;
  /** Ends when everything that has begun is over. */
  idle(): Promise<void>;
  /** Whoever reads no further wants no more of it. */
  stop(): void;
}

async function openLanes(atOnce: number, caller: AbortSignal | undefined): Promise<Lanes> {
  // Loaded by whoever has something to run: a command that sends one request starts without it.
  const { default: Queue } = await import('p-queue');
  const queue = new Queue({ concurrency: atOnce });
  const own = new AbortController();
  const signal = caller === undefined ? own.signal : AbortSignal.any([own.signal, caller]);
  // Every step in flight may listen; beyond ten Node would warn of a leak.
  setMaxListeners(0, signal);
  // What was taken out of the queue never ends, and nobody waits for it.
  signal.addEventListener('abort', () => queue.clear(), { once: true });
  let usedBytes = 0;

  const run = async <Result>(step: () => Promise<Result>, bytes = 0): Promise<Result> => {
    usedBytes += bytes;
    try {
      return await step();
    } catch (error) {
      own.abort(error);
      throw error;
    } finally {
      usedBytes -= bytes;
    }
  };

  return {
    signal,
    room: async (bytes) => {
      const isFull = () => usedBytes > 0 && usedBytes + bytes > budgetBytes;
      while (!signal.aborted && (queue.pending >= atOnce || isFull())) await nextEnd(queue);
    },
    run: (step, bytes) => {
      const result = queue.add(() => run(step, bytes));
      // Whoever stops at the first failure does not look at the others.
      result.catch(() => undefined);
      return result;
    },
    idle: () => queue.onIdle(),
    stop: () => own.abort(),
  };
}

function nextEnd(queue: PQueue): Promise<void> {
  return new Promise((resolve) => queue.once('next', resolve));
}
