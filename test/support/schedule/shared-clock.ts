import type { Clock } from '../../../src/clock.js';

interface Sleeper {
  readonly untilMs: number;
  readonly wake: () => void;
}

/** Time that goes with the store's. */
export class SharedClock implements Clock {
  readonly #sleepers = new Set<Sleeper>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  readonly now = (): number => this.#now();
  readonly monotonic = (): number => this.#now();

  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> => {
    if (ms <= 0 || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper: Sleeper = {
        untilMs: this.#now() + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal?.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', sleeper.wake, { once: true });
    });
  };

  /** Wakes whoever has slept long enough. */
  wake(): void {
    const due = [...this.#sleepers].filter(({ untilMs }) => untilMs <= this.#now());
    for (const { wake } of due.sort((left, right) => left.untilMs - right.untilMs)) wake();
  }

  /** When the next one wakes up. */
  next(): number | undefined {
    return this.times()[0];
  }

  times(): readonly number[] {
    return [...this.#sleepers].map(({ untilMs }) => untilMs).sort((left, right) => left - right);
  }
}
