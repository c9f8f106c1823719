/** How many are under way at once, and about how much memory they may take together. */
const atOnce = 64;
const mostBytes = 96 * 1024 * 1024;

interface UnderWay<Result> {
  readonly result: Promise<Result>;
  readonly bytes: number;
}

/**
 * Results in the order of their items, made side by side. Those under way are told to stop when nobody wants more, or when
 * one fails.
 */
export async function* inOrder<Item, Result>(
  items: readonly Item[],
  make: (item: Item, signal: AbortSignal) => Promise<Result>,
  bytesOf: (item: Item) => number,
  signal?: AbortSignal,
): AsyncGenerator<Result> {
  const stop = new AbortController();
  const either = AbortSignal.any(signal === undefined ? [stop.signal] : [stop.signal, signal]);
  const ahead: UnderWay<Result>[] = [];
  let bytes = 0;
  try {
    for (const item of items) {
      const result = make(item, either);
      // It is awaited in its turn; until then nobody else hears of its failure.
      result.catch(() => undefined);
      ahead.push({ result, bytes: bytesOf(item) });
      bytes += bytesOf(item);
      while (ahead.length >= atOnce || bytes > mostBytes) {
        const first = ahead.shift();
        if (first === undefined) break;
        yield await first.result;
        bytes -= first.bytes;
      }
    }
    for (const { result } of ahead) yield await result;
  } finally {
    stop.abort();
  }
}
