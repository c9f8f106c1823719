import { UsageError } from '../errors.js';
import { quarterMs } from '../protocol/usage.js';

export type Period = 'day' | 'week' | 'month';

const dayMs = 86_400_000;

const quartersOfDay = dayMs / quarterMs;

export interface DayAround {
  /** Days since the epoch. */
  readonly day: number;
  /** Quarters of an hour since the epoch; `until` is not of it. */
  readonly from: number;
  readonly until: number;
}

/** Days, weeks and months in a time zone. Days are numbers: those since the epoch. */
export class Periods {
  readonly zone: string;
  readonly #format: Intl.DateTimeFormat;
  /** By day (UTC): quarters of an hour that the zone is ahead when it begins. */
  readonly #startOffsets = new Map<number, number>();
  /** By day (UTC): the same, where it is the same all day. */
  readonly #offsets = new Map<number, number | undefined>();

  constructor(zone: string | undefined) {
    try {
      const options = { timeZone: zone, hourCycle: 'h23', ...fields } as const;
      this.#format = new Intl.DateTimeFormat('en-US', options);
    } catch {
      throw new UsageError(`not a time zone: ${JSON.stringify(zone?.slice(0, 80))}`, {
        hint: 'Name it like Europe/Berlin, America/New_York or UTC.',
      });
    }
    this.zone = this.#format.resolvedOptions().timeZone;
  }

  /** Of a quarter of an hour since the epoch: its day, and which others around it are of that day too. */
  dayAround(quarter: number): DayAround {
    const day = Math.floor((quarter + this.#offsetAt(quarter)) / quartersOfDay);
    const from = Math.floor(quarter / quartersOfDay) * quartersOfDay;
    const offset = this.#offsets.get(from / quartersOfDay);
    if (offset === undefined) return { day, from: quarter, until: quarter + 1 };
    const begin = day * quartersOfDay - offset;
    return {
      day,
      from: Math.max(from, begin),
      until: Math.min(from + quartersOfDay, begin + quartersOfDay),
    };
  }

  /** Of a quarter of an hour that stands for a whole day or month: those are of UTC. */
  wholeDayOf(quarter: number): number {
    return Math.floor(quarter / quartersOfDay);
  }

  /** When the period with this day began: a date, of a week that of its Monday. */
  nameOf(day: number, period: Period): string {
    // The epoch was a Thursday.
    const start = period === 'week' ? day - ((((day + 3) % 7) + 7) % 7) : day;
    return new Date(start * dayMs).toISOString().slice(0, period === 'month' ? 7 : 10);
  }

  /** Whole quarters, as all zones have had since 1972. */
  #offsetAt(quarter: number): number {
    const day = Math.floor(quarter / quartersOfDay);
    const known = this.#offsets.get(day);
    if (known !== undefined) return known;
    if (!this.#offsets.has(day)) {
      const start = this.#startOffset(day);
      const isSame = start === this.#startOffset(day + 1);
      this.#offsets.set(day, isSame ? start : undefined);
    }
    return this.#offsets.get(day) ?? Math.floor(this.#offset(quarter * quarterMs) / quarterMs);
  }

  /** When a day (UTC) begins. */
  #startOffset(day: number): number {
    const known = this.#startOffsets.get(day) ?? Math.floor(this.#offset(day * dayMs) / quarterMs);
    this.#startOffsets.set(day, known);
    return known;
  }

  #offset(ms: number): number {
    const parts = new Map(this.#format.formatToParts(ms).map(({ type, value }) => [type, value]));
    const part = (name: Intl.DateTimeFormatPartTypes): number => Number(parts.get(name));
    const local = Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
    );
    return local - Math.floor(ms / 1_000) * 1_000;
  }
}

const fields = {
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
} as const;
