import * as v from 'valibot';
import type { PromptOrigin } from '../../../src/conversation/conversation.js';
import type { TurnCounter } from '../../../src/conversation/outline.js';
import { noted, type RowReading, type Tell } from '../../../src/conversation/row.js';
import { noTurns, printOf, type Tally, withTurn } from '../../../src/conversation/tally.js';
import { type HermesSession, readMessage, readSession, rowOf, sessionTells } from './rows.js';

/** The text of this many prompts is kept, from the beginning and from the end. */
const mostFirst = 4;
const mostLast = 24;
const longestText = 300;

const promptSchema = v.object({
  line: v.number(),
  print: v.string(),
  isPrompt: v.boolean(),
  isActive: v.boolean(),
  isCompacted: v.boolean(),
  text: v.string(),
  images: v.number(),
});
type KnownPrompt = v.InferOutput<typeof promptSchema>;

const originSchema = v.object({
  title: v.exactOptional(v.string()),
  isNamedByUser: v.boolean(),
  delegatedFrom: v.exactOptional(v.string()),
  parent: v.exactOptional(v.string()),
  isSubagent: v.boolean(),
});

const stateSchema = v.object({
  session: v.exactOptional(originSchema),
  /** By id, or by line if a message has none. */
  users: v.array(v.tuple([v.string(), promptSchema])),
});
type State = v.InferOutput<typeof stateSchema>;

/** Counts the turns of a session whose rows change: every user message counts in its current state. */
export class HermesTurns implements TurnCounter {
  readonly #users: Map<string, KnownPrompt>;
  #session: State['session'];

  constructor(from?: State) {
    this.#users = new Map(from?.users);
    this.#session = from?.session;
  }

  static resumed(state: unknown): HermesTurns | undefined {
    const result = v.safeParse(stateSchema, state);
    return result.success ? new HermesTurns(result.output) : undefined;
  }

  get isSubagent(): boolean {
    return this.#session?.isSubagent === true;
  }

  row(value: unknown, line: number): RowReading {
    const of = rowOf(value);
    if (of === 'session') {
      this.#session = stated(readSession(value));
      return noted('session', { atMs: undefined, id: undefined });
    }
    if (of === 'usage') return noted('usage', { atMs: undefined, id: undefined });
    const message = readMessage(value, 'human');
    const key = of === undefined ? `line ${line}` : String(of);
    const known = this.#users.get(key);
    const isUser = message.name.startsWith('message user') || message.isDeleted;
    if (!isUser && known === undefined) return message;
    const prompt = message.pieces.find((piece) => piece.kind === 'prompt');
    this.#users.set(key, {
      line: known?.line ?? line,
      print: printOf(message.contentKey),
      isPrompt: prompt !== undefined,
      isActive: message.isActive && !message.isDeleted,
      isCompacted: message.isCompacted,
      text: prompt?.kind === 'prompt' ? prompt.text.slice(0, longestText) : '',
      images: prompt?.kind === 'prompt' ? prompt.images : 0,
    });
    return { ...message, tells: [] };
  }

  state(): State {
    const users = this.#ordered().map(([key, user], index, { length }): [string, KnownPrompt] => {
      const isKept = index < mostFirst || index >= length - mostLast;
      return [key, isKept ? user : { ...user, text: '' }];
    });
    return { ...(this.#session === undefined ? {} : { session: this.#session }), users };
  }

  tallies(): { readonly own: Tally; readonly inherited: Tally } {
    const users = this.#ordered();
    const lastLive = new Map<string, number>();
    for (const [index, [, { print, isActive }]] of users.entries()) {
      if (isActive) lastLive.set(print, index);
    }
    const origin: PromptOrigin = this.isSubagent ? 'agent' : 'human';
    let own: Tally = noTurns;
    for (const [index, [, user]] of users.entries()) {
      const { line, print, isPrompt, isActive, isCompacted, text, images } = user;
      const isCopied = !isActive && !isCompacted && (lastLive.get(print) ?? -1) > index;
      if (isPrompt && !isCopied) own = withTurn(own, line, { text, images, origin });
    }
    return { own, inherited: noTurns };
  }

  tells(): readonly Tell[] {
    return this.#session === undefined ? [] : sessionTells(told(this.#session));
  }

  /** In the database's order; messages written to a file come after. */
  #ordered(): readonly [string, KnownPrompt][] {
    const place = (key: string): number => (/^-?\d/.test(key) ? Number(key) : Infinity);
    return [...this.#users].sort(([left], [right]) => place(left) - place(right) || 0);
  }
}

function stated(session: HermesSession): State['session'] {
  const { title, isNamedByUser, delegatedFrom, parent, isSubagent } = session;
  return {
    isNamedByUser,
    isSubagent,
    ...(title === undefined ? {} : { title }),
    ...(delegatedFrom === undefined ? {} : { delegatedFrom }),
    ...(parent === undefined ? {} : { parent }),
  };
}

function told({
  title,
  delegatedFrom,
  parent,
  ...flags
}: NonNullable<State['session']>): HermesSession {
  return { ...flags, title, delegatedFrom, parent };
}
