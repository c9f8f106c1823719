import * as v from 'valibot';
import { type Fields, fields, isoMs, list, word } from '../../src/conversation/fields.js';
import type { Place } from '../../src/conversation/place.js';
import { tokens, type UsageBook } from '../../src/conversation/usage-book.js';
import { createUsageReader, type UsageRules } from '../../src/conversation/usage-reader.js';
import type { Usage } from '../../src/protocol/usage.js';
import { Copies, copiesSchema } from './conversation/copies.js';
import { isFromElsewhere } from './conversation/place.js';

/** Named as the model of messages that no model wrote. */
const synthetic = '<synthetic>';

class ClaudeCodeUsage implements UsageRules {
  readonly #session: string;
  readonly #copies: Copies;

  constructor({ session }: Place, saved: unknown) {
    const result = v.safeParse(copiesSchema, saved);
    this.#session = session;
    this.#copies = result.success ? new Copies(result.output) : new Copies();
  }

  get ownFrom(): number {
    return this.#copies.end;
  }

  state(): unknown {
    return this.#copies.state();
  }

  row(value: unknown, book: UsageBook): void {
    const row = fields(value);
    const [atMs, id] = [isoMs(row.timestamp), word(row.uuid)];
    const isAssistant = row.type === 'assistant';
    this.#copies.see({ atMs, id, isAssistant });
    if (row.type === 'cost-state') seeCosts(row, book);
    if (!isAssistant) return;
    const message = fields(row.message);
    const model = word(message.model) ?? 'unknown';
    if (message.usage === undefined || model === synthetic) return;
    const usage = fields(message.usage);
    const key = word(message.id) ?? id ?? `row ${book.row}`;
    const isInherited = this.#isInherited(row);
    book.call({ key, atMs, model, usage: usageIn(usage), isInherited });
    for (const [index, one] of list(usage.iterations).entries()) {
      const advice = fields(one);
      // Other iterations are already part of the response's own counters.
      if (advice.type !== 'advisor_message') continue;
      const advisor = word(advice.model) ?? model;
      const call = { key: `${key} advice ${index}`, atMs, model: advisor, isInherited };
      book.call({ ...call, usage: usageIn(advice) });
    }
  }

  #isInherited(row: Fields): boolean {
    const { sessionId: session } = fields(row.forkedFrom);
    const fork = word(session);
    return isFromElsewhere(
      { fork: fork === undefined ? undefined : { session: fork }, sessionId: word(row.sessionId) },
      this.#session,
    );
  }
}

function usageIn(usage: Fields): Partial<Usage> {
  const written = fields(usage.cache_creation);
  const write1h = tokens(written.ephemeral_1h_input_tokens);
  const told5m = tokens(written.ephemeral_5m_input_tokens);
  return {
    input: tokens(usage.input_tokens),
    cacheRead: tokens(usage.cache_read_input_tokens),
    write5m: Math.max(told5m, tokens(usage.cache_creation_input_tokens) - write1h),
    write1h,
    output: tokens(usage.output_tokens),
    searches: tokens(fields(usage.server_tool_use).web_search_requests),
  };
}

/** What the client says the session cost, calls without a row included. */
function seeCosts(row: Fields, book: UsageBook): void {
  for (const [model, usage] of Object.entries(fields(row.modelUsage))) {
    const { costUSD } = fields(usage);
    if (typeof costUSD === 'number' && costUSD > 0) book.figure(model, costUSD);
  }
}

/** Claude Code's responses, by the id of their message. */
export const claudeCodeUsage = createUsageReader(
  'claude-code',
  (place, saved) => new ClaudeCodeUsage(place, saved),
);
