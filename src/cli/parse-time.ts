import { durationMs } from '../config/duration.js';
import { UsageError } from '../errors.js';

/**
 * Milliseconds since the epoch for a flag such as `--since 2h` (before `nowMs`) or `--since 2026-11-23T08:00`. Times
 * without a zone are UTC, like everything tracecraft prints.
 */
export function parseTime(flag: string, text: string, nowMs: number): number {
  const ago = durationMs(text);
  if (ago !== undefined) return nowMs - ago;
  const isTime = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?(Z|[+-]\d{2}:\d{2})?$/;
  const zoned = /(Z|[+-]\d{2}:\d{2})$/.test(text) || text.length === 10 ? text : `${text}Z`;
  const ms = isTime.test(text) ? Date.parse(zoned) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new UsageError(`not a time for ${flag}: ${JSON.stringify(text.slice(0, 40))}`, {
    hint: 'Use how long ago (90s, 15m, 2h, 7d) or a time such as 2026-11-23T08:00:00Z.',
  });
}
