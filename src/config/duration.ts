import ms from 'ms';
import { UsageError } from '../errors.js';

const pattern = /^\d{1,9}(\.\d{1,3})?\s?(ms|s|m|min|h|d|w)$/i;

/**
 * Milliseconds of a text such as `90s`, `15m`, `2h` or `7d`; `undefined` for anything else, including a bare number.
 */
export function durationMs(text: string): number | undefined {
  if (!pattern.test(text)) return undefined;
  // `ms` accepts everything that matches the pattern above; its type cannot say so.
  const value = ms(text as ms.StringValue);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}

/** Like `durationMs`, but throws a `UsageError` that names the flag or field. */
export function parseDuration(what: string, text: string): number {
  const value = durationMs(text);
  if (value !== undefined) return value;
  throw new UsageError(`not a duration for ${what}: ${JSON.stringify(text.slice(0, 40))}`, {
    hint: 'Use a number and a unit, e.g. 90s, 15m, 2h or 7d.',
  });
}
