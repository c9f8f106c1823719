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
import type { CallPiece, PlacedRow } from './row.js';

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };
/** An entry under construction: it has no id yet, and its rows are in order of arrival. */
export type Bare<T extends Entry> = Writable<Omit<T, 'id' | 'rows'>> & { readonly rows: number[] };
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

type Base = Pick<Bare<PromptEntry>, 'rows' | 'atMs' | 'isInherited' | 'isAbandoned'>;

export function baseOf({ lines, atMs, isInherited, isAbandoned }: PlacedRow): Base {
  return {
    rows: [...lines],
    ...(atMs === undefined ? {} : { atMs }),
    ...(isInherited ? { isInherited } : {}),
    ...(isAbandoned ? { isAbandoned } : {}),
  };
}

export function claim(draft: Draft, lines: readonly number[]): void {
  for (const line of lines) draft.rows.push(line);
}

export function responseOf(responseId: string | undefined, model: string | undefined) {
  return {
    ...(responseId === undefined ? {} : { responseId }),
    ...(model === undefined ? {} : { model }),
  };
}

export function callDraft(piece: CallPiece, row: PlacedRow): CallDraft {
  const { callId, tool, input, responseId, model } = piece;
  const called = {
    ...baseOf(row),
    ...(callId === undefined ? {} : { callId }),
    tool,
    input,
    ...responseOf(responseId, model),
  };
  const items = planIn(tool, input);
  if (items !== undefined) return { ...called, kind: 'plan', items };
  const command = commandIn(input);
  const summary = summaryOf(input);
  return { ...called, kind: 'call', summary, ...(command === undefined ? {} : { command }) };
}
