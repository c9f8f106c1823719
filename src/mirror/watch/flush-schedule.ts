/** When a stream's new bytes are sent: soon after a silence, then less and less often while writing continues. */
export interface FlushTiming {
  /** From the first new byte to its upload, after a silence. */
  readonly firstDelayMs: number;
  /** Between uploads while writing continues: initially, */
  readonly firstIntervalMs: number;
  /** and at most. */
  readonly longestIntervalMs: number;
  /** This many new bytes are sent without delay. */
  readonly eagerBytes: number;
}

export const defaultFlushTiming: FlushTiming = {
  firstDelayMs: 250,
  firstIntervalMs: 2_000,
  longestIntervalMs: 5_000,
  eagerBytes: 256 * 1024,
};

const growth = 1.5;

/** One stream's schedule. All times are milliseconds of one monotonic clock. */
export class FlushSchedule {
  readonly #timing: FlushTiming;
  #unseenSinceMs: number | undefined;
  #eager = false;
  #againAtMs: number | undefined;
  #flushedAtMs = Number.NEGATIVE_INFINITY;
  #intervalMs: number;

  constructor(timing: FlushTiming) {
    this.#timing = timing;
    this.#intervalMs = Math.min(timing.firstIntervalMs, timing.longestIntervalMs);
  }

  /** Something new was noticed; `bytes` is the total known to be waiting. */
  noticed(nowMs: number, bytes: number): void {
    this.#unseenSinceMs ??= nowMs;
    if (bytes >= this.#timing.eagerBytes) this.#eager = true;
  }

  /** `undefined` while there is nothing to send. */
  get dueAtMs(): number | undefined {
    if (this.#againAtMs !== undefined) return this.#againAtMs;
    if (this.#unseenSinceMs === undefined) return undefined;
    if (this.#eager) return this.#unseenSinceMs;
    return Math.max(
      this.#unseenSinceMs + this.#timing.firstDelayMs,
      this.#flushedAtMs + this.#intervalMs,
    );
  }

  /** An upload starts; whatever is noticed from here on waits for the next one. */
  flushing(nowMs: number): void {
    const wasBusy = nowMs - this.#flushedAtMs < 2 * this.#intervalMs;
    const { firstIntervalMs, longestIntervalMs } = this.#timing;
    const next = wasBusy ? this.#intervalMs * growth : firstIntervalMs;
    this.#intervalMs = Math.min(next, longestIntervalMs);
    this.#flushedAtMs = nowMs;
    this.#unseenSinceMs = undefined;
    this.#againAtMs = undefined;
    this.#eager = false;
  }

  /** The upload failed (or left some): it is due again at `atMs`. */
  again(atMs: number): void {
    this.#againAtMs = atMs;
  }
}
