import * as v from 'valibot';
import type { TurnCounter } from '../../../src/conversation/outline.js';
import type { Place } from '../../../src/conversation/place.js';
import type { RowReading, Tell } from '../../../src/conversation/row.js';
import { noTurns, type Tally, tallySchema, withTurn } from '../../../src/conversation/tally.js';
import { readOpenClawRow } from './rows.js';

const stateSchema = v.object({
  isFork: v.boolean(),
  isSubagent: v.boolean(),
  own: tallySchema,
  inherited: tallySchema,
});
type State = v.InferOutput<typeof stateSchema>;

/** Counts the turns of a session. What a fork inherits is known only if its parent's rows are available. */
export class OpenClawTurns implements TurnCounter {
  readonly #parentRowIds: ReadonlySet<string>;
  #isFork: boolean;
  #isSubagent: boolean;
  #own: Tally;
  #inherited: Tally;

  constructor({ parentRowIds = new Set() }: Place, from?: State) {
    this.#parentRowIds = parentRowIds;
    this.#isFork = from?.isFork ?? false;
    this.#isSubagent = from?.isSubagent ?? false;
    this.#own = from?.own ?? noTurns;
    this.#inherited = from?.inherited ?? noTurns;
  }

  static resumed(place: Place, state: unknown): OpenClawTurns | undefined {
    const result = v.safeParse(stateSchema, state);
    return result.success ? new OpenClawTurns(place, result.output) : undefined;
  }

  get isSubagent(): boolean {
    return this.#isSubagent;
  }

  row(value: unknown, line: number): RowReading {
    const row = readOpenClawRow(value);
    if (row.fork !== undefined) this.#isFork = true;
    if (row.isSubagent) this.#isSubagent = true;
    const prompt = row.pieces.find((piece) => piece.kind === 'prompt');
    if (prompt?.kind === 'prompt') {
      const isTheirs = this.#isFork && row.id !== undefined && this.#parentRowIds.has(row.id);
      if (isTheirs) this.#inherited = withTurn(this.#inherited, line, prompt);
      else this.#own = withTurn(this.#own, line, prompt);
    }
    if (row.fork === undefined) return row;
    return { ...row, tells: [...row.tells, { kind: 'fork', from: row.fork }] };
  }

  state(): State {
    return {
      isFork: this.#isFork,
      isSubagent: this.#isSubagent,
      own: this.#own,
      inherited: this.#inherited,
    };
  }

  tallies(): { readonly own: Tally; readonly inherited: Tally } {
    return { own: this.#own, inherited: this.#inherited };
  }

  tells(): readonly Tell[] {
    return [];
  }
}
