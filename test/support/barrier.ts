/** Holds whoever arrives until `size` are there, or nobody came for `patienceMs`; then lets them all go at one moment. */
export class Barrier {
  readonly #size: number;
  readonly #patienceMs: number;
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** How many were let go together the last time. */
  lastTogether = 0;

  constructor(size: number, patienceMs: number) {
    this.#size = size;
    this.#patienceMs = patienceMs;
  }

  arrive(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      clearTimeout(this.#timer);
      if (this.#waiting.length >= this.#size) return this.#release();
      this.#timer = setTimeout(() => this.#release(), this.#patienceMs);
    });
  }

  #release(): void {
    const together = this.#waiting;
    this.#waiting = [];
    this.lastTogether = together.length;
    for (const go of together) go();
  }
}
