import { commandIn, planIn, summaryOf } from './calls.js';
import type {
  AnswerEntry,
  CallEntry,
  CommandEntry,
  CompactionEntry,
  ContextEntry,
  Entry,
  NoticeEntry,
  PartEntry,
  PlanEntry,
  PromptEntry,
  ResultEntry,
} from './conversation.js';
import type { CallPiece, PlacedRow, SpokenPiece } from './row.js';

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };
/** An entry under construction: its id is '' until it has its place, and its rows are in order of arrival. */
export type Bare<T extends Entry> = Writable<Omit<T, 'rows'>> & { readonly rows: number[] };
export type CallDraft = Bare<CallEntry> | Bare<PlanEntry>;
export type ResultDraft = Bare<ResultEntry>;
export type Draft =
  | Bare<PromptEntry>
  | Bare<AnswerEntry>
  | CallDraft
  | ResultDraft
  | Bare<CommandEntry>
  | Bare<CompactionEntry>
  | Bare<ContextEntry>
  | Bare<NoticeEntry>
  | Bare<PartEntry>;

/** The draft, with what its row says about it. Filled in, because there are as many as rows: a spread takes longer. */
export function placed<Some extends Draft>(draft: Some, row: PlacedRow): Some {
  for (const line of row.lines) draft.rows.push(line);
  if (row.atMs !== undefined) draft.atMs = row.atMs;
  if (row.isInherited) draft.isInherited = true;
  if (row.isAbandoned) draft.isAbandoned = true;
  return draft;
}

export function claim(draft: Draft, lines: readonly number[]): void {
  for (const line of lines) draft.rows.push(line);
}

export function answered<Some extends Bare<AnswerEntry> | CallDraft>(
  draft: Some,
  { responseId, model }: Pick<SpokenPiece, 'responseId' | 'model'>,
): Some {
  if (responseId !== undefined) draft.responseId = responseId;
  if (model !== undefined) draft.model = model;
  return draft;
}

export function callDraft(piece: CallPiece, row: PlacedRow): CallDraft {
  const draft = placed(answered(bareCall(piece), piece), row);
  if (piece.callId !== undefined) draft.callId = piece.callId;
  return draft;
}

function bareCall({ tool, input }: CallPiece): CallDraft {
  const items = planIn(tool, input);
  if (items !== undefined) return { kind: 'plan', id: '', rows: [], tool, input, items };
  const command = commandIn(input);
  const summary = summaryOf(input, command);
  const call: Bare<CallEntry> = { kind: 'call', id: '', rows: [], tool, input, summary };
  if (command !== undefined) call.command = command;
  return call;
}
