/** After this a stream has become active once more, and is listed like a new one. */
const forgottenMs = 3_600_000;

/**
 * Streams of which the bucket's listing was seen to hold what this watch sent, with its digests: nobody else writes their
 * parts. What takes text out of a bucket changes the purge mark, before and after, and then nothing is known any more.
 */
export class KnownStreams {
  /** By folder, monotonic milliseconds. */
  readonly #seenMs = new Map<string, number>();

  has(folder: string): boolean {
    return this.#seenMs.has(folder);
  }

  see(folder: string, nowMs: number): void {
    this.#seenMs.delete(folder);
    this.#seenMs.set(folder, nowMs);
  }

  forget(folder: string): void {
    this.#seenMs.delete(folder);
  }

  forgetAll(): void {
    this.#seenMs.clear();
  }

  forgetOld(nowMs: number): void {
    for (const [folder, seenMs] of this.#seenMs) {
      if (seenMs >= nowMs - forgottenMs) return;
      this.#seenMs.delete(folder);
    }
  }
}
