import { type Fields, fields, finite, list, word } from '../../../src/conversation/fields.js';
import { type AllowedFields, lineOf, pickedBy } from '../../copied-rows.js';
import type { Laying } from '../../resume.js';
import { type RolloutRow, rolloutRow } from './rollout-row.js';

/** What is said, called and answered; by type, the fields that are kept. */
const itemFields: AllowedFields = {
  message: ['type', 'id', 'role', 'content', 'phase', 'status'],
  reasoning: ['type', 'id', 'summary', 'content', 'encrypted_content'],
  function_call: ['type', 'id', 'name', 'namespace', 'arguments', 'call_id'],
  function_call_output: ['type', 'id', 'call_id', 'output'],
  custom_tool_call: ['type', 'id', 'status', 'call_id', 'name', 'input'],
  custom_tool_call_output: ['type', 'id', 'call_id', 'output'],
  local_shell_call: ['type', 'id', 'call_id', 'status', 'action'],
  web_search_call: ['type', 'id', 'status', 'action'],
};

/** What the terminal shows of it. */
const eventFields: AllowedFields = {
  user_message: ['type', 'message', 'kind'],
  agent_message: ['type', 'message', 'phase'],
  agent_reasoning: ['type', 'text'],
  item_completed: ['type', 'turn_id', 'item', 'started_at_ms', 'completed_at_ms'],
  task_started: ['type', 'turn_id', 'started_at', 'model_context_window'],
  task_complete: ['type', 'turn_id', 'last_agent_message', 'started_at', 'completed_at'],
  turn_aborted: ['type', 'turn_id', 'reason'],
  thread_rolled_back: ['type', 'num_turns'],
  context_compacted: ['type'],
};

const shownItems: AllowedFields = {
  UserMessage: ['type', 'id', 'content'],
  AgentMessage: ['type', 'id', 'content', 'phase'],
  Reasoning: ['type', 'id', 'summary_text', 'raw_content'],
};

/** A developer's message has the weight of instructions, so it is not taken from a recording. */
const voices = new Set(['user', 'assistant']);
/** Other kinds of parts name files or addresses, or are unknown. */
const contentFields: AllowedFields = {
  input_text: ['type', 'text'],
  output_text: ['type', 'text', 'annotations'],
  input_image: ['type', 'image_url', 'detail'],
  text: ['type', 'text'],
  Text: ['type', 'text'],
};

/**
 * A copy of a thread under another id, with the history that it continues: what was said, called and answered, field by
 * field. Recorded instructions, tools, permissions and settings are in rows and fields that are not named here.
 */
export class CopiedItems {
  readonly #path: readonly string[];
  readonly #id: string;
  readonly #cwd: string;
  #ordinal = 0;
  #hasHead = false;

  constructor(path: readonly string[], id: string, cwd: string) {
    this.#path = path;
    this.#id = id;
    this.#cwd = cwd;
  }

  /** One piece of the history, up to the row with this ordinal. */
  piece(endOrdinal: number): Laying {
    return {
      line: (line) => {
        const row = rolloutRow(line);
        if (row === undefined || (row.ordinal ?? -1) >= endOrdinal) return [];
        const payload = this.#payloadOf(row);
        return payload === undefined ? [] : [{ path: this.#path, bytes: this.#row(row, payload) }];
      },
    };
  }

  #payloadOf({ type, payload, timestamp }: RolloutRow): object | undefined {
    if (type === 'session_meta') return this.#head(payload, timestamp);
    if (type === 'response_item') return itemOf(payload);
    if (type === 'event_msg') return this.#eventOf(payload);
    return type === 'compacted' ? compactedOf(payload) : undefined;
  }

  /** The first row names the thread; later ones are other threads' that it copied. */
  #head(payload: Fields, timestamp: string | undefined): object | undefined {
    if (this.#hasHead) return undefined;
    this.#hasHead = true;
    const isPaginated = payload.history_mode === 'paginated';
    return {
      id: this.#id,
      session_id: this.#id,
      timestamp: word(payload.timestamp) ?? timestamp ?? new Date(0).toISOString(),
      cwd: this.#cwd,
      originator: word(payload.originator) ?? 'codex_cli_rs',
      cli_version: word(payload.cli_version) ?? '0.0.0',
      source: 'cli',
      ...(isPaginated ? { history_mode: 'paginated' } : {}),
    };
  }

  #eventOf(payload: Fields): object | undefined {
    const copy = pickedBy(eventFields, payload, payload.type);
    if (copy === undefined || copy.type !== 'item_completed') return copy;
    const shown = fields(copy.item);
    const item = pickedBy(shownItems, shown, shown.type);
    if (item === undefined) return undefined;
    const content = 'content' in item ? { content: contentOf(item.content) } : {};
    return { ...copy, thread_id: this.#id, item: { ...item, ...content } };
  }

  #row({ type, timestamp, ordinal }: RolloutRow, payload: object): Buffer {
    const at = timestamp ?? new Date(0).toISOString();
    const numbered = ordinal === undefined ? {} : { ordinal: this.#ordinal };
    this.#ordinal += 1;
    return lineOf({ timestamp: at, ...numbered, type, payload });
  }
}

function itemOf(payload: Fields): Fields | undefined {
  const copy = pickedBy(itemFields, payload, payload.type);
  if (copy?.type === 'message') {
    if (!voices.has(word(copy.role) ?? '')) return undefined;
    const content = contentOf(copy.content);
    return content.length === 0 ? undefined : { ...copy, content };
  }
  const isOutput = copy !== undefined && Array.isArray(copy.output);
  return isOutput ? { ...copy, output: contentOf(copy.output) } : copy;
}

/** Old compactions are a text; newer ones list the items that the history begins with from then on. */
function compactedOf(payload: Fields): object {
  const history = payload.replacement_history;
  const message = typeof payload.message === 'string' ? payload.message : '';
  const windowNumber = finite(payload.window_number);
  return {
    message,
    ...(Array.isArray(history)
      ? { replacement_history: history.map((one) => itemOf(fields(one))).filter(isThere) }
      : {}),
    ...(windowNumber === undefined ? {} : { window_number: windowNumber }),
  };
}

function contentOf(content: unknown): readonly Fields[] {
  return list(content)
    .map(fields)
    .map((part) => pickedBy(contentFields, part, part.type))
    .filter(isThere)
    .filter((part) => part.type !== 'input_image' || isInline(part.image_url));
}

/** An address would be fetched by whoever answers. */
function isInline(url: unknown): boolean {
  return typeof url === 'string' && url.startsWith('data:image/');
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}
