import type { AnswerEntry, Child, PromptEntry, TurnState } from './conversation.js';
import {
  answered,
  type Bare,
  type CallDraft,
  callDraft,
  claim,
  type Draft,
  placed,
  type ResultDraft,
} from './drafts.js';
import { detailed, joinedResult, resultOf } from './results.js';
import type {
  CallPiece,
  CommandPiece,
  CompactionPiece,
  DetailTell,
  NoticePiece,
  Piece,
  PlacedRow,
  PromptPiece,
  ResultPiece,
  SpokenPiece,
} from './row.js';

/** An entry under construction, or a row's report that the previous turn ended. */
export type Step =
  | {
      readonly draft: Draft;
      /** Its first row. */
      readonly rowId: string | undefined;
      /** Whether it starts a turn. */
      readonly opens: boolean;
    }
  | { readonly end: TurnState };

/**
 * Assembles entries from the pieces of rows: a call with its result, the parts of a response, a
 * command with its output. The pieces may come in any order; an entry is placed at its first piece,
 * and a call at the call itself.
 */
export class EntryAssembly {
  readonly #steps: Step[] = [];
  #last: Draft | undefined;
  readonly #noted = new Set<PlacedRow>();
  readonly #prompts = new Map<string, Bare<PromptEntry>>();
  readonly #responses = new Map<string, Bare<AnswerEntry>>();
  readonly #calls = new Map<string, CallDraft>();
  /** Calls that have no id and no result yet, by the row that made them. */
  readonly #nameless = new Map<string, CallDraft[]>();
  readonly #results = new Map<string, ResultDraft>();
  readonly #details = new Map<string, { readonly row: PlacedRow; readonly tell: DetailTell }[]>();
  /** The place of a call known only from details. */
  readonly #places = new Map<string, ResultDraft>();
  readonly #children = new Map<string, Child>();
  /** Results whose call turned up later. */
  readonly #absorbed = new Set<Draft>();

  add(row: PlacedRow): void {
    for (const piece of row.pieces) this.#piece(piece, row);
    if (row.pieces.length === 0) this.#noted.add(row);
    for (const tell of row.tells) {
      if (tell.kind === 'end') this.#steps.push({ end: tell.state });
      else if (tell.kind === 'detail') this.#detail(tell, row);
      else if (tell.kind === 'child' && tell.callId !== undefined) {
        this.#children.set(tell.callId, tell.child);
      }
    }
  }

  /** Everything in order, with the details that rows gave about calls added to them. */
  finish(): {
    readonly steps: readonly Step[];
    readonly bookkeeping: Readonly<Record<string, number>>;
  } {
    for (const [callId, details] of this.#details) this.#applyDetails(callId, details);
    for (const [callId, child] of this.#children) {
      const call = this.#calls.get(callId);
      if (call?.kind === 'call') call.child = child;
    }
    const isThere = (step: Step): boolean => !('draft' in step) || !this.#absorbed.has(step.draft);
    return { steps: this.#steps.filter(isThere), bookkeeping: counted(this.#noted) };
  }

  #piece(piece: Piece, row: PlacedRow): void {
    switch (piece.kind) {
      case 'prompt':
        this.#prompt(piece, row);
        break;
      case 'answer':
      case 'thinking':
        this.#spoken(piece, row);
        break;
      case 'call':
        this.#call(piece, row);
        break;
      case 'result':
        this.#result(piece, row);
        break;
      case 'command':
        this.#command(piece, row);
        break;
      case 'output':
        this.#output(piece.text, row);
        break;
      case 'compaction':
        this.#compaction(piece, row);
        break;
      case 'notice':
        this.#notice(piece, row);
        break;
      default:
        this.#push(placed({ ...piece, id: '', rows: [] }, row), row);
    }
  }

  #prompt({ key, ...piece }: PromptPiece, row: PlacedRow): void {
    const known = key === undefined ? undefined : this.#prompts.get(key);
    if (known !== undefined) {
      claim(known, row.lines);
      known.images = Math.max(known.images, piece.images);
      return;
    }
    const draft: Bare<PromptEntry> = placed({ ...piece, id: '', rows: [] }, row);
    if (key !== undefined) this.#prompts.set(key, draft);
    this.#push(draft, row, true);
  }

  #spoken(piece: SpokenPiece, row: PlacedRow): void {
    const { kind, text, responseId } = piece;
    const key = responseId === undefined ? undefined : `${kind} ${responseId}`;
    const known = key === undefined ? undefined : this.#responses.get(key);
    if (known !== undefined) {
      claim(known, row.lines);
      known.text += `\n\n${text}`;
      return;
    }
    const draft = placed(answered({ kind, id: '', rows: [], text }, piece), row);
    if (key !== undefined) this.#responses.set(key, draft);
    this.#push(draft, row);
  }

  #call(piece: CallPiece, row: PlacedRow): void {
    const { callId } = piece;
    const known = callId === undefined ? undefined : this.#calls.get(callId);
    if (known !== undefined) {
      claim(known, row.lines);
      return;
    }
    const draft = callDraft(piece, row);
    if (callId !== undefined) this.#calls.set(callId, draft);
    else if (row.id !== undefined) {
      const beside = this.#nameless.get(row.id);
      if (beside === undefined) this.#nameless.set(row.id, [draft]);
      else beside.push(draft);
    }
    this.#push(draft, row);
    const early = callId === undefined ? undefined : this.#results.get(callId);
    if (early === undefined) return;
    this.#absorbed.add(early);
    draft.result = early.result;
    claim(draft, early.rows);
  }

  #result(piece: ResultPiece, row: PlacedRow): void {
    const { callId, callRowId, tool } = piece;
    const result = resultOf(piece, row.atMs);
    const call = this.#callOf(callId, callRowId);
    if (call !== undefined) {
      claim(call, row.lines);
      call.result = joinedResult(call.result, result);
      return;
    }
    const known = callId === undefined ? undefined : this.#results.get(callId);
    if (known !== undefined) {
      claim(known, row.lines);
      known.result = joinedResult(known.result, result);
      return;
    }
    const draft: ResultDraft = placed({ kind: 'result', id: '', rows: [], result }, row);
    if (tool !== undefined) draft.tool = tool;
    if (callId !== undefined) {
      draft.callId = callId;
      this.#results.set(callId, draft);
    }
    this.#push(draft, row);
  }

  #callOf(callId: string | undefined, rowId: string | undefined): CallDraft | undefined {
    if (callId !== undefined) return this.#calls.get(callId);
    return rowId === undefined ? undefined : this.#nameless.get(rowId)?.shift();
  }

  #command({ isBoundary, ...piece }: CommandPiece, row: PlacedRow): void {
    this.#push(placed({ ...piece, id: '', rows: [] }, row), row, isBoundary === true);
  }

  /** Belongs to the command right before it; otherwise its command is missing. */
  #output(said: string, row: PlacedRow): void {
    const last = this.#last;
    if (last?.kind !== 'command') {
      const context: Draft = { kind: 'context', id: '', rows: [], source: 'system', text: said };
      this.#push(placed(context, row), row);
      return;
    }
    claim(last, row.lines);
    const before = last.output ?? '';
    last.output = before === '' || said === '' ? before + said : `${before}\n${said}`;
  }

  #compaction({ part, summary }: CompactionPiece, row: PlacedRow): void {
    const last = this.#last;
    const told = summary === undefined ? {} : { summary };
    if (part === 'summary' && last?.kind === 'compaction' && last.summary === undefined) {
      claim(last, row.lines);
      Object.assign(last, told);
      return;
    }
    this.#push(placed({ kind: 'compaction', id: '', rows: [], ...told }, row), row);
  }

  /**
   * Retries come one by one, and an interruption may be reported twice: each becomes one notice.
   */
  #notice({ isWaking, ...piece }: NoticePiece, row: PlacedRow): void {
    const last = this.#last;
    const isRepeated = piece.notice === 'retries' || piece.notice === 'interruption';
    if (isRepeated && last?.kind === 'notice' && last.notice === piece.notice) {
      claim(last, row.lines);
      if (piece.notice === 'retries') last.count += 1;
      return;
    }
    this.#push(placed({ ...piece, count: 1, id: '', rows: [] }, row), row, isWaking === true);
  }

  #detail(tell: DetailTell, row: PlacedRow): void {
    const known = this.#details.get(tell.callId);
    if (known !== undefined) {
      known.push({ row, tell });
      return;
    }
    this.#details.set(tell.callId, [{ row, tell }]);
    // Its place, in case the call turns out to be missing.
    const result = { text: '', isError: false, images: 0 };
    const { callId } = tell;
    const draft: ResultDraft = placed({ kind: 'result', id: '', rows: [], callId, result }, row);
    this.#steps.push({ draft, rowId: row.id, opens: false });
    this.#absorbed.add(draft);
    this.#places.set(tell.callId, draft);
  }

  #applyDetails(
    callId: string,
    details: readonly { readonly row: PlacedRow; readonly tell: DetailTell }[],
  ): void {
    const there = this.#calls.get(callId) ?? this.#results.get(callId);
    if (there !== undefined) {
      for (const { tell } of details) {
        const result = detailed(there.result, tell);
        if (result !== undefined) there.result = result;
      }
      return;
    }
    const draft = this.#places.get(callId);
    if (draft === undefined) return;
    this.#absorbed.delete(draft);
    for (const { row, tell } of details) {
      claim(draft, row.lines);
      draft.result = detailed(draft.result, tell) ?? draft.result;
      if (tell.tool !== undefined) draft.tool ??= tell.tool;
      this.#noted.delete(row);
    }
  }

  #push(draft: Draft, row: PlacedRow, opens = false): void {
    this.#steps.push({ draft, rowId: row.id, opens });
    this.#last = draft;
  }
}

/** Rows by the harness's name for them, sorted by name. */
function counted(rows: Iterable<PlacedRow>): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const { name, lines } of rows) counts.set(name, (counts.get(name) ?? 0) + lines.length);
  return Object.fromEntries([...counts].sort(([left], [right]) => (left < right ? -1 : 1)));
}
