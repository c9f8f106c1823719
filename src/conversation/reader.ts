import { ConversationFold, type RowReader } from './fold.js';
import { leafText } from './leaf-text.js';
import { OutlineFold, outlineState, type TurnCounter } from './outline.js';
import type { Place } from './place.js';
import type { Piece, RowReading } from './row.js';

/** The searchable text of one row. */
export interface RowText {
  readonly role: 'user' | 'assistant' | 'tool' | 'system';
  /** The tool of a call or result, if the row names it. */
  readonly tool?: string;
  readonly text: string;
}

/** Reads one harness's transcripts as conversations. Pure: it also runs in a browser. */
export interface Reader {
  readonly harness: string;
  /** Sub-agents are streams of the session that began them, never sessions of their own. */
  readonly hasAgentStreams: boolean;
  /** What still counts of it, only the whole transcript tells: rows form a tree, or take back others. */
  readonly needsWhole: boolean;
  /** It cuts off the beginning of a transcript that grew long; only earlier generations still have it. */
  readonly dropsBeginnings: boolean;
  open(place: Place): ConversationFold;
  outline(place: Place): OutlineFold;
  /** Resumes from another outline's `state()`; `undefined` if `state` is not one. */
  outline(place: Place, state: unknown): OutlineFold | undefined;
  /** Reads one row by itself, as far as that is possible without the others. */
  read(row: unknown): RowReading;
  /**
   * `undefined` for bookkeeping rows. For rows of unknown kinds, all the text they contain. `reading`: what `read` gave, if
   * the row was read before.
   */
  textOf(row: unknown, reading?: RowReading): RowText | undefined;
}

export interface ReaderRules {
  readonly hasAgentStreams?: true;
  readonly needsWhole?: true;
  readonly dropsBeginnings?: true;
  readonly rows: (place: Place) => RowReader;
  readonly turns: (place: Place) => TurnCounter;
  readonly resumedTurns: (place: Place, state: unknown) => TurnCounter | undefined;
  /** Reads one row by itself. */
  readonly read: (row: unknown) => RowReading;
  /** Rows of this name are known to be bookkeeping. */
  readonly isBookkeeping: (name: string) => boolean;
}

export function createReader(harness: string, rules: ReaderRules): Reader {
  function outline(place: Place): OutlineFold;
  function outline(place: Place, state: unknown): OutlineFold | undefined;
  function outline(place: Place, ...states: readonly unknown[]): OutlineFold | undefined {
    if (states.length === 0) return new OutlineFold(place, rules.turns(place));
    const state = outlineState(states[0]);
    const counter = state && rules.resumedTurns(place, state.counter);
    return counter && new OutlineFold(place, counter, state);
  }
  return {
    harness,
    hasAgentStreams: rules.hasAgentStreams === true,
    needsWhole: rules.needsWhole === true,
    dropsBeginnings: rules.dropsBeginnings === true,
    open: (place) => new ConversationFold(harness, place, rules.rows(place)),
    outline,
    read: rules.read,
    textOf: (row, reading) => textOf(row, reading ?? rules.read(row), rules),
  };
}

function textOf(
  row: unknown,
  { name, pieces }: RowReading,
  { isBookkeeping }: ReaderRules,
): RowText | undefined {
  if (pieces.length > 0) return textIn(pieces);
  if (isBookkeeping(name)) return undefined;
  const text = leafText(row);
  return text === '' ? undefined : { role: 'system', text };
}

function textIn(pieces: readonly Piece[]): RowText | undefined {
  const said = pieces.map(wordsOf).filter((one) => one !== '');
  const [first] = pieces;
  if (said.length === 0 || first === undefined) return undefined;
  const tool = pieces.map(toolOf).find((one) => one !== undefined);
  const text = said.join('\n');
  return tool === undefined ? { role: roleOf(first), text } : { role: roleOf(first), tool, text };
}

function roleOf({ kind }: Piece): RowText['role'] {
  switch (kind) {
    case 'prompt':
    case 'command':
      return 'user';
    case 'answer':
    case 'thinking':
    case 'call':
      return 'assistant';
    case 'result':
      return 'tool';
    default:
      return 'system';
  }
}

function toolOf(piece: Piece): string | undefined {
  return piece.kind === 'call' || piece.kind === 'result' ? piece.tool : undefined;
}

function wordsOf(piece: Piece): string {
  switch (piece.kind) {
    case 'call':
      return `${piece.tool} ${leafText(piece.input)}`.trim();
    case 'command':
      return [`${piece.name} ${piece.args}`.trim(), piece.output ?? ''].join('\n').trim();
    case 'compaction':
      return piece.summary ?? '';
    case 'part':
      return '';
    default:
      return piece.text;
  }
}
