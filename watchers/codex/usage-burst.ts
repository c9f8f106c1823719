import * as v from 'valibot';
import { type Fields, fields, word } from '../../src/conversation/fields.js';

/** Rows that follow one another faster than this were written in one go. */
const pauseMs = 500;

export const burstSchema = v.object({
  own: v.string(),
  hasMeta: v.boolean(),
  /** A thread that may begin with rows of another one. */
  isChild: v.boolean(),
  /** No row was later than the one before it by more than a pause. */
  isFirstBurst: v.boolean(),
  isCopying: v.boolean(),
  /** A row named its own thread: what came before it and what comes after it is known. */
  isNamed: v.boolean(),
  lastMs: v.exactOptional(v.number()),
});
type State = v.InferOutput<typeof burstSchema>;

/**
 * Forks of legacy threads and sub-agents that were given their parent's context begin with the parent's rows, stamped
 * anew, their counts among them. The copy ends at the first row that names its own thread, else with the first turn
 * that begins after a pause.
 */
export class Burst {
  readonly #state: State;
  #isFirstMeta = false;

  constructor(session: string, from?: State) {
    this.#state = {
      own: session,
      hasMeta: false,
      isChild: false,
      isFirstBurst: true,
      isCopying: false,
      isNamed: false,
      ...from,
    };
  }

  /** The row was the thread's own header. */
  get isFirstMeta(): boolean {
    return this.#isFirstMeta;
  }

  get isNamed(): boolean {
    return this.#state.isNamed;
  }

  isOwn(thread: string | undefined): boolean {
    return thread === undefined || thread === this.#state.own;
  }

  /** Whether the row was copied. */
  isCopy(type: unknown, payload: Fields, atMs: number | undefined): boolean {
    const state = this.#state;
    const hasPaused =
      atMs !== undefined && state.lastMs !== undefined && atMs - state.lastMs >= pauseMs;
    if (hasPaused) state.isFirstBurst = false;
    if (atMs !== undefined) state.lastMs = atMs;
    this.#isFirstMeta = type === 'session_meta' && !state.hasMeta;
    if (this.#isFirstMeta) see(state, payload);
    else if (type === 'session_meta' && word(payload.id) !== state.own) state.isCopying = true;
    else if (names(type, payload, state.own)) {
      state.isNamed = true;
      state.isCopying = false;
    } else if (hasPaused && opensTurn(type, payload)) state.isCopying = false;
    else if (payload.type === 'token_count' && state.isFirstBurst && state.isChild) {
      state.isCopying ||= !state.isNamed;
    }
    return state.isCopying;
  }

  state(): State {
    return { ...this.#state };
  }
}

function see(state: State, meta: Fields): void {
  state.hasMeta = true;
  state.own = word(meta.id) ?? state.own;
  state.isChild =
    meta.forked_from_id !== undefined ||
    meta.parent_thread_id !== undefined ||
    meta.thread_source === 'subagent' ||
    fields(meta.source).subagent !== undefined;
}

function names(type: unknown, { thread_id: thread }: Fields, own: string): boolean {
  return type !== 'session_meta' && thread === own;
}

function opensTurn(type: unknown, { type: event }: Fields): boolean {
  if (type === 'turn_context') return true;
  return type === 'event_msg' && (event === 'task_started' || event === 'turn_started');
}
