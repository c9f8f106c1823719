const mebibyte = 1024 * 1024;
/** What a backend may hold in memory for all transfers at once; one large file takes all of it for itself. */
const budgetBytes = 64 * mebibyte;
const atOnce = 16;

/**
 * Runs `step` for many items side by side, as many as fit into memory, and begins no more once `isStopped`. `step` must not
 * fail. Flat memory, whatever the number and size of the items.
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
