import { createHash } from 'node:crypto';

export type Json = Readonly<Record<string, unknown>>;

/** One block of a message, as in the Messages API and Claude Code's transcripts. */
export type TraceBlock =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'thinking'; readonly thinking: string; readonly signature: string }
  | { readonly type: 'image'; readonly source: Json }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: Json }
  | {
      readonly type: 'tool_result';
      readonly tool_use_id: string;
      readonly content: string | readonly TraceBlock[];
      readonly is_error?: true;
    };

export interface TraceMessage {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: string | readonly TraceBlock[];
  readonly id?: string;
  readonly type?: 'message';
  readonly model?: string;
  readonly stop_reason?: string | null;
  readonly usage?: Json;
}

/** What a harness's row says in a conversation, before it has its place there. */
export interface Said {
  readonly message: TraceMessage;
  /** The harness's id of the row: the same row has the same `uuid` in every trace. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly timeMs: number | undefined;
  readonly isMeta?: true;
  readonly isCompactSummary?: true;
}

export interface TracePlace {
  readonly sessionId: string;
  readonly cwd: string | undefined;
  readonly gitBranch?: string | undefined;
}

/**
 * The version of this mapping; an older trace is rebuilt. Rows look like those of Claude Code's transcripts: the Hub
 * recognises them by a `type` of user, assistant or system next to a `message`
 * (https://huggingface.co/docs/hub/agent-traces).
 */
export const traceMapping = 1;

/** Chains rows: each names the one before as its parent. */
export class TraceThread {
  #parent: string | null = null;

  row(said: Said, { sessionId, cwd, gitBranch }: TracePlace): Json {
    const { message, id, timeMs, isMeta, isCompactSummary } = said;
    const uuid = uuidOf(`${sessionId}|${id}`);
    const timestamp = timestampOf(timeMs);
    const row = {
      parentUuid: this.#parent,
      isSidechain: false,
      userType: 'external',
      ...(cwd === undefined ? {} : { cwd }),
      sessionId,
      ...(gitBranch === undefined ? {} : { gitBranch }),
      type: message.role,
      message,
      ...(isMeta === undefined ? {} : { isMeta }),
      ...(isCompactSummary === undefined ? {} : { isCompactSummary }),
      uuid,
      ...(timestamp === undefined ? {} : { timestamp }),
    };
    this.#parent = uuid;
    return row;
  }
}

export function userMessage(content: string | readonly TraceBlock[]): TraceMessage {
  return { role: 'user', content };
}

export function toolInput(value: unknown): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  return value === undefined || value === null ? {} : { input: value };
}

function timestampOf(timeMs: number | undefined): string | undefined {
  if (timeMs === undefined) return undefined;
  const time = new Date(timeMs);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}

function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`];
  return [...parts, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-');
}
