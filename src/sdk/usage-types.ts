// Imports nothing, like the package's other declarations.

export type UsageGrouping =
  | 'day'
  | 'week'
  | 'month'
  | 'model'
  | 'harness'
  | 'agent'
  | 'project'
  | 'host'
  | 'session';

export interface UsageOptions {
  /** What a row is. Default: 'day'. */
  readonly by?: UsageGrouping | undefined;
  /** Only calls from then on. */
  readonly since?: Date | undefined;
  /** Only calls before then. */
  readonly until?: Date | undefined;
  /** Whose days these are, e.g. 'Europe/Berlin'. Default: that of this machine. */
  readonly timeZone?: string | undefined;
}

/** Tokens, but for calls and the price. */
export interface UsageFigures {
  /** What did not come from a cache. */
  readonly inputUncached: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
  /** Part of the output. */
  readonly reasoning: number;
  readonly calls: number;
  /** What the vendors ask for these calls, not your bill, in USD; `null` if no model of them has a price. */
  readonly listPriceUsd: number | null;
}

export interface UsageRow extends UsageFigures {
  /** A date, of a week that of its Monday; a month as '2026-11'; otherwise a name or an id. */
  readonly group: string;
}

export interface UsageAnswer {
  /** When what was counted came into the bucket (ISO 8601); `null` if nothing was. */
  readonly asOf: string | null;
  readonly timeZone: string;
  /** Periods in order, anything else by price. */
  readonly rows: readonly UsageRow[];
  readonly total: UsageFigures;
  /** They have tokens and no price, so that prices are at least what they say. */
  readonly unpricedModels: readonly string[];
  /** What the harnesses that tell it say their sessions cost, in USD, whatever the period. */
  readonly reportedUsd: number | null;
  readonly prices: { readonly source: string; readonly date: string };
  readonly sessions: number;
  /** The answer is complete if both are 0; `tracecraft session refresh --all` counts them. */
  readonly sessionsNotCounted: number;
  readonly linesNotCounted: number;
}
