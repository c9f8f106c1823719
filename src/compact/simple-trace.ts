import type {
  AnswerEntry,
  CallEntry,
  Conversation,
  Entry,
  PlanEntry,
  Result,
} from '../conversation/conversation.js';
import { json } from '../conversation/fields.js';
import type { TraceRow } from './trace.js';

/** A header, then a row per message. Abandoned or rewritten turns are left out. */
export function* simpleTrace(conversation: Conversation): Generator<TraceRow> {
  const { harness, session, title } = conversation;
  const name = title === undefined ? {} : { name: title };
  let header: TraceRow | undefined = { type: 'session', harness, id: session, ...name };
  for (const { entries, isAbandoned } of conversation.turns) {
    if (isAbandoned) continue;
    for (const message of messagesOf(entries)) {
      if (header !== undefined) yield header;
      header = undefined;
      yield { type: 'message', message };
    }
  }
}

function* messagesOf(entries: readonly Entry[]): Generator<TraceRow> {
  let response: Spoken[] = [];
  for (const entry of entries) {
    if (isSpoken(entry)) {
      if (!isSameResponse(response[0], entry)) {
        yield* responseMessages(response);
        response = [];
      }
      response.push(entry);
      continue;
    }
    yield* responseMessages(response);
    response = [];
    yield* plainMessages(entry);
  }
  yield* responseMessages(response);
}

type Called = CallEntry | PlanEntry;
type Spoken = AnswerEntry | Called;

function isSpoken(entry: Entry): entry is Spoken {
  const { kind } = entry;
  return kind === 'answer' || kind === 'thinking' || kind === 'call' || kind === 'plan';
}

function isSameResponse(first: Spoken | undefined, next: Spoken): boolean {
  return first?.responseId !== undefined && first.responseId === next.responseId;
}

/** Everything the model said in one response, then the results of its calls. */
function* responseMessages(response: readonly Spoken[]): Generator<TraceRow> {
  const [first] = response;
  if (first === undefined) return;
  const calls = response.filter((one): one is Called => 'tool' in one);
  const reasoningContent = textsOf(response, 'thinking');
  const model = response.find((one) => one.model !== undefined)?.model;
  yield {
    role: 'assistant',
    content: textsOf(response, 'answer'),
    ...(reasoningContent === '' ? {} : { reasoningContent }),
    ...(calls.length === 0 ? {} : { toolCalls: calls.map(callOf) }),
    ...(model === undefined ? {} : { model }),
    ...timeOf(first.atMs),
  };
  for (const call of calls) {
    if (call.result !== undefined) yield resultMessage(call.callId ?? call.id, call.result);
  }
}

function textsOf(response: readonly Spoken[], kind: AnswerEntry['kind']): string {
  const texts = response.flatMap((one) => (one.kind === kind ? [one.text] : []));
  return texts.join('\n\n');
}

function callOf({ callId, id, tool, input }: Called): TraceRow {
  return { id: callId ?? id, function: { name: tool, arguments: argumentsOf(input) } };
}

/** Must be the JSON of an object, whatever the model produced. */
function argumentsOf(input: unknown): string {
  const named = typeof input === 'object' && input !== null ? input : { input };
  return json(named) || '{}';
}

function resultMessage(toolCallId: string, { text, images, atMs }: Result): TraceRow {
  return { role: 'tool', toolCallId, content: pictured(text, images), ...timeOf(atMs) };
}

function* plainMessages(entry: Entry): Generator<TraceRow> {
  const at = timeOf(entry.atMs);
  switch (entry.kind) {
    case 'prompt':
      yield { role: 'user', content: pictured(entry.text, entry.images), ...at };
      return;
    case 'command':
      yield { role: 'user', content: `${entry.name} ${entry.args}`.trim(), ...at };
      if (entry.output !== undefined) yield { role: 'system', content: entry.output, ...at };
      return;
    case 'result':
      yield resultMessage(entry.callId ?? entry.id, entry.result);
      return;
    case 'compaction':
      yield { role: 'system', content: entry.summary ?? 'The conversation was compacted.', ...at };
      return;
    case 'context':
    case 'notice':
      yield { role: 'system', content: entry.text, ...at };
      return;
    case 'part':
      yield { role: 'system', content: `[${entry.name}]`, ...at };
  }
}

/** The simple format has no pictures. */
function pictured(text: string, images: number): string {
  const marks = Array.from({ length: images }, () => '[image]').join(' ');
  return [text, marks].filter((part) => part !== '').join('\n');
}

function timeOf(atMs: number | undefined): { readonly timestamp?: number } {
  return atMs === undefined ? {} : { timestamp: atMs };
}
