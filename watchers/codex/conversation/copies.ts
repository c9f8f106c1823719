import * as v from 'valibot';
import type { CodexRow } from './rows.js';

/** How long the pause is between a copy and the rows after it, if no row names the thread. */
const pauseMs = 1_000;

export const copiesSchema = v.object({
  own: v.string(),
  hasBegun: v.boolean(),
  isCopying: v.boolean(),
  lastMs: v.exactOptional(v.number()),
});
type CopiesState = v.InferOutput<typeof copiesSchema>;

/**
 * A fork of a legacy thread, and a sub-agent that gets its parent's context, begin with rows of the parent: from a
 * second `session_meta` on, up to the first row that names its own thread. The oldest releases name none: there, a copy
 * is written in one go.
 */
export class Copies {
  readonly #state: CopiesState;

  constructor(session: string, from?: CopiesState) {
    this.#state = { own: session, hasBegun: false, isCopying: false, ...from };
  }

  isCopy({ meta, threadId, atMs }: Pick<CodexRow, 'meta' | 'threadId' | 'atMs'>): boolean {
    const state = this.#state;
    if (meta !== undefined && !state.hasBegun) {
      state.hasBegun = true;
      state.own = meta.id ?? state.own;
    } else if (meta !== undefined && meta.id !== state.own) {
      state.isCopying = true;
    } else if (threadId === state.own || hasPaused(state.lastMs, atMs)) {
      state.isCopying = false;
    }
    if (atMs !== undefined) state.lastMs = atMs;
    return state.isCopying;
  }

  state(): CopiesState {
    return { ...this.#state };
  }
}

function hasPaused(lastMs: number | undefined, atMs: number | undefined): boolean {
  return atMs !== undefined && lastMs !== undefined && atMs - lastMs > pauseMs;
}
