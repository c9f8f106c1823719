/** As many requests as a store's client has connections for. */
const atOnce = 96;

/** The results in the order of the items. The first failure ends it. */
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

/** The same for items without an end: never more results are held than are being made. */
export async function* readAhead<Item, Result>(
  items: AsyncIterable<Item>,
  step: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const ahead: Promise<Result>[] = [];
  for await (const item of items) {
    const result = step(item);
    // Whoever stops at the first failure does not wait for the others.
    result.catch(() => undefined);
    ahead.push(result);
    const first = ahead.length < atOnce ? undefined : ahead.shift();
    if (first !== undefined) yield await first;
  }
  for (const result of ahead) yield await result;
}
