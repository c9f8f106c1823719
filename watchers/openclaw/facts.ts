import { fields } from '../../src/conversation/fields.js';
import type { SessionFacts } from '../../src/mirror/stream.js';
import { exactFact, longestFact, timeFact } from '../fact-text.js';
import { JsonFieldScan } from '../files/json-field-scan.js';

/** What is known about a session besides its transcript. */
export interface KnownFacts {
  /** What the session is called. */
  readonly named?: string;
  readonly model?: string;
  readonly parentSessionId?: string;
  /** ISO 8601 UTC. */
  readonly endedAt?: string;
}

type Mutable = { -readonly [Name in keyof SessionFacts]: SessionFacts[Name] };

const names = [
  'type',
  'cwd',
  'timestamp',
  'parentSession',
  'message.model',
  'modelId',
  'message.role',
] as const;
const field = {
  type: 0,
  cwd: 1,
  timestamp: 2,
  parentSession: 3,
  model: 4,
  modelId: 5,
  role: 6,
} as const satisfies Record<string, number>;

/** Rows other than messages are small, and a message's model comes before or after all of its content. */
const headBytes = 64 * 1024;
const longestFactBytes = longestFact * 12 + 2;
const longestReference = 4_096;
/** What OpenClaw says in the assistant's place, e.g. that a message was delivered, is not a model's. */
const harnessItself = new Set(['delivery-mirror', 'gateway-injected']);

const skim = new JsonFieldScan(names);

/**
 * Folds one event into what is known about its session; returns `before` itself if nothing is new. Never throws. The
 * header says where and when the session started and what it was forked from; of models the last one counts. `known`
 * accompanies any event, because labels and session ends are recorded elsewhere.
 */
export function foldOpenClawEvent(
  line: Buffer,
  before: SessionFacts,
  known: KnownFacts,
): SessionFacts {
  skim.forward(line, headBytes, saysEnough);
  if ((skim.found & (1 << field.type)) === 0) return before;
  const news: Mutable = {};
  if (skim.is(field.type, 'session')) addHeader(news, before);
  addModel(news, before);
  addKnown(news, before, known);
  return differs(news, before) ? { ...before, ...news } : before;
}

/** The session a header names as its origin: the path of a file, or `sqlite:<agent>:<session>:<path>`. */
export function referencedSession(reference: string): string | undefined {
  const [, id] =
    /^sqlite:[^:]*:([^:]+):/.exec(reference) ?? /([^/\\]+)\.jsonl[^/\\]*$/.exec(reference) ?? [];
  return exactFact(id?.replace(/-topic-.*$/s, ''));
}

/** The key of the session that spawned this one, if this event is a header that names it. */
export function parentKeyIn(header: Buffer): string | undefined {
  if (header.length > headBytes) return undefined;
  try {
    const { type, parentSessionKey: key } = fields(JSON.parse(header.toString('utf8')));
    return type === 'session' && typeof key === 'string' ? key : undefined;
  } catch {
    return undefined;
  }
}

function addHeader(news: Mutable, before: SessionFacts): void {
  const cwd = before.cwd ?? exactFact(skim.text(field.cwd, longestFactBytes));
  const startedAt = before.startedAt ?? timeFact(skim.text(field.timestamp, longestFact));
  const parent = referencedSession(skim.text(field.parentSession, longestReference) ?? '');
  if (cwd !== undefined) news.cwd = cwd;
  if (startedAt !== undefined) news.startedAt = startedAt;
  if (parent !== undefined) news.parentSessionId = parent;
}

function addModel(news: Mutable, before: SessionFacts): void {
  const isChange = skim.is(field.type, 'model_change');
  const isAnswer = skim.is(field.type, 'message') && skim.is(field.role, 'assistant');
  if (!isChange && !isAnswer) return;
  const index = isChange ? field.modelId : field.model;
  if (before.model !== undefined && skim.is(index, before.model)) return;
  const model = exactFact(skim.text(index, longestFactBytes));
  if (model !== undefined && !harnessItself.has(model)) news.model = model;
}

/** A prompt or a tool's result says nothing of interest, however long it is. */
function saysEnough(found: number): boolean {
  if ((found & (1 << field.model)) !== 0) return true;
  return (found & (1 << field.role)) !== 0 && !skim.is(field.role, 'assistant');
}

function addKnown(news: Mutable, before: SessionFacts, known: KnownFacts): void {
  if (known.named !== undefined) news.named = known.named;
  const model = news.model ?? before.model ?? known.model;
  if (model !== undefined) news.model = model;
  const parent = news.parentSessionId ?? before.parentSessionId ?? known.parentSessionId;
  if (parent !== undefined) news.parentSessionId = parent;
  if (known.endedAt !== undefined) news.endedAt = known.endedAt;
}

function differs(news: Mutable, before: SessionFacts): boolean {
  const known = new Map<string, unknown>(Object.entries(before));
  return Object.entries(news).some(([name, value]) => known.get(name) !== value);
}
