const mebibyte = 1024 * 1024;
/** Memory a backend may use for all transfers together; one large file takes all of it. */
const budgetBytes = 64 * mebibyte;
const atOnce = 16;

/**
 * Runs `step` on many items in parallel, as many as fit into memory; starts no more once `isStopped`. `step` must not
 * fail. Memory stays constant, whatever the number and size of the items.
 */
export async function inByteBudget<Item>(
  items: readonly Item[],
  bytesOf: (item: Item) => number,
  step: (item: Item) => Promise<void>,
  isStopped: () => boolean = () => false,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let used = 0;
  for (const item of items) {
    const bytes = Math.min(bytesOf(item), budgetBytes);
    while (running.size >= atOnce || (running.size > 0 && used + bytes > budgetBytes)) {
      await Promise.race(running);
    }
    if (isStopped()) break;
    used += bytes;
    const work = step(item).finally(() => {
      used -= bytes;
      running.delete(work);
    });
    running.add(work);
  }
  await Promise.all(running);
}
