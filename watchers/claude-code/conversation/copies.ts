import * as v from 'valibot';
import type { ClaudeRow } from './rows.js';

export const copiesSchema = v.object({
  seen: v.number(),
  firstMs: v.exactOptional(v.number()),
  lastOlder: v.number(),
  hasAnswer: v.boolean(),
});
type CopiesState = v.InferOutput<typeof copiesSchema>;

/**
 * `--fork-session` copies rows and gives them the new session's id, but keeps their times. If an answer is older than
 * the file's first row that has a time, everything up to the last row older than that was copied.
 */
export class Copies {
  readonly #state: CopiesState;

  constructor(from: CopiesState = { seen: 0, lastOlder: 0, hasAnswer: false }) {
    this.#state = { ...from };
  }

  /** Whether the row is older than the file, and so was copied if anything was. */
  see({ atMs, id, isAssistant }: Pick<ClaudeRow, 'atMs' | 'id' | 'isAssistant'>): boolean {
    const state = this.#state;
    state.seen += 1;
    if (atMs === undefined) return false;
    state.firstMs ??= atMs;
    if (atMs >= state.firstMs) return false;
    if (isAssistant) state.hasAnswer = true;
    if (id === undefined) return false;
    state.lastOlder = state.seen;
    return true;
  }

  get hasAnswer(): boolean {
    return this.#state.hasAnswer;
  }

  /** How many leading rows were copied. */
  get end(): number {
    return this.#state.hasAnswer ? this.#state.lastOlder : 0;
  }

  state(): CopiesState {
    return { ...this.#state };
  }
}
