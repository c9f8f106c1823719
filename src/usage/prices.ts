import * as v from 'valibot';
import {
  type PromptLength,
  type UsageCounter,
  type UsageSlot,
  usageCounters,
} from '../protocol/usage.js';

/** USD per million tokens, or per thousand searches; in tiers by the length of the prompt, from the shortest on. */
const tier = v.tuple([v.number(), v.number()]);
const price = v.union([v.number(), v.tupleWithRest([v.number()], tier)]);
type Price = v.InferOutput<typeof price>;

const periodSchema = v.object({
  /** From this day on (UTC). */
  from: v.exactOptional(v.string()),
  /** Within these times of each day (UTC). */
  between: v.exactOptional(v.tuple([v.string(), v.string()])),
  input: price,
  output: price,
  cacheRead: v.exactOptional(price),
  write5m: v.exactOptional(price),
  write1h: v.exactOptional(price),
  searches: v.exactOptional(price),
});
type Stored = v.InferOutput<typeof periodSchema>;

/** With its times as numbers: a report asks for the price of a hundred thousand slots. */
interface Period extends Omit<Stored, 'from' | 'between'> {
  readonly fromMs: number;
  /** Of the day. */
  readonly betweenMs: readonly [number, number] | undefined;
}

function periodOf({ from, between, ...prices }: Stored): Period {
  const [start, end] = (between ?? []).map((time) => Date.parse(`1970-01-01T${time.slice(0, 5)}Z`));
  return {
    ...prices,
    fromMs: from === undefined ? -Infinity : Date.parse(`${from}T00:00Z`),
    betweenMs: start === undefined || end === undefined ? undefined : [start, end],
  };
}

const modelSchema = v.object({
  vendor: v.string(),
  id: v.string(),
  /** Names that mean this model, besides its id. */
  exact: v.exactOptional(v.array(v.string())),
  /** Names that mean it with a date or a version after them, too. */
  dated: v.exactOptional(v.array(v.string())),
  /** In order; the last one that applies counts. */
  prices: v.pipe(v.array(periodSchema), v.minLength(1)),
});

const snapshotSchema = v.object({
  source: v.string(),
  date: v.string(),
  models: v.array(modelSchema),
});

/** What users say a model costs them, in USD per million tokens. */
export interface OwnPrice {
  readonly input: number;
  readonly output: number;
  readonly cache_read?: number;
  readonly cache_write?: number;
  readonly cache_write_1h?: number;
}

const dayMs = 86_400_000;
/** How gateways and clouds write the names of models. */
const prefixes = /^(?:[a-z-]+\/)+|^(?:[a-z]{2,6}(?:-gov)?\.)?anthropic\./;
/** What may follow a name without meaning another model. */
const suffix = /^(?:[-@:](?:\d{8}|\d{4}-\d\d-\d\d|latest|v\d+(?::\d+)?)|\[1m\])*$/;

/** List prices as of a date, and what a config says instead. */
export class Prices {
  readonly source: string;
  readonly date: string;
  readonly #exact = new Map<string, readonly Period[]>();
  readonly #dated: readonly (readonly [string, readonly Period[]])[];
  readonly #own: Readonly<Record<string, OwnPrice>>;
  readonly #known = new Map<string, readonly Period[] | undefined>();

  constructor(snapshot: unknown, own: Readonly<Record<string, OwnPrice>> = {}) {
    const { source, date, models } = v.parse(snapshotSchema, snapshot);
    this.source = source;
    this.date = date;
    this.#own = own;
    const dated: (readonly [string, readonly Period[]])[] = [];
    for (const model of models) {
      const periods = model.prices.map(periodOf);
      for (const name of [model.id, ...(model.exact ?? [])]) {
        if (!this.#exact.has(name)) this.#exact.set(name, periods);
      }
      for (const name of model.dated ?? []) dated.push([name, periods]);
    }
    // The longest name is the most particular one.
    this.#dated = dated.sort(([left], [right]) => right.length - left.length);
  }

  /** In USD; `undefined` for a model without a price. */
  of({ model, longerThan, startMs, usage }: UsageSlot): number | undefined {
    const { rates } = this.ratesOf(model, longerThan)(startMs);
    const counters = usageCounters.map((counter) => usage[counter]);
    return rates === undefined ? undefined : costOf(counters, 0, rates);
  }

  ratesOf(model: string, longerThan: PromptLength): DatedRates {
    const periods = this.#periodsOf(model) ?? [];
    const latest = periods
      .map((period) => ({ period, rates: ratesIn(period, longerThan) }))
      .toReversed();
    const isDaily = periods.some(({ betweenMs }) => betweenMs !== undefined);
    return (startMs) => {
      const rates = latest.find(({ period }) => isIn(period, startMs))?.rates;
      if (isDaily) return { rates, fromMs: startMs, untilMs: startMs + 1 };
      const begins = periods.map(({ fromMs }) => fromMs);
      return {
        rates,
        fromMs: Math.max(-Infinity, ...begins.filter((ms) => ms <= startMs)),
        untilMs: Math.min(Infinity, ...begins.filter((ms) => ms > startMs)),
      };
    };
  }

  #periodsOf(model: string): readonly Period[] | undefined {
    if (!this.#known.has(model)) this.#known.set(model, this.#find(model));
    return this.#known.get(model);
  }

  #find(model: string): readonly Period[] | undefined {
    const own = Object.hasOwn(this.#own, model) ? this.#own[model] : undefined;
    if (own !== undefined) return [ownPeriod(own)];
    const name = model.toLowerCase().replace(prefixes, '');
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    const [, bare = name] = /^(.*?)(?:\[1m\])$/.exec(name) ?? [];
    return (
      this.#exact.get(bare) ??
      this.#dated.find(([one]) => name.startsWith(one) && suffix.test(name.slice(one.length)))?.[1]
    );
  }
}

function ownPeriod(own: OwnPrice): Period {
  return {
    fromMs: -Infinity,
    betweenMs: undefined,
    input: own.input,
    output: own.output,
    ...(own.cache_read === undefined ? {} : { cacheRead: own.cache_read }),
    ...(own.cache_write === undefined ? {} : { write5m: own.cache_write }),
    ...(own.cache_write_1h === undefined ? {} : { write1h: own.cache_write_1h }),
  };
}

function isIn({ fromMs, betweenMs }: Period, ms: number): boolean {
  if (ms < fromMs) return false;
  if (betweenMs === undefined) return true;
  const [start, end] = betweenMs;
  const time = ((ms % dayMs) + dayMs) % dayMs;
  return start <= end ? time >= start && time < end : time >= start || time < end;
}

/** USD per million tokens, or per million searches, by place of the counter. */
export type Rates = Float64Array;

/** What a model's calls cost at a time, in milliseconds since the epoch. */
export type DatedRates = (startMs: number) => RatesAround;

export interface RatesAround {
  /** `undefined` for a model or a time without a price. */
  readonly rates: Rates | undefined;
  /** They are the same from then on, and before `untilMs`. */
  readonly fromMs: number;
  readonly untilMs: number;
}

function ratesIn(period: Period, longerThan: PromptLength): Rates {
  const { input, output, cacheRead = input, write5m = input, searches = 0 } = period;
  const { write1h = write5m } = period;
  const prices: Partial<Record<UsageCounter, Price>> = {
    input,
    output,
    cacheRead,
    write5m,
    write1h,
  };
  const rates = usageCounters.map((counter) => tierOf(prices[counter] ?? 0, longerThan));
  rates[usageCounters.indexOf('searches')] = tierOf(searches, longerThan) * 1_000;
  return Float64Array.from(rates);
}

/** In USD, of the counters that stand in `numbers` from there on. */
export function costOf(numbers: ArrayLike<number>, from: number, rates: Rates): number {
  let sum = 0;
  for (let at = 0; at < rates.length; at += 1) sum += (numbers[from + at] ?? 0) * (rates[at] ?? 0);
  return sum / 1_000_000;
}

/** The price of the whole request, in the highest tier that its prompt reaches. */
function tierOf(one: Price, longerThan: number): number {
  if (typeof one === 'number') return one;
  const [base, ...tiers] = one;
  return tiers.reduce((found, [start, next]) => (longerThan >= start ? next : found), base);
}
