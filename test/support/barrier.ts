/**
 * Holds whoever arrives until `size` are there, or nobody came for `patienceMs`; then lets them all go at one moment. It
 * opens once: a request that is sent again afterwards, as after a 409, is not held.
 */
export class Barrier {
  readonly #size: number;
  readonly #patienceMs: number;
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isOpen = false;
  /** How many were let go together. */
  together = 0;

  constructor(size: number, patienceMs: number) {
    this.#size = size;
    this.#patienceMs = patienceMs;
  }

  arrive(): Promise<void> {
    if (this.#isOpen) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      clearTimeout(this.#timer);
      if (this.#waiting.length >= this.#size) return this.#open();
      this.#timer = setTimeout(() => this.#open(), this.#patienceMs);
    });
  }

  #open(): void {
    this.#isOpen = true;
    this.together = this.#waiting.length;
    for (const go of this.#waiting) go();
    this.#waiting = [];
  }
}
