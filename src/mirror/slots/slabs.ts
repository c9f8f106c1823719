/** The longest part of a backlog, what is read before it to recognise the place, and some room for markers. */
export const slabBytes = (8 << 20) + (64 << 10);
/** Smaller pieces are as well served by the allocator. */
const smallest = 4 << 20;

/**
 * Memory for the parts of a backlog. To touch 8 MB for the first time takes the system longer than to hash them, so the
 * memory of a part that is in the bucket serves the next one. What is free is held weakly: an idle process keeps none.
 */
export class Slabs {
  readonly #free: WeakRef<Buffer>[] = [];

  /** `undefined` if so many bytes are too few or too many for one. */
  take(bytes: number): Buffer | undefined {
    if (bytes < smallest || bytes > slabBytes) return undefined;
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop()) {
      const slab = free.deref();
      if (slab !== undefined) return slab;
    }
    return Buffer.allocUnsafeSlow(slabBytes);
  }

  /** Nothing may look into them any more. */
  giveBack(slabs: readonly Buffer[]): void {
    for (const slab of slabs) this.#free.push(new WeakRef(slab));
  }
}
