/**
 * When a stream's new bytes are sent. What a calm session writes leaves at once, as long as its budget of requests lasts;
 * while writing continues, less and less often.
 */
export interface FlushTiming {
  /** From the first new byte to its upload, in a calm session. */
  readonly firstDelayMs: number;
  /** Calm is what writes nothing for this long after an upload. */
  readonly calmAfterMs: number;
  /**
   * So many uploads are there at first for calm phases, and so many can be saved up. One is gained per longest interval,
   * so that an hour costs at most this many more than an hour of writing without a pause.
   */
  readonly firstSaved: number;
  readonly mostSaved: number;
  /** Between uploads while writing continues: initially, */
  readonly firstIntervalMs: number;
  /** and at most; also while nothing is saved up. */
  readonly longestIntervalMs: number;
  /** This many new bytes are sent without delay. */
  readonly eagerBytes: number;
}

export const defaultFlushTiming: FlushTiming = {
  firstDelayMs: 250,
  calmAfterMs: 1_250,
  firstSaved: 40,
  mostSaved: 120,
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
  /** As of the last upload. */
  #saved: number;

  constructor(timing: FlushTiming) {
    this.#timing = timing;
    this.#saved = timing.firstSaved;
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
    const soonMs = this.#unseenSinceMs + this.#timing.firstDelayMs;
    const pacedMs = this.#isCalm ? soonMs : this.#flushedAtMs + this.#intervalMs;
    return Math.max(soonMs, pacedMs, this.#savedUpAtMs);
  }

  /** What is new came after a pause. */
  get #isCalm(): boolean {
    const sinceMs = this.#unseenSinceMs ?? Number.NEGATIVE_INFINITY;
    return sinceMs - this.#flushedAtMs >= this.#timing.calmAfterMs;
  }

  /** When the next upload is saved up: at the latest a longest interval after the last one. */
  get #savedUpAtMs(): number {
    if (this.#saved >= 1) return this.#flushedAtMs;
    return this.#flushedAtMs + (1 - this.#saved) * this.#timing.longestIntervalMs;
  }

  /** An upload starts; whatever is noticed from here on waits for the next one. */
  flushing(nowMs: number): void {
    const { firstIntervalMs, longestIntervalMs, mostSaved } = this.#timing;
    const passedMs = nowMs - this.#flushedAtMs;
    const wasBusy = !this.#isCalm && passedMs < 2 * this.#intervalMs;
    const next = wasBusy ? this.#intervalMs * growth : firstIntervalMs;
    this.#intervalMs = Math.min(next, longestIntervalMs);
    const gained = Number.isFinite(passedMs) ? passedMs / Math.max(1, longestIntervalMs) : 0;
    this.#saved = Math.max(0, Math.min(mostSaved, this.#saved + gained) - 1);
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
