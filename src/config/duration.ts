import ms from 'ms';
import { UsageError } from '../errors.js';

const pattern = /^\d{1,9}(\.\d{1,3})?\s?(ms|s|m|min|h|d|w)$/i;

/** Milliseconds of a text such as `90s`, `15m`, `2h` or `7d`; `undefined` when it is none. A bare number has no unit, so is none. */
export function durationMs(text: string): number | undefined {
  if (!pattern.test(text)) return undefined;
  // The pattern above is the part of what `ms` accepts that its type cannot spell.
  const value = ms(text as ms.StringValue);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}

/** As `durationMs`, or a `UsageError` that names the flag or field. */
export function parseDuration(what: string, text: string): number {
  const value = durationMs(text);
  if (value !== undefined) return value;
  throw new UsageError(`not a duration for ${what}: ${JSON.stringify(text.slice(0, 40))}`, {
    hint: 'Use a number and a unit, e.g. 90s, 15m, 2h or 7d.',
  });
}
