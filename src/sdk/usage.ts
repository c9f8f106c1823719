import { UsageError } from '../errors.js';
import { type Grouping, groupings, type ReportRow } from '../usage/report.js';
import type { SdkContext } from './context.js';
import { textOf } from './environment.js';
import type { Tracecraft } from './types.js';
import type { UsageFigures } from './usage-types.js';

export function usageOf({ bucket, settings, warn }: SdkContext): Pick<Tracecraft, 'usage'> {
  return {
    usage: async (options = {}) => {
      const { timeZone } = options;
      const request = {
        by: groupingOf(options.by),
        sinceMs: timeOf('since', options.since) ?? Number.NEGATIVE_INFINITY,
        untilMs: timeOf('until', options.until) ?? Number.POSITIVE_INFINITY,
        timeZone: timeZone === undefined ? undefined : textOf('timeZone', timeZone),
      };
      const { readUsage } = await import('../app/usage.js');
      const { report, prices, ...read } = await readUsage(bucket, settings, request);
      for (const key of read.unreadPages) {
        warn(`a page of the index cannot be read, so its sessions were read one by one: ${key}`);
      }
      return {
        asOf: read.asOf ?? null,
        timeZone: read.timeZone,
        rows: report.rows.map((row) => ({ group: row.group, ...figuresOf(row) })),
        total: figuresOf(report.total),
        unpricedModels: report.unpriced,
        reportedUsd: report.reported ?? null,
        prices: { source: prices.source, date: prices.date },
        sessions: read.sessions,
        sessionsNotCounted: read.uncounted,
        linesNotCounted: report.uncountedLines,
      };
    },
  };
}

function figuresOf({ usage, listPrice }: ReportRow): UsageFigures {
  const { input, cacheRead, write5m, write1h, output, reasoning, calls } = usage;
  return {
    inputUncached: input,
    cacheRead,
    cacheWrite: write5m + write1h,
    output,
    reasoning,
    calls,
    listPriceUsd: listPrice ?? null,
  };
}

function groupingOf(by: unknown = 'day'): Grouping {
  const known = groupings.find((one) => one === by);
  if (known === undefined) throw new UsageError(`by must be one of ${groupings.join(', ')}`);
  return known;
}

/** Untyped callers may pass anything. */
export function timeOf(what: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const ms = value instanceof Date ? value.getTime() : Number.NaN;
  if (Number.isNaN(ms)) throw new UsageError(`${what} must be a valid Date`);
  return ms;
}
