import * as Flags from '@oclif/core/flags';
import { readUsage } from '../src/app/usage.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { plural } from '../src/cli/format.js';
import { parseTime } from '../src/cli/parse-time.js';
import { terminalWidth } from '../src/cli/terminal-width.js';
import { usageCsv, usageTable, usd, writtenIn } from '../src/cli/usage-lines.js';
import { systemClock } from '../src/clock.js';
import type { Prices } from '../src/usage/prices.js';
import { type Grouping, groupings, type Report, type ReportRow } from '../src/usage/report.js';

export default class UsageCommand extends BaseCommand {
  static override summary = 'show what sessions used: tokens, calls and their list price';
  static override description =
    'Adds up what is mirrored from every machine and harness, each call once, whichever transcripts repeat it. Tokens are those that the transcripts tell; input is without what came from a cache. The list price is what the vendors ask for an API call, not your bill: a subscription pays none of it. A model without a price has tokens and no price, and totals are then "at least". The config field prices sets your own.\n\nExit codes: 0 done, 2 not a time or a time zone, 7 not allowed, 8 the store cannot be reached, 10 some sessions are not counted yet.';
  static override examples = [
    '<%= config.bin %> usage',
    '<%= config.bin %> usage --by model --since 30d',
    '<%= config.bin %> usage --by month --timezone Europe/Berlin --csv > usage.csv',
    "<%= config.bin %> usage --json | jq '.data.rows[] | select(.list_price_usd > 10)'",
  ];
  static override flags = {
    by: Flags.option({
      summary: 'what a row is',
      options: groupings,
      default: 'day' as const,
    })(),
    since: Flags.string({ summary: 'only calls from then on (7d, 2026-11-01)', helpValue: 'TIME' }),
    until: Flags.string({ summary: 'only calls before then', helpValue: 'TIME' }),
    timezone: Flags.string({
      summary: 'whose days these are; without it, those of this machine',
      helpValue: 'ZONE',
    }),
    csv: Flags.boolean({ summary: 'as comma-separated values', exclusive: ['json'] }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(UsageCommand);
    const settings = await this.settings();
    const nowMs = systemClock.now();
    const time = (name: 'since' | 'until', otherwise: number): number =>
      flags[name] === undefined ? otherwise : parseTime(`--${name}`, flags[name], nowMs);
    const [sinceMs, untilMs] = [time('since', -Infinity), time('until', Infinity)];
    const bucket = await this.openBucket(settings);
    const request = { by: flags.by, sinceMs, untilMs, timeZone: flags.timezone };
    const read = await readUsage(bucket, settings, request);
    const { report, prices, asOf, timeZone, sessions, uncounted } = read;
    const rows = report.rows.map((row) => ({ [flags.by]: row.group, ...numbersOf(row) }));
    if (flags.csv) for (const line of usageCsv(rows, flags.by)) this.print(line);
    else if (!this.jsonEnabled()) this.#table(report, flags.by, prices, asOf, timeZone);
    const damaged = read.unreadPages.length;
    if (damaged > 0)
      this.say(
        `${plural(damaged, 'page')} of the index cannot be read, so ${damaged === 1 ? 'its' : 'their'} sessions were read one by one: tracecraft session refresh --all`,
      );
    if (uncounted > 0)
      this.#owe(
        `${uncounted} of ${plural(sessions, 'session')} ${isOrAre(uncounted)} not counted: tracecraft session refresh --all`,
      );
    const lines = report.uncountedLines;
    if (lines > 0) this.#owe(`${plural(lines, 'line')} ${isOrAre(lines)} not counted yet`);
    const { group: _group, ...total } = { group: '', ...numbersOf(report.total) };
    return {
      as_of: asOf ?? null,
      timezone: timeZone,
      by: flags.by,
      rows,
      total,
      is_at_least: report.unpriced.length > 0,
      unpriced_models: report.unpriced,
      reported_usd: report.reported ?? null,
      prices: { source: prices.source, date: prices.date },
      sessions,
      sessions_not_counted: uncounted,
      lines_not_counted: report.uncountedLines,
    };
  }

  #table(
    report: Report,
    by: Grouping,
    prices: Prices,
    asOf: string | undefined,
    zone: string,
  ): void {
    if (report.rows.length === 0) {
      this.say('No calls to a model in this time.');
      return;
    }
    const hasBars = process.stdout.isTTY === true;
    const width = terminalWidth();
    for (const line of usageTable({ report, by, width, hasBars })) this.print(line);
    this.say(
      `As of ${asOf ?? 'never'}; days of ${zone}. List price of ${prices.date} (${prices.source}), not your bill.`,
    );
    if (report.unpriced.length > 0) this.say(`No price: ${report.unpriced.join(', ')}.`);
    if (report.reported !== undefined) {
      this.say(
        `The harnesses that tell what their sessions cost say ${usd(report.reported)} in all.`,
      );
    }
    if (report.coarse > 0)
      this.say(
        `${plural(report.coarse, 'older call')} ${isOrAre(report.coarse)} only known by day or month, in UTC.`,
      );
    if (report.uncertain > 0) {
      this.say(
        `${plural(report.uncertain, 'session')} may count calls copied from another session.`,
      );
    }
  }

  #owe(what: string): void {
    this.warn(what);
    process.exitCode = 10;
  }
}

function isOrAre(count: number): string {
  return count === 1 ? 'is' : 'are';
}

function numbersOf({ usage, listPrice }: ReportRow) {
  return {
    input_uncached: usage.input,
    cache_read: usage.cacheRead,
    cache_write: writtenIn(usage),
    output: usage.output,
    reasoning: usage.reasoning,
    calls: usage.calls,
    list_price_usd: listPrice === undefined ? null : Number(listPrice.toPrecision(12)),
  };
}
