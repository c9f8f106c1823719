/** As many requests as a store's client has connections. */
const atOnce = 96;

/** Results in the order of the items. The first failure ends it. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  step: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const rest = items.entries();
  const work = async (): Promise<void> => {
    for (const [index, item] of rest) results[index] = await step(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  return results;
}

/** The same for endless items: never holds more results than are in progress. */
export async function* readAhead<Item, Result>(
  items: AsyncIterable<Item>,
  step: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const ahead: Promise<Result>[] = [];
  for await (const item of items) {
    const result = step(item);
    // A caller that stops at the first failure does not wait for the others.
    result.catch(() => undefined);
    ahead.push(result);
    const first = ahead.length < atOnce ? undefined : ahead.shift();
    if (first !== undefined) yield await first;
  }
  for (const result of ahead) yield await result;
}
