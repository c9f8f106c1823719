/** Points kept of one stream: enough for a strip across a wide screen. */
const points = 2_000;

/** When the rows of a stream were written, thinned out evenly, so that what is left is as dense as the whole. */
export class TimeSample {
  #times: number[] = [];
  #lines: number[] = [];
  #every = 1;
  #seen = 0;

  add(line: number, timeMs: number | undefined): void {
    if (timeMs === undefined || !Number.isFinite(timeMs) || timeMs <= 0) return;
    if (this.#seen % this.#every === 0) {
      this.#times.push(timeMs);
      this.#lines.push(line);
    }
    this.#seen += 1;
    if (this.#times.length < 2 * points) return;
    this.#every *= 2;
    this.#times = this.#times.filter((_, index) => index % 2 === 0);
    this.#lines = this.#lines.filter((_, index) => index % 2 === 0);
  }

  get sampleMs(): readonly number[] {
    return this.#times;
  }

  get sampleLines(): readonly number[] {
    return this.#lines;
  }
}
