import {
  type MeterReading,
  mapUsage,
  modelName,
  noUsage,
  type Usage,
  type UsageCall,
  usageCounters,
} from '../protocol/usage.js';
import { fields, finite, list } from './fields.js';
import { printOf } from './tally.js';
import { quarterMs, quarterOf } from './usage.js';

/** A call as a row tells it; rows that repeat the call may tell more. */
export interface SeenCall {
  readonly key: string;
  readonly atMs: number | undefined;
  readonly model: string;
  readonly usage: Partial<Usage>;
  readonly usd?: number;
  readonly isInherited?: boolean;
}

interface KnownCall {
  /** The number of the row that told it first. */
  readonly row: number;
  readonly quarter: number;
  readonly model: string;
  readonly usage: Usage;
  readonly usd: number;
  readonly isInherited: boolean;
}

const oneCall: Usage = { ...noUsage, calls: 1 };
const longestKey = 128;
/** A key, a row, a quarter, a model's index, whether it is inherited, a cost, then the counters. */
const fixedFields = 6;

/** The calls and counters of one stream, and the model and time of rows that do not tell theirs. */
export class UsageBook {
  readonly #calls = new Map<string, KnownCall>();
  /** By meter and quarter: the highest reading. */
  readonly #readings = new Map<string, MeterReading>();
  readonly #figures = new Map<string, number>();
  #rows = 0;
  #lastMs = 0;
  isUncertain = false;
  isKeyless = false;

  /** The number of the row that is being read. */
  get row(): number {
    return this.#rows;
  }

  nextRow(): void {
    this.#rows += 1;
  }

  /** Every counter is the highest that any row says; time and model are the first row's. */
  call({ key, atMs, model, usage, usd = 0, isInherited = false }: SeenCall): void {
    this.#time(atMs);
    const short = key.length > longestKey ? printOf(key) : key;
    const known = this.#calls.get(short);
    this.#calls.set(short, {
      row: known?.row ?? this.#rows,
      quarter: known?.quarter ?? quarterOf(this.#lastMs),
      model: known?.model ?? modelName(model),
      usage: highest(known?.usage ?? oneCall, usage),
      usd: Math.max(known?.usd ?? 0, usd),
      isInherited: isInherited || known?.isInherited === true,
    });
  }

  reading(meter: string, { atMs, model, usage, usd = 0 }: Omit<SeenCall, 'key'>): void {
    this.#time(atMs);
    const startMs = quarterOf(this.#lastMs);
    const key = `${startMs} ${meter}`;
    const known = this.#readings.get(key);
    this.#readings.set(key, {
      meter,
      startMs,
      model: modelName(model),
      usage: highest(known?.usage ?? noUsage, usage),
      usd: Math.max(known?.usd ?? 0, usd),
    });
  }

  figure(model: string, usd: number): void {
    const name = modelName(model);
    this.#figures.set(name, Math.max(this.#figures.get(name) ?? 0, usd));
  }

  /** The calls so far, in order; all that were first told before this row are inherited. */
  calls(ownFrom = 0): readonly UsageCall[] {
    return [...this.#calls].map(([key, { row, quarter, model, usage, usd, isInherited }]) => ({
      key,
      startMs: quarter,
      model,
      usage,
      usd,
      isInherited: isInherited || row < ownFrom,
    }));
  }

  get readings(): readonly MeterReading[] {
    return [...this.#readings.values()];
  }

  get figures(): ReadonlyMap<string, number> {
    return this.#figures;
  }

  /** Plain JSON, as short as it goes: a long session has thousands of calls. */
  state(): unknown {
    const models: string[] = [];
    const indexOf = (model: string): number => {
      const at = models.indexOf(model);
      return at === -1 ? models.push(model) - 1 : at;
    };
    const calls = [...this.#calls].map(([key, { row, quarter, model, usage, usd, isInherited }]) =>
      [key, row, quarter / quarterMs, indexOf(model), isInherited ? 1 : 0, usd].concat(
        counts(usage),
      ),
    );
    const readings = this.readings.map(({ meter, startMs, model, usage, usd }) =>
      [meter, 0, startMs / quarterMs, indexOf(model), 0, usd].concat(counts(usage)),
    );
    return {
      rows: this.#rows,
      lastMs: this.#lastMs,
      models,
      calls,
      readings,
      figures: [...this.#figures],
      ...(this.isUncertain ? { isUncertain: true } : {}),
      ...(this.isKeyless ? { isKeyless: true } : {}),
    };
  }

  /** `undefined` if the value is not a state. */
  static resumed(value: unknown): UsageBook | undefined {
    if (!isState(value)) return undefined;
    const book = new UsageBook();
    book.#rows = value.rows;
    book.#lastMs = value.lastMs;
    book.isUncertain = value.isUncertain === true;
    book.isKeyless = value.isKeyless === true;
    for (const entry of value.calls) {
      const stored = storedCall(entry, value.models);
      if (stored === undefined) return undefined;
      book.#calls.set(stored.key, stored);
    }
    for (const entry of value.readings) {
      const stored = storedCall(entry, value.models);
      if (stored === undefined) return undefined;
      const { key: meter, quarter: startMs, model, usage, usd } = stored;
      book.#readings.set(`${startMs} ${meter}`, { meter, startMs, model, usage, usd });
    }
    for (const [model, usd] of value.figures) book.#figures.set(model, usd);
    return book;
  }

  /** A row without a time is as old as the one before it. */
  #time(atMs: number | undefined): void {
    if (atMs !== undefined) this.#lastMs = atMs;
  }
}

type StoredCall = readonly (string | number)[];

interface State {
  readonly rows: number;
  readonly lastMs: number;
  readonly models: readonly string[];
  readonly calls: readonly StoredCall[];
  readonly readings: readonly StoredCall[];
  readonly figures: readonly (readonly [string, number])[];
  readonly isUncertain?: true;
  readonly isKeyless?: true;
}

/** By hand, because a schema takes longer to check thousands of calls than the fold takes to count them. */
function isState(value: unknown): value is State {
  const { rows, lastMs, models, calls, readings, figures } = fields(value);
  return (
    isCount(rows) &&
    finite(lastMs) !== undefined &&
    isListOf(models, (model) => typeof model === 'string') &&
    isListOf(calls, Array.isArray) &&
    isListOf(readings, Array.isArray) &&
    isListOf(figures, isFigure)
  );
}

function isListOf(value: unknown, isOne: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isOne);
}

function isFigure(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const [model, usd] = list(value);
  return typeof model === 'string' && finite(usd) !== undefined;
}

function storedCall(
  entry: StoredCall,
  models: readonly string[],
): (KnownCall & { readonly key: string }) | undefined {
  const [key, row, quarter, at, inherited, usd, ...told] = entry;
  const model = models[Number(at)];
  const isNumbered = [row, quarter, usd, ...told].every((one) => finite(one) !== undefined);
  if (typeof key !== 'string' || model === undefined || !isNumbered) return undefined;
  if (entry.length !== fixedFields + usageCounters.length) return undefined;
  const usage = mapUsage((counter) => Number(told[usageCounters.indexOf(counter)]));
  return {
    key,
    row: Number(row),
    quarter: Number(quarter) * quarterMs,
    model,
    usage,
    usd: Number(usd),
    isInherited: inherited === 1,
  };
}

function counts(usage: Usage): readonly number[] {
  return usageCounters.map((counter) => usage[counter]);
}

/** Counter by counter by name: a function for each of them takes several times as long. */
function highest(known: Usage, told: Partial<Usage>): Usage {
  return {
    calls: Math.max(known.calls, told.calls ?? 0),
    input: Math.max(known.input, told.input ?? 0),
    cacheRead: Math.max(known.cacheRead, told.cacheRead ?? 0),
    write5m: Math.max(known.write5m, told.write5m ?? 0),
    write1h: Math.max(known.write1h, told.write1h ?? 0),
    output: Math.max(known.output, told.output ?? 0),
    reasoning: Math.max(known.reasoning, told.reasoning ?? 0),
    searches: Math.max(known.searches, told.searches ?? 0),
  };
}

/** A counter as harnesses write it; anything else counts as nothing. */
export function tokens(value: unknown): number {
  return isCount(value) ? value : 0;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
