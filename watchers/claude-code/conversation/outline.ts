import * as v from 'valibot';
import type { TurnCounter } from '../../../src/conversation/outline.js';
import type { Place } from '../../../src/conversation/place.js';
import type { Piece, RowReading, Tell } from '../../../src/conversation/row.js';
import {
  joinedTallies,
  noTurns,
  type Tally,
  tallySchema,
  withTurn,
} from '../../../src/conversation/tally.js';
import { Copies, copiesSchema } from './copies.js';
import { agentIn, isFromElsewhere } from './place.js';
import { type ClaudeRow, readClaudeRow } from './rows.js';

/**
 * A summary is written right after the row it summarises: how many rows back to look for that row, and how many to wait
 * for.
 */
const mostRecent = 64;
const mostAwaited = 16;

const stateSchema = v.object({
  copies: copiesSchema,
  /** Turns whose rows say that they were copied; others up to the last row older than the file; and those after it. */
  inherited: tallySchema,
  before: tallySchema,
  since: tallySchema,
  recent: v.array(v.string()),
  awaited: v.array(v.object({ leaf: v.string(), title: v.string() })),
});

/** Counts the turns of a session's transcript or of a sub-agent's. */
export class ClaudeCodeTurns implements TurnCounter {
  readonly isSubagent: boolean;
  readonly #session: string;
  readonly #copies: Copies;
  readonly #recent: string[];
  readonly #awaited: { readonly leaf: string; readonly title: string }[];
  #inherited: Tally;
  #before: Tally;
  #since: Tally;

  constructor({ session, stream }: Place, from?: v.InferOutput<typeof stateSchema>) {
    this.#session = session;
    this.isSubagent = agentIn(stream) !== undefined;
    this.#copies = new Copies(from?.copies);
    this.#recent = [...(from?.recent ?? [])];
    this.#awaited = [...(from?.awaited ?? [])];
    this.#inherited = from?.inherited ?? noTurns;
    this.#before = from?.before ?? noTurns;
    this.#since = from?.since ?? noTurns;
  }

  static resumed(place: Place, state: unknown): ClaudeCodeTurns | undefined {
    const result = v.safeParse(stateSchema, state);
    return result.success ? new ClaudeCodeTurns(place, result.output) : undefined;
  }

  row(value: unknown, line: number): RowReading {
    const row = readClaudeRow(value, this);
    const isOlder = this.#copies.see(row);
    const opening = row.pieces.find(opens);
    if (opening !== undefined) this.#count(row, opening, line);
    if (isOlder) {
      this.#before = joinedTallies(this.#before, this.#since);
      this.#since = noTurns;
    }
    const { name, atMs, id, pieces } = row;
    return { name, atMs, id, pieces, tells: this.#tellsOf(row) };
  }

  #tellsOf(row: ClaudeRow): readonly Tell[] {
    const titles = this.#summaries(row);
    const forks: readonly Tell[] = row.fork === undefined ? [] : [{ kind: 'fork', from: row.fork }];
    const others = row.name === 'summary' ? [] : row.tells;
    return [...others, ...titles, ...forks];
  }

  state(): v.InferOutput<typeof stateSchema> {
    return {
      copies: this.#copies.state(),
      inherited: this.#inherited,
      before: this.#before,
      since: this.#since,
      recent: [...this.#recent],
      awaited: [...this.#awaited],
    };
  }

  tallies(): { readonly own: Tally; readonly inherited: Tally } {
    if (this.#copies.hasAnswer) {
      return { own: this.#since, inherited: joinedTallies(this.#inherited, this.#before) };
    }
    return { own: joinedTallies(this.#before, this.#since), inherited: this.#inherited };
  }

  tells(): readonly Tell[] {
    return [];
  }

  #count(row: ClaudeRow, opening: Piece, line: number): void {
    const prompt = opening.kind === 'prompt' ? opening : undefined;
    if (isFromElsewhere(row, this.#session)) {
      this.#inherited = withTurn(this.#inherited, line, prompt);
    } else this.#since = withTurn(this.#since, line, prompt);
  }

  /** Titles of this session among the summaries: most belong to other sessions. */
  #summaries({ id, name, leafId, tells }: ClaudeRow): readonly Tell[] {
    const [tell] = tells;
    if (name === 'summary' && leafId !== undefined && tell?.kind === 'title') {
      if (this.#recent.includes(leafId)) return [tell];
      this.#awaited.push({ leaf: leafId, title: tell.text });
      this.#awaited.splice(0, this.#awaited.length - mostAwaited);
    }
    if (id === undefined) return [];
    this.#recent.push(id);
    const surplus = this.#recent.length - mostRecent;
    if (surplus > 0) this.#recent.splice(0, surplus);
    const found = this.#awaited.findLast(({ leaf }) => leaf === id);
    return found === undefined ? [] : [{ kind: 'title', by: 'harness', text: found.title }];
  }
}

function opens(piece: Piece): boolean {
  return piece.kind === 'prompt' || (piece.kind === 'notice' && piece.isWaking === true);
}
