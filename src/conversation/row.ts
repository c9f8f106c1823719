import type {
  Child,
  ContextSource,
  Fork,
  NoticeKind,
  PromptOrigin,
  Spawn,
  TurnState,
} from './conversation.js';

/** What one row says, as far as it can be read without the others. */
export interface RowReading {
  /** The harness's name for the row; it is counted under this name when it yields no entry. */
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number | undefined;
  /** The harness's own id of the row. */
  readonly id: string | undefined;
  /** Its contribution to the conversation; empty for bookkeeping. */
  readonly pieces: readonly Piece[];
  /** What it says about the conversation or another entry without being part of it. */
  readonly tells: readonly Tell[];
  /** It only records the state of the whole session. */
  readonly isState?: true;
}

/** A row placed among the others. */
export interface PlacedRow extends RowReading {
  /** More than one if later states of the row are separate lines. */
  readonly lines: readonly number[];
  readonly isInherited: boolean;
  readonly isAbandoned: boolean;
}

export type Piece =
  | PromptPiece
  | SpokenPiece
  | CallPiece
  | ResultPiece
  | CommandPiece
  | { readonly kind: 'output'; readonly text: string }
  | CompactionPiece
  | { readonly kind: 'context'; readonly source: ContextSource; readonly text: string }
  | NoticePiece
  | { readonly kind: 'part'; readonly name: string };

export interface PromptPiece {
  readonly kind: 'prompt';
  readonly origin: PromptOrigin;
  readonly text: string;
  readonly images: number;
  readonly isQueued?: true;
  /** Rows that repeat one prompt share a key. */
  readonly key?: string;
}

export interface SpokenPiece {
  readonly kind: 'answer' | 'thinking';
  readonly text: string;
  readonly responseId: string | undefined;
  readonly model: string | undefined;
}

export interface CallPiece {
  readonly kind: 'call';
  readonly callId: string | undefined;
  readonly tool: string;
  readonly input: unknown;
  readonly responseId: string | undefined;
  readonly model: string | undefined;
}

export interface ResultPiece {
  readonly kind: 'result';
  readonly callId: string | undefined;
  /** The row that made the call, where results do not name their call. */
  readonly callRowId?: string;
  readonly tool?: string;
  readonly text: string;
  readonly isError: boolean;
  readonly images: number;
  readonly exitCode?: number;
  readonly durationMs?: number;
  readonly spilled?: string;
}

export interface CommandPiece {
  readonly kind: 'command';
  readonly name: string;
  readonly args: string;
  readonly output?: string;
  /** What follows is unrelated to what came before. */
  readonly isBoundary?: true;
}

/** Some harnesses mark the place in one row and put the summary in the next. */
export interface CompactionPiece {
  readonly kind: 'compaction';
  readonly part: 'boundary' | 'summary' | 'whole';
  readonly summary: string | undefined;
}

export interface NoticePiece {
  readonly kind: 'notice';
  readonly notice: NoticeKind;
  readonly text: string;
  readonly task?: string;
  /** It wakes the model: a turn begins. */
  readonly isWaking?: true;
}

export type Tell =
  | TitleTell
  | { readonly kind: 'child'; readonly callId: string | undefined; readonly child: Child }
  | DetailTell
  | { readonly kind: 'spawn'; readonly by: Spawn }
  | { readonly kind: 'fork'; readonly from: Fork }
  | { readonly kind: 'end'; readonly state: TurnState };

/** Named by the user, or by the harness. The last one of each kind counts. */
export interface TitleTell {
  readonly kind: 'title';
  readonly by: 'user' | 'harness';
  readonly text: string;
}

/**
 * More about a call, from a row beside its result. If the call is missing, this is all that is left
 * of it.
 */
export interface DetailTell {
  readonly kind: 'detail';
  readonly callId: string;
  readonly tool?: string;
  readonly text?: string;
  readonly isError?: boolean;
  readonly exitCode?: number;
  readonly durationMs?: number;
  readonly diff?: string;
}

/** A row that says something. */
export function reading(
  name: string,
  { atMs, id }: Pick<RowReading, 'atMs' | 'id'>,
  pieces: readonly Piece[],
  tells: readonly Tell[] = none,
): RowReading {
  return { name, atMs, id, pieces, tells };
}

const none: readonly never[] = [];

/** A bookkeeping row. */
export function noted(
  name: string,
  { atMs, id }: Pick<RowReading, 'atMs' | 'id'>,
  tells: readonly Tell[] = none,
): RowReading {
  return { name, atMs, id, pieces: none, tells };
}
