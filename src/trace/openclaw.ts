import { fields, list, opened, text } from '../conversation/fields.js';
import { isoMs } from '../replay/conversation/row.js';
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

/** Turns the events of an OpenClaw session into trace rows, one by one. Events that are not messages are dropped. */
export class OpenClawTrace {
  readonly #thread = new TraceThread();
  #place: TracePlace;
  #events = 0;

  constructor(sessionId: string) {
    this.#place = { sessionId, cwd: undefined };
  }

  rows(value: unknown): readonly Json[] {
    const outer = fields(value);
    const event = outer.event === undefined ? outer : fields(outer.event);
    this.#events += 1;
    if (event.type === 'session') {
      this.#place = { ...this.#place, cwd: text(event.cwd) };
      return [];
    }
    const id = text(event.id) ?? `event ${this.#events}`;
    const timeMs = isoMs(event.timestamp) ?? isoMs(event.ts);
    const said = saidIn(event, { id, timeMs });
    return said === undefined ? [] : [this.#thread.row(said, this.#place)];
  }
}

function saidIn(event: Json, at: Pick<Said, 'id' | 'timeMs'>): Said | undefined {
  if (event.type === 'compaction') {
    const summary = text(event.summary);
    if (summary === undefined) return undefined;
    return { ...at, message: userMessage(summary), isCompactSummary: true };
  }
  if (event.type !== 'message') return undefined;
  const message = messageOf(fields(event.message), at.id);
  return message === undefined ? undefined : { ...at, message };
}

function messageOf(message: Json, id: string): TraceMessage | undefined {
  const { role, content } = message;
  if (role === 'user') return hasContent(content) ? userMessage(contentOf(content)) : undefined;
  if (role === 'toolResult') return userMessage([resultOf(message, id)]);
  if (role !== 'assistant') {
    const said = contentOf(content);
    return hasContent(content) ? { role: 'system', content: said } : undefined;
  }
  const blocks = blocksOf(content);
  const failure = text(message.errorMessage);
  if (blocks.length === 0 && failure === undefined) return undefined;
  const said = failure === undefined ? blocks : [...blocks, textBlock(`[error] ${failure}`)];
  const model = text(message.model);
  return {
    id: text(message.responseId) ?? id,
    type: 'message',
    role,
    ...(model === undefined ? {} : { model }),
    content: said,
    stop_reason: stopReason(message.stopReason),
    usage: usageOf(fields(message.usage)),
  };
}

function resultOf(message: Json, id: string): TraceBlock {
  const { content } = message;
  return {
    type: 'tool_result',
    tool_use_id: text(message.toolCallId) ?? id,
    content: hasContent(content) ? contentOf(content) : '',
    ...(message.isError === true ? { is_error: true } : {}),
  };
}

function hasContent(content: unknown): boolean {
  return text(content) !== undefined || list(content).length > 0;
}

function contentOf(content: unknown): string | readonly TraceBlock[] {
  return typeof content === 'string' ? content : blocksOf(content);
}

function blocksOf(content: unknown): readonly TraceBlock[] {
  const said = text(content);
  return said === undefined ? list(content).map(blockOf) : [textBlock(said)];
}

function blockOf(value: unknown, index: number): TraceBlock {
  const part = fields(value);
  switch (part.type) {
    case 'text':
      return textBlock(text(part.text) ?? '');
    case 'thinking': {
      const thinking = text(part.thinking) ?? text(part.text) ?? '';
      return { type: 'thinking', thinking, signature: '' };
    }
    case 'toolCall': {
      const input = toolInput(opened(part.arguments));
      const name = text(part.name) ?? 'tool';
      return { type: 'tool_use', id: text(part.id) ?? `call ${index}`, name, input };
    }
    case 'image': {
      const data = text(part.data);
      if (data === undefined) return textBlock('[image]');
      const media_type = text(part.mimeType) ?? 'image/png';
      return { type: 'image', source: { type: 'base64', media_type, data } };
    }
    default:
      return textBlock(typeof value === 'string' ? value : `[${text(part.type) ?? 'part'}]`);
  }
}

function textBlock(said: string): TraceBlock {
  return { type: 'text', text: said };
}

function stopReason(reason: unknown): string | null {
  if (reason === 'toolUse') return 'tool_use';
  if (reason === 'length') return 'max_tokens';
  return reason === 'stop' ? 'end_turn' : null;
}

function usageOf(usage: Json): Json {
  const count = (value: unknown): number => (typeof value === 'number' ? value : 0);
  return {
    input_tokens: count(usage.input),
    output_tokens: count(usage.output),
    cache_read_input_tokens: count(usage.cacheRead),
    cache_creation_input_tokens: count(usage.cacheWrite),
  };
}
