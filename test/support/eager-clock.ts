import type { Clock } from '../../src/clock.js';

/** Time passes only while somebody sleeps, and then at once. Remembers how long each sleep was. */
export class EagerClock implements Clock {
  readonly sleeps: number[] = [];
  readonly #startMs: number;
  #elapsedMs = 0;

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#startMs = startMs;
  }

  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return;
    this.sleeps.push(ms);
    this.#elapsedMs += ms;
    // Whoever else is waiting for I/O gets a turn, as in real time.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
