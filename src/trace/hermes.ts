import { fields, list, opened, text } from '../conversation/fields.js';
import {
  type Json,
  type Said,
  type TraceBlock,
  type TraceMessage,
  type TracePlace,
  TraceThread,
  toolInput,
  userMessage,
} from './trace-row.js';

/** Structured content starts with this in Hermes' database (hermes_state_common, schema v30). */
const jsonMark = '\u0000json:';

/** Which row a line describes, and whether the row exists after it. */
export interface HermesState {
  readonly id: number | 'session';
  readonly isDeleted: boolean;
}

/** `undefined` for a line that is not a row state. */
export function hermesState(value: unknown): HermesState | undefined {
  const row = fields(value);
  const isDeleted = row.op === 'delete';
  if (row.table === 'sessions') return { id: 'session', isDeleted };
  const id = row.id ?? fields(row.row).id;
  return typeof id === 'number' ? { id, isDeleted } : undefined;
}

/**
 * Turns the last states of a Hermes session's rows, the session's own first and then by id, into trace rows. Rows
 * that were taken back (rewound, or replaced by a clone) are dropped; rows put away by a compaction are kept.
 */
export class HermesTrace {
  readonly #thread = new TraceThread();
  #place: TracePlace;
  #model: string | undefined;
  /** Calls without a result yet, oldest first: old rows do not name the call they answer. */
  #open: string[] = [];

  constructor(sessionId: string) {
    this.#place = { sessionId, cwd: undefined };
  }

  rows(value: unknown): readonly Json[] {
    const outer = fields(value);
    const row = { ...outer, ...fields(outer.row) };
    const id = hermesState(value)?.id;
    if (id === undefined) return [];
    if (id === 'session') {
      this.#place = { ...this.#place, cwd: text(row.cwd), gitBranch: text(row.git_branch) };
      this.#model = text(row.model);
      return [];
    }
    if (row.active === 0 && row.compacted !== 1) return [];
    const message = this.#message(row, id);
    if (message === undefined) return [];
    const said: Said = {
      message,
      id: String(id),
      timeMs: typeof row.timestamp === 'number' ? row.timestamp * 1000 : undefined,
      ...(row.display_kind === 'hidden' ? { isMeta: true } : {}),
      ...(row._compressed_summary === 1 ? { isCompactSummary: true } : {}),
    };
    return [this.#thread.row(said, this.#place)];
  }

  #message(row: Json, id: number): TraceMessage | undefined {
    const content = contentOf(row.content);
    if (row.role === 'tool') return userMessage([this.#result(row, id, content)]);
    if (row.role === 'assistant') return this.#answer(row, id, content);
    if (content.length === 0) return undefined;
    return row.role === 'user' ? userMessage(content) : { role: 'system', content };
  }

  #answer(
    row: Json,
    id: number,
    content: string | readonly TraceBlock[],
  ): TraceMessage | undefined {
    const reasoning = text(row.reasoning) ?? text(row.reasoning_content);
    const blocks: TraceBlock[] = [];
    if (reasoning !== undefined) {
      blocks.push({ type: 'thinking', thinking: reasoning, signature: '' });
    }
    if (typeof content !== 'string') blocks.push(...content);
    else if (content !== '') blocks.push({ type: 'text', text: content });
    const calls = list(opened(row.tool_calls)).map((call, index) => callOf(call, id, index));
    this.#open = calls.map((call) => call.id);
    blocks.push(...calls);
    if (blocks.length === 0) return undefined;
    return {
      id: `hermes-${id}`,
      type: 'message',
      role: 'assistant',
      ...(this.#model === undefined ? {} : { model: this.#model }),
      content: blocks,
      stop_reason: calls.length > 0 ? 'tool_use' : 'end_turn',
      usage: {
        input_tokens: 0,
        output_tokens: typeof row.token_count === 'number' ? row.token_count : 0,
      },
    };
  }

  #result(row: Json, rowId: number, content: string | readonly TraceBlock[]): TraceBlock {
    const named = text(row.tool_call_id);
    const id = named ?? this.#open[0] ?? `row-${rowId}`;
    this.#open = this.#open.filter((open) => open !== id);
    return { type: 'tool_result', tool_use_id: id, content };
  }
}

function callOf(
  value: unknown,
  rowId: number,
  index: number,
): Extract<TraceBlock, { type: 'tool_use' }> {
  const call = fields(value);
  const called = fields(call.function);
  return {
    type: 'tool_use',
    id: text(call.id) ?? text(call.call_id) ?? `call-${rowId}-${index}`,
    name: text(called.name) ?? text(call.name) ?? 'tool',
    input: toolInput(opened(called.arguments ?? call.arguments)),
  };
}

function contentOf(content: unknown): string | readonly TraceBlock[] {
  if (typeof content !== 'string') return list(content).map(blockOf);
  if (!content.startsWith(jsonMark)) return content;
  const value = opened(content.slice(jsonMark.length));
  return Array.isArray(value) ? value.map(blockOf) : content.slice(jsonMark.length);
}

/** Message parts with pictures, spelled as in OpenAI's chat API. */
function blockOf(value: unknown): TraceBlock {
  const part = fields(value);
  const said = typeof value === 'string' ? value : text(part.text);
  if (said !== undefined) return { type: 'text', text: said };
  const url = text(fields(part.image_url).url) ?? text(part.image_url);
  const [, media_type, data] = /^data:([^;,]+);base64,(.*)$/s.exec(url ?? '') ?? [];
  if (media_type !== undefined && data !== undefined) {
    return { type: 'image', source: { type: 'base64', media_type, data } };
  }
  if (url !== undefined) return { type: 'image', source: { type: 'url', url } };
  return { type: 'text', text: `[${text(part.type) ?? 'part'}]` };
}
