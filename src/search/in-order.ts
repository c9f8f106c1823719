/** How many may run at once, and roughly how much memory they may take together. */
const atOnceAtMost = 64;
const mostBytes = 96 * 1024 * 1024;

interface UnderWay<Item, Result> {
  readonly item: Item;
  readonly result: Promise<Result>;
  readonly bytes: number;
}

/**
 * Results in the order of their items, produced concurrently. Work in progress is aborted when the
 * consumer stops, or when one item fails.
 */
export async function* inOrder<Item, Result>(
  items: readonly Item[],
  make: (item: Item, signal: AbortSignal) => Promise<Result>,
  {
    bytesOf,
    atOnce = atOnceAtMost,
    atFirst = atOnce,
    onAsked = () => undefined,
    signal,
  }: {
    readonly bytesOf: (item: Item) => number;
    readonly atOnce?: number;
    /** So many until the first result, then one more with each. */
    readonly atFirst?: number;
    /** Told of each item that everything waits for. */
    readonly onAsked?: (item: Item) => void;
    readonly signal?: AbortSignal | undefined;
  },
): AsyncGenerator<Result> {
  const stop = new AbortController();
  const either = AbortSignal.any(signal === undefined ? [stop.signal] : [stop.signal, signal]);
  const ahead: UnderWay<Item, Result>[] = [];
  let [bytes, most] = [0, atFirst];
  try {
    for (const item of items) {
      const result = make(item, either);
      // It is awaited in its turn; until then its failure must not count as unhandled.
      result.catch(() => undefined);
      ahead.push({ item, result, bytes: bytesOf(item) });
      bytes += bytesOf(item);
      while (ahead.length >= most || bytes > mostBytes) {
        const first = ahead.shift();
        if (first === undefined) break;
        onAsked(first.item);
        yield await first.result;
        bytes -= first.bytes;
        most = Math.min(atOnce, most + 1);
      }
    }
    for (const { item, result } of ahead) {
      onAsked(item);
      yield await result;
    }
  } finally {
    stop.abort();
  }
}
