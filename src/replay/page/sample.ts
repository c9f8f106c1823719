/** Points kept per stream: enough for a strip across a wide screen. */
const most = 2_000;
/** Points kept for all streams together: a page opens with all of them. */
const mostOfAll = 200_000;
/** With fewer points, a strip would be meaningless. */
const least = 16;

/** A row that claims to be from 2100 or later must not stretch the axis. */
const latestMs = Date.UTC(2100);

/** Points per stream, given the number of streams. */
export function pointsOf(streams: number): number {
  return Math.max(least, Math.min(most, Math.floor(mostOfAll / Math.max(1, streams))));
}

/** When the rows of a stream were written, thinned evenly, so that the sample is as dense as the whole. */
export class TimeSample {
  #times: number[] = [];
  #lines: number[] = [];
  #every = 1;
  #seen = 0;
  readonly #points: number;

  constructor(points: number) {
    this.#points = points;
  }

  add(line: number, timeMs: number | undefined): void {
    if (timeMs === undefined || !(timeMs > 0 && timeMs < latestMs)) return;
    if (this.#seen % this.#every === 0) {
      this.#times.push(timeMs);
      this.#lines.push(line);
    }
    this.#seen += 1;
    if (this.#times.length < 2 * this.#points) return;
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
