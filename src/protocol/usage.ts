import * as v from 'valibot';

/** What calls to a model took. Input excludes the cache; reasoning is part of output. */
export interface Usage {
  readonly calls: number;
  readonly input: number;
  readonly cacheRead: number;
  readonly write5m: number;
  readonly write1h: number;
  readonly output: number;
  readonly reasoning: number;
  readonly searches: number;
}
export type UsageCounter = keyof Usage;

/** In the order in which they are stored. */
export const usageCounters = [
  'calls',
  'input',
  'cacheRead',
  'write5m',
  'write1h',
  'output',
  'reasoning',
  'searches',
] as const satisfies readonly UsageCounter[];

export const noUsage: Usage = {
  calls: 0,
  input: 0,
  cacheRead: 0,
  write5m: 0,
  write1h: 0,
  output: 0,
  reasoning: 0,
  searches: 0,
};

/** Calls to one model that began within one stretch of time. */
export interface UsageSlot {
  readonly startMs: number;
  readonly span: SlotSpan;
  readonly model: string;
  /** The prompt of each of these calls was longer than this many tokens, from where on some models cost more. */
  readonly longerThan: PromptLength;
  readonly usage: Usage;
  /** A digest of the calls' ids, whatever their order: sessions that hold copies of the same calls have the same. */
  readonly print: string;
}

/** Where vendors' prices for long prompts begin. */
export const promptLengths = [272_000, 200_000, 0] as const;
export type PromptLength = (typeof promptLengths)[number];

export function promptLengthOf({ input, cacheRead, write5m, write1h }: Usage): PromptLength {
  const prompt = input + cacheRead + write5m + write1h;
  return promptLengths.find((length) => prompt > length) ?? 0;
}

/** Quarters of an hour, because the offset of every time zone is a multiple of one; older slots may be joined. */
export type SlotSpan = 'quarter' | 'hour' | 'day' | 'month';

/** The precision of a slot's time, in characters of ISO 8601. */
const precision: Readonly<Record<SlotSpan, number>> = { month: 7, day: 10, hour: 13, quarter: 16 };
export const spans = ['quarter', 'hour', 'day', 'month'] as const satisfies readonly SlotSpan[];
export const quarterMs = 900_000;
const slotTimes = /^\d{4}-\d\d(?:-\d\d(?:T\d\d(?::\d\d)?)?)?$/;
const longPrompt = / >(200|272)k$/;
const longestModel = 200;

/** Of a slot's key, and of its value. */
const longestText = 400;
const text = v.pipe(v.string(), v.maxLength(longestText));
/** By hand, because reports read a hundred thousand of them. */
const slotsSchema = v.custom<Readonly<Record<string, string>>>(
  (value) => isObject(value) && Object.entries(value).every((entry) => entry.every(isShortText)),
);

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isShortText(value: unknown): boolean {
  return typeof value === 'string' && value.length <= longestText;
}

export const metaUsageSchema = v.object({
  v: v.literal(1),
  /** `"2026-11-29T16:30Z <model>": "<calls> <input> … <print>"`; ` >200k` after the model where prompts were longer. */
  slots: slotsSchema,
  /** Calls that were copied from another session, which counts them. */
  inherited: v.exactOptional(slotsSchema),
  /** What the harness itself says it cost, by model, in USD. */
  reported: v.exactOptional(v.record(text, v.pipe(v.number(), v.minValue(0)))),
  /** Some of it could not be told from a copy with certainty. */
  uncertain: v.exactOptional(v.literal(true)),
  /** How many lines of each stream were counted. */
  through: v.record(text, v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
});
export type MetaUsage = v.InferOutput<typeof metaUsageSchema>;

/** Read and written in all, cached or not. */
export function tokensIn({ input, cacheRead, write5m, write1h, output }: Usage): number {
  return [input, cacheRead, write5m, write1h, output].reduce(sum);
}

export function addUsage(left: Usage, right: Usage): Usage {
  return {
    calls: sum(left.calls, right.calls),
    input: sum(left.input, right.input),
    cacheRead: sum(left.cacheRead, right.cacheRead),
    write5m: sum(left.write5m, right.write5m),
    write1h: sum(left.write1h, right.write1h),
    output: sum(left.output, right.output),
    reasoning: sum(left.reasoning, right.reasoning),
    searches: sum(left.searches, right.searches),
  };
}

/** A sum that grows in place. */
export class RunningUsage {
  readonly #sums: { -readonly [Counter in UsageCounter]: number } = { ...noUsage };

  add(usage: Usage): void {
    const sums = this.#sums;
    sums.calls = sum(sums.calls, usage.calls);
    sums.input = sum(sums.input, usage.input);
    sums.cacheRead = sum(sums.cacheRead, usage.cacheRead);
    sums.write5m = sum(sums.write5m, usage.write5m);
    sums.write1h = sum(sums.write1h, usage.write1h);
    sums.output = sum(sums.output, usage.output);
    sums.reasoning = sum(sums.reasoning, usage.reasoning);
    sums.searches = sum(sums.searches, usage.searches);
  }

  total(): Usage {
    return { ...this.#sums };
  }
}

export function mapUsage(count: (counter: UsageCounter) => number): Usage {
  return {
    calls: count('calls'),
    input: count('input'),
    cacheRead: count('cacheRead'),
    write5m: count('write5m'),
    write1h: count('write1h'),
    output: count('output'),
    reasoning: count('reasoning'),
    searches: count('searches'),
  };
}

export function encodeSlot({
  startMs,
  span,
  model,
  longerThan,
  usage,
  print,
}: UsageSlot): [string, string] {
  const time = slotTime(startMs, span);
  const counts = usageCounters.map((counter) => usage[counter]);
  const length = longerThan === 0 ? '' : ` >${longerThan / 1_000}k`;
  return [`${time}Z ${model}${length}`, [...counts, print].join(' ')];
}

/** `undefined` for an entry that is none. */
export function decodeSlot(key: string, value: string): UsageSlot | undefined {
  const end = key.indexOf('Z ');
  const time = key.slice(0, end);
  const span = slotTimes.test(time) ? spanOf(time) : undefined;
  const startMs = slotStart(time);
  const named = key.slice(end + 2);
  const [, long] = named.endsWith('k') ? (longPrompt.exec(named) ?? []) : [];
  const model = long === undefined ? named : named.replace(longPrompt, '');
  const told = countersIn(value);
  if (span === undefined || Number.isNaN(startMs) || model === '') return undefined;
  if (told === undefined) return undefined;
  const longerThan = long === undefined ? 0 : promptLengthIn(long);
  return { startMs, span, model, longerThan, ...told };
}

function promptLengthIn(thousands: string): PromptLength {
  return promptLengths.find((length) => length === Number(thousands) * 1_000) ?? 0;
}

/** Undefined for a time that is none. */
function spanOf(time: string): SlotSpan | undefined {
  return spans.find((span) => precision[span] === time.length);
}

export function slotTime(ms: number, span: SlotSpan): string {
  return new Date(ms).toISOString().slice(0, precision[span]);
}

/** In milliseconds since the epoch; `NaN` for a time that is none. */
export function slotStart(time: string): number {
  if (time.length !== precision.quarter) return parsedStart(time);
  const hour = twoDigits(time, 11);
  const minute = twoDigits(time, 14);
  if (hour > 23 || minute > 59) return parsedStart(time);
  return dayStart(time.slice(0, precision.day)) + (hour * 60 + minute) * 60_000;
}

function parsedStart(time: string): number {
  return Date.parse(`${time}${'0000-01-01T00:00:00Z'.slice(time.length)}`);
}

/** Reports read a hundred thousand slots, of some hundred days. */
const knownDays = new Map<string, number>();
const mostDays = 10_000;

function dayStart(day: string): number {
  const known = knownDays.get(day);
  if (known !== undefined) return known;
  const start = parsedStart(day);
  if (knownDays.size >= mostDays) knownDays.clear();
  knownDays.set(day, start);
  return start;
}

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - zero) * 10 + text.charCodeAt(at + 1) - zero;
}

/** Character by character, because reports read a hundred thousand of them. */
function countersIn(value: string): Pick<UsageSlot, 'usage' | 'print'> | undefined {
  const counts: number[] = [];
  let [at, count, digits] = [0, 0, 0];
  for (; counts.length < usageCounters.length; at += 1) {
    const digit = value.charCodeAt(at) - zero;
    if (digit >= 0 && digit <= 9) {
      count = count * 10 + digit;
      digits += 1;
    } else {
      const isEnd = at >= value.length || digit === space;
      if (!isEnd || digits === 0 || !Number.isSafeInteger(count)) return undefined;
      counts.push(count);
      [count, digits] = [0, 0];
    }
  }
  const rest = value.slice(at);
  const end = rest.indexOf(' ');
  return { usage: usageOf(counts), print: end === -1 ? rest : rest.slice(0, end) };
}

const zero = 48;
const space = 32 - zero;

function usageOf(counts: readonly number[]): Usage {
  const [calls = 0, input = 0, cacheRead = 0, write5m = 0, write1h = 0, output = 0] = counts;
  const [reasoning = 0, searches = 0] = counts.slice(6);
  return { calls, input, cacheRead, write5m, write1h, output, reasoning, searches };
}

function sum(left: number, right: number): number {
  return Math.min(left + right, Number.MAX_SAFE_INTEGER);
}

/** As it stands in a slot's key: on one line, and short. */
export function modelName(model: string): string {
  return model.replace(/\s+/g, ' ').trim().slice(0, longestModel) || 'unknown';
}

/** One call to a model. */
export interface UsageCall {
  /** The harness's id of the response: the same call has the same key, whichever stream repeats it. */
  readonly key: string;
  /** Milliseconds since the epoch, down to a quarter of an hour. */
  readonly startMs: number;
  readonly model: string;
  readonly usage: Usage;
  /** What the harness says it cost, in USD. */
  readonly usd: number;
  /** It was copied from another session, which counts it. */
  readonly isInherited: boolean;
}

/** What a harness's own counters said at one time; they only grow. */
export interface MeterReading {
  /** Which counters. */
  readonly meter: string;
  readonly startMs: number;
  readonly model: string;
  readonly usage: Usage;
  readonly usd: number;
}

/** What the lines of one stream say about its calls. */
export interface StreamUsage {
  /** Keys are distinct. */
  readonly calls: readonly UsageCall[];
  readonly readings: readonly MeterReading[];
  /** What the harness itself says the session cost so far, by model, in USD. */
  readonly figures: ReadonlyMap<string, number>;
  /** The calls are recognised by their place among the counts, which only the newest generation tells. */
  readonly isKeyless: boolean;
  /** Some calls could not be told from copies with certainty. */
  readonly isUncertain: boolean;
}

/** A stream's calls, and how many of its lines were counted. */
export interface CountedStream {
  /** '' is the main stream. */
  readonly name: string;
  readonly lines: number;
  readonly usage: StreamUsage;
  /** Generations that readers no longer see; their calls were paid for all the same. */
  readonly earlier: readonly StreamUsage[];
}
