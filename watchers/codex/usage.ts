import * as v from 'valibot';
import { type Fields, fields, isoMs, word } from '../../src/conversation/fields.js';
import type { Place } from '../../src/conversation/place.js';
import { tokens, type UsageBook } from '../../src/conversation/usage-book.js';
import { createUsageReader, type UsageRules } from '../../src/conversation/usage-reader.js';
import type { Usage } from '../../src/protocol/usage.js';
import { Burst, burstSchema } from './usage-burst.js';

const total = v.object({
  input: v.number(),
  cacheRead: v.number(),
  write5m: v.number(),
  output: v.number(),
  reasoning: v.number(),
});
type Total = v.InferOutput<typeof total>;

const stateSchema = v.object({
  burst: burstSchema,
  model: v.string(),
  total: v.exactOptional(total),
  /** The thread inherits a count from another one, of which it holds no rows. */
  isFork: v.boolean(),
  hasRecords: v.boolean(),
});
type State = v.InferOutput<typeof stateSchema>;

/** Releases from 0.169 on record each response by its id; older ones only how the thread's total grows. */
class CodexUsage implements UsageRules {
  readonly #burst: Burst;
  #state: Omit<State, 'burst'>;

  constructor({ session }: Place, saved: unknown) {
    const result = v.safeParse(stateSchema, saved);
    const { burst, ...state } = result.success
      ? result.output
      : { burst: undefined, model: 'unknown', isFork: false, hasRecords: false };
    this.#burst = new Burst(session, burst);
    this.#state = state;
  }

  state(): State {
    return { ...this.#state, burst: this.#burst.state() };
  }

  row(value: unknown, book: UsageBook): void {
    const row = fields(value);
    const payload = fields(row.payload);
    const atMs = isoMs(row.timestamp);
    const isCopy = this.#burst.isCopy(row.type, payload, atMs);
    switch (row.type) {
      case 'session_meta':
        if (this.#burst.isFirstMeta) this.#state.isFork = isFork(payload);
        return;
      case 'turn_context':
        this.#state.model = word(payload.model) ?? this.#state.model;
        return;
      case 'token_usage_record':
        this.#record(payload, atMs, book);
        return;
      case 'event_msg':
        if (payload.type === 'token_count') this.#count(fields(payload.info), atMs, isCopy, book);
        return;
      default:
    }
  }

  #record(payload: Fields, atMs: number | undefined, book: UsageBook): void {
    const isInherited = !this.#burst.isOwn(word(payload.thread_id));
    if (!isInherited) this.#state.hasRecords = true;
    const key = word(payload.response_id) ?? `row ${book.row}`;
    const usage = usageOf(totalIn(payload.usage));
    book.call({ key, atMs, model: this.#state.model, usage, isInherited });
  }

  #count(info: Fields, atMs: number | undefined, isCopy: boolean, book: UsageBook): void {
    if (info.total_token_usage === undefined) return;
    const now = totalIn(info.total_token_usage);
    const { total: before, hasRecords, isFork: inherits } = this.#state;
    this.#state.total = now;
    if (hasRecords || (before !== undefined && isSame(now, before))) return;
    const last = info.last_token_usage === undefined ? undefined : totalIn(info.last_token_usage);
    const isFresh = before === undefined || sizeOf(now) < sizeOf(before);
    // The first total of a fork holds the calls of the thread that it was forked from.
    if (last === undefined && before === undefined && inherits && !isCopy) return;
    const grown = last ?? (isFresh ? now : difference(now, before));
    // A total that starts anew at zero says that nothing was used yet.
    if (Object.values(grown).every((count) => count === 0)) return;
    book.isKeyless = true;
    if (isCopy && !this.#burst.isNamed) book.isUncertain = true;
    const key = `${atMs ?? book.row} ${Object.values(now).join('/')}`;
    const call = { key, atMs, model: this.#state.model };
    book.call({ ...call, usage: usageOf(grown), isInherited: isCopy });
  }
}

function isFork(meta: Fields): boolean {
  return meta.forked_from_id !== undefined || meta.history_base !== undefined;
}

function totalIn(value: unknown): Total {
  const usage = fields(value);
  return {
    input: tokens(usage.input_tokens),
    cacheRead: tokens(usage.cached_input_tokens),
    write5m: tokens(usage.cache_write_input_tokens),
    output: tokens(usage.output_tokens),
    reasoning: tokens(usage.reasoning_output_tokens),
  };
}

/** Codex counts what came from the cache or went into it as input. */
function usageOf({ input, cacheRead, write5m, output, reasoning }: Total): Partial<Usage> {
  const uncached = Math.max(0, input - cacheRead - write5m);
  return { input: uncached, cacheRead, write5m, output, reasoning };
}

function difference(now: Total, before: Total): Total {
  const grown = (name: keyof Total): number => Math.max(0, now[name] - before[name]);
  return {
    input: grown('input'),
    cacheRead: grown('cacheRead'),
    write5m: grown('write5m'),
    output: grown('output'),
    reasoning: grown('reasoning'),
  };
}

function sizeOf({ input, output }: Total): number {
  return input + output;
}

function isSame(left: Total, right: Total): boolean {
  return Object.values(left).join() === Object.values(right).join();
}

/** Codex's responses. */
export const codexUsage = createUsageReader(
  'codex',
  (place, saved) => new CodexUsage(place, saved),
);
