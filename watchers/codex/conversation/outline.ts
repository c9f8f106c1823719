import * as v from 'valibot';
import type { PromptOrigin } from '../../../src/conversation/conversation.js';
import type { TurnCounter } from '../../../src/conversation/outline.js';
import type { Place } from '../../../src/conversation/place.js';
import type { PromptPiece, RowReading, Tell } from '../../../src/conversation/row.js';
import {
  joinedTallies,
  noTurns,
  printOf,
  type Tally,
  tallySchema,
  withTurn,
} from '../../../src/conversation/tally.js';
import { Copies, copiesSchema } from './copies.js';
import { mostWaiting, plainText } from './prompts.js';
import { type CodexRow, readCodexRow } from './rows.js';
import { isOwnName, isOwnThread, metaTells, originOf } from './thread.js';

const waitingSchema = v.object({ print: v.string(), turn: tallySchema });
const sideSchema = v.object({
  hasEvents: v.boolean(),
  /** All items; and the events' prompts with the items that belong to them. */
  items: tallySchema,
  told: tallySchema,
  waiting: v.array(waitingSchema),
  /** Events that came before their item. */
  early: v.array(v.string()),
});
type SideState = v.InferOutput<typeof sideSchema>;

const stateSchema = v.object({
  copies: copiesSchema,
  thread: v.exactOptional(
    v.object({ id: v.exactOptional(v.string()), isSubagent: v.boolean(), isExec: v.boolean() }),
  ),
  own: sideSchema,
  inherited: sideSchema,
});
type State = v.InferOutput<typeof stateSchema>;

/** Counts the turns of a thread. */
export class CodexTurns implements TurnCounter {
  readonly #session: string;
  readonly #copies: Copies;
  readonly #own: Side;
  readonly #inherited: Side;
  #thread: State['thread'];

  constructor({ session }: Place, from?: State) {
    this.#session = session;
    this.#copies = new Copies(session, from?.copies);
    this.#own = new Side(from?.own);
    this.#inherited = new Side(from?.inherited);
    this.#thread = from?.thread;
  }

  static resumed(place: Place, state: unknown): CodexTurns | undefined {
    const result = v.safeParse(stateSchema, state);
    return result.success ? new CodexTurns(place, result.output) : undefined;
  }

  get isSubagent(): boolean {
    return this.#thread?.isSubagent === true;
  }

  row(value: unknown, line: number): RowReading {
    const row = readCodexRow(value);
    const isInherited = this.#copies.isCopy(row);
    const isFirst = row.meta !== undefined && this.#thread === undefined;
    if (row.meta !== undefined && this.#thread === undefined) {
      const { id, isSubagent, isExec } = row.meta;
      this.#thread = { ...(id === undefined ? {} : { id }), isSubagent, isExec };
    }
    const side = isInherited ? this.#inherited : this.#own;
    if (isInherited || !this.#isOthers(row)) side.see(row, line, originOf(this.#thread));
    const tells = row.tells.filter((tell) => isOwnName(tell, row, this.#session));
    return { ...row, tells: isFirst ? [...tells, ...metaTells(row.meta)] : tells };
  }

  state(): State {
    return {
      copies: this.#copies.state(),
      ...(this.#thread === undefined ? {} : { thread: this.#thread }),
      own: this.#own.state(),
      inherited: this.#inherited.state(),
    };
  }

  tallies(): { readonly own: Tally; readonly inherited: Tally } {
    return { own: this.#own.tally, inherited: this.#inherited.tally };
  }

  tells(): readonly Tell[] {
    return [];
  }

  #isOthers({ promptIn, threadId }: CodexRow): boolean {
    return promptIn === 'event' && !isOwnThread(threadId, this.#session, this.#thread?.id);
  }
}

/** Prompts of the thread itself, or of the thread it was copied from: recorded twice, counted once. */
class Side {
  #hasEvents: boolean;
  #items: Tally;
  #told: Tally;
  readonly #waiting: SideState['waiting'];
  readonly #early: string[];

  constructor(from?: SideState) {
    this.#hasEvents = from?.hasEvents ?? false;
    this.#items = from?.items ?? noTurns;
    this.#told = from?.told ?? noTurns;
    this.#waiting = [...(from?.waiting ?? [])];
    this.#early = [...(from?.early ?? [])];
  }

  get tally(): Tally {
    if (!this.#hasEvents) return this.#items;
    return this.#waiting.reduce((tally, { turn }) => joinedTallies(tally, turn), this.#told);
  }

  see({ pieces, promptIn }: CodexRow, line: number, origin: PromptOrigin): void {
    const piece = pieces.find((one) => one.kind === 'prompt');
    if (piece?.kind === 'prompt' && promptIn === 'item') this.#item({ ...piece, origin }, line);
    else if (piece?.kind === 'prompt') this.#event({ ...piece, origin }, line);
    else if (pieces.length > 0) {
      this.#waiting.length = 0;
      this.#early.length = 0;
    }
  }

  state(): SideState {
    return {
      hasEvents: this.#hasEvents,
      items: this.#items,
      told: this.#told,
      waiting: [...this.#waiting],
      early: [...this.#early],
    };
  }

  #item(piece: PromptPiece, line: number): void {
    const turn = withTurn(noTurns, line, piece);
    this.#items = joinedTallies(this.#items, turn);
    const print = printOf(plainText(piece.text));
    const early = this.#early.indexOf(print);
    if (early !== -1) this.#early.splice(early, 1);
    else {
      this.#waiting.push({ print, turn });
      this.#waiting.splice(0, this.#waiting.length - mostWaiting);
    }
  }

  #event(piece: PromptPiece, line: number): void {
    this.#hasEvents = true;
    const print = printOf(plainText(piece.text));
    const same = this.#waiting.findIndex((one) => one.print === print);
    const index = same === -1 && this.#waiting.length === 1 ? 0 : same;
    const [item] = index === -1 ? [] : this.#waiting.splice(index, 1);
    const start = item?.turn.starts[0] ?? line;
    const turn = withTurn(noTurns, start, piece);
    // The item's text stands in where the event has none.
    this.#told = joinedTallies(this.#told, piece.text === '' ? (item?.turn ?? turn) : turn);
    if (item === undefined) {
      this.#early.push(print);
      this.#early.splice(0, this.#early.length - mostWaiting);
    }
  }
}
