import type { Clock } from '../../src/clock.js';

/** Time that stands still until a test moves it. Starts at the real time, so that it can be laid beside files' own. */
export class ManualClock implements Clock {
  #elapsedMs = 0;
  readonly #startMs = Date.now();
  readonly #sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>();

  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted || ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper = {
        untilMs: this.#elapsedMs + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal?.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', sleeper.wake, { once: true });
    });
  }

  advance(ms: number): void {
    this.#elapsedMs += ms;
    for (const sleeper of this.#sleepers) if (sleeper.untilMs <= this.#elapsedMs) sleeper.wake();
  }
}
