import { UsageError } from '../errors.js';
import type { UsageSlot } from '../protocol/usage.js';

export type Period = 'day' | 'week' | 'month';

const dayMs = 86_400_000;

/** Days, weeks and months of slots in a time zone. */
export class Periods {
  readonly zone: string;
  readonly #format: Intl.DateTimeFormat;
  /** By day since the epoch (UTC): how far the zone is ahead, where it is the same all day. */
  readonly #offsets = new Map<number, number | undefined>();
  /** By day since the epoch, in ISO 8601. */
  readonly #dates = new Map<number, string>();

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

  /** When it began: a date, of a week that of its Monday. Slots of whole days and months have days of UTC only. */
  of({ startMs, span }: Pick<UsageSlot, 'startMs' | 'span'>, period: Period): string {
    const isWhole = span === 'day' || span === 'month';
    const localMs = isWhole ? startMs : startMs + this.#offsetAt(startMs);
    const day = Math.floor(localMs / dayMs);
    // The epoch was a Thursday.
    const start = period === 'week' ? day - ((((day + 3) % 7) + 7) % 7) : day;
    return this.#dateOf(start).slice(0, period === 'month' ? 7 : 10);
  }

  #dateOf(day: number): string {
    const known = this.#dates.get(day);
    if (known !== undefined) return known;
    const date = new Date(day * dayMs).toISOString();
    this.#dates.set(day, date);
    return date;
  }

  #offsetAt(ms: number): number {
    const day = Math.floor(ms / dayMs);
    if (!this.#offsets.has(day)) {
      const start = this.#offset(day * dayMs);
      this.#offsets.set(day, start === this.#offset((day + 1) * dayMs) ? start : undefined);
    }
    return this.#offsets.get(day) ?? this.#offset(ms);
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
