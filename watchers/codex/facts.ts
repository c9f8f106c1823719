import * as v from 'valibot';
import type { SessionFacts } from '../../src/mirror/stream.js';
import { exactFact, timeFact } from '../fact-text.js';

interface ThreadScope {
  readonly threadId: string;
  /** The thread's current name in Codex's index. */
  readonly nameOf: (threadId: string) => string | undefined;
}

type Mutable = { -readonly [Name in keyof SessionFacts]: SessionFacts[Name] };

/** What makes a row worth parsing is at its start, in every release. */
const headBytes = 400;
const telling = /"(?:session_meta|turn_context)"/;
/** Prompts, which matter until there is a folder. */
const prompting = /"(?:user_message|item_completed)"|"role"\s*:\s*"user"/;
/** These rows may contain tens of kilobytes of instructions; anything much larger is a picture or damage. */
const longestRow = 4 << 20;
/** A bare first row of the oldest releases has no type to recognise it by. */
const bareRow = /^\s*\{\s*"id"\s*:/;

const text = v.fallback(v.optional(v.string()), undefined);
const origin = v.object({ branch: text });
const spawn = v.object({
  subagent: v.object({ thread_spawn: v.object({ parent_thread_id: text }) }),
});
const metaSchema = v.object({
  id: text,
  timestamp: text,
  cwd: text,
  cli_version: text,
  forked_from_id: text,
  parent_thread_id: text,
  git: v.fallback(v.optional(origin), undefined),
  source: v.fallback(v.optional(spawn), undefined),
});
type Meta = v.InferOutput<typeof metaSchema>;

const turnSchema = v.object({ cwd: text, model: text });
const content = v.fallback(v.array(v.fallback(v.object({ text }), {})), []);
const messageSchema = v.object({ type: v.literal('message'), role: v.literal('user'), content });
const eventSchema = v.variant('type', [
  v.object({ type: v.literal('user_message'), message: v.string() }),
  v.object({
    type: v.literal('item_completed'),
    item: v.object({ type: v.literal('UserMessage'), content }),
  }),
]);
const rowSchema = v.object({
  type: text,
  record_type: text,
  timestamp: text,
  payload: v.optional(v.unknown()),
});

/**
 * Folds one row of a rollout into what is known about its thread; returns `before` itself if nothing is new. Never
 * throws. Of `session_meta` rows only the thread's own counts: a fork of an old thread starts with its own and
 * continues with copied history, including the parent's. The model is the last `turn_context`'s. The oldest releases
 * name the folder only in the context they gave the model.
 */
export function foldCodexRow(line: Buffer, before: SessionFacts, scope: ThreadScope): SessionFacts {
  const news: Mutable = {};
  const head = line.toString('latin1', 0, headBytes);
  if (mayTell(head, before) && line.length <= longestRow) addRow(news, before, scope, line);
  const named = scope.nameOf(scope.threadId);
  if (named !== undefined && named !== '') news.named = named;
  for (const name of Object.keys(news) as (keyof SessionFacts)[]) {
    if (news[name] !== before[name]) return { ...before, ...news };
  }
  return before;
}

function mayTell(head: string, before: SessionFacts): boolean {
  if (telling.test(head)) return true;
  if (before.startedAt === undefined && bareRow.test(head)) return true;
  return before.cwd === undefined && prompting.test(head);
}

function addRow(news: Mutable, before: SessionFacts, scope: ThreadScope, line: Buffer): void {
  const row = parsed(line);
  const result = v.safeParse(rowSchema, row);
  if (!result.success) return;
  const { type, record_type: recordType, payload, timestamp } = result.output;
  if (type === 'session_meta') addMeta(news, before, scope, payload, timestamp);
  else if (type === 'turn_context') addTurn(news, before, payload);
  else if (type === 'event_msg') addEvent(news, before, payload);
  else if (type === 'response_item') addMessage(news, before, payload);
  else if (type === 'message') addMessage(news, before, row);
  else if (type === undefined && recordType === undefined && before.startedAt === undefined) {
    addMeta(news, before, scope, row, timestamp);
  }
}

function addMeta(
  news: Mutable,
  before: SessionFacts,
  { threadId }: ThreadScope,
  payload: unknown,
  writtenAt: string | undefined,
): void {
  const result = v.safeParse(metaSchema, payload);
  if (!result.success) return;
  const meta = result.output;
  if (meta.id !== threadId && before.startedAt !== undefined) return;
  put(news, 'cwd', before.cwd ?? exactFact(meta.cwd));
  put(news, 'startedAt', before.startedAt ?? timeFact(meta.timestamp) ?? timeFact(writtenAt));
  put(news, 'harnessVersion', exactFact(meta.cli_version));
  put(news, 'gitBranch', exactFact(meta.git?.branch));
  const parent = exactFact(parentIn(meta));
  if (parent !== threadId) put(news, 'parentSessionId', parent);
}

function parentIn(meta: Meta): string | undefined {
  const spawnedBy = meta.source?.subagent.thread_spawn.parent_thread_id;
  return meta.forked_from_id ?? meta.parent_thread_id ?? spawnedBy;
}

function addTurn(news: Mutable, before: SessionFacts, payload: unknown): void {
  const result = v.safeParse(turnSchema, payload);
  if (!result.success) return;
  put(news, 'cwd', before.cwd ?? exactFact(result.output.cwd));
  put(news, 'model', exactFact(result.output.model));
}

function addEvent(news: Mutable, before: SessionFacts, payload: unknown): void {
  const result = v.safeParse(eventSchema, payload);
  if (!result.success) return;
  const event = result.output;
  if (event.type === 'user_message') addFolder(news, before, event.message);
  else addTexts(news, before, event.item.content);
}

function addMessage(news: Mutable, before: SessionFacts, payload: unknown): void {
  const result = v.safeParse(messageSchema, payload);
  if (result.success) addTexts(news, before, result.output.content);
}

function addTexts(
  news: Mutable,
  before: SessionFacts,
  items: readonly { readonly text?: string | undefined }[],
): void {
  for (const item of items) if (item.text !== undefined) addFolder(news, before, item.text);
}

/** The context that Codex puts in front of prompts in the user's name says where the thread runs. */
function addFolder(news: Mutable, before: SessionFacts, said: string): void {
  const prompt = said.trimStart();
  if (!prompt.startsWith('<environment_context>')) return;
  const cwd = /<cwd>([^<]*)<\/cwd>/.exec(prompt.slice(0, 4096))?.[1];
  put(news, 'cwd', before.cwd ?? news.cwd ?? exactFact(cwd));
}

function put(
  news: Mutable,
  name: 'cwd' | 'startedAt' | 'harnessVersion' | 'gitBranch' | 'model' | 'parentSessionId',
  fact: string | undefined,
): void {
  if (fact !== undefined) news[name] = fact;
}

function parsed(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
}
