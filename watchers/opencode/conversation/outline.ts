import * as v from 'valibot';
import type { PromptOrigin } from '../../../src/conversation/conversation.js';
import type { TurnCounter } from '../../../src/conversation/outline.js';
import { noted, type RowReading, type Tell } from '../../../src/conversation/row.js';
import { noTurns, type Tally, withTurn } from '../../../src/conversation/tally.js';
import { isPromptText, messageReading, readState, sessionTells } from './rows.js';

/** The text of this many prompts is kept, from the beginning and from the end. */
const mostFirst = 4;
const mostLast = 24;
const longestText = 300;

const promptSchema = v.object({ message: v.string(), line: v.number(), text: v.string() });
const stateSchema = v.object({
  title: v.exactOptional(v.string()),
  parent: v.exactOptional(v.string()),
  /** Ids of the user's messages. */
  users: v.array(v.string()),
  /** Their texts, by the part's id. */
  prompts: v.array(v.tuple([v.string(), promptSchema])),
});
type State = v.InferOutput<typeof stateSchema>;
type Prompt = v.InferOutput<typeof promptSchema>;

/** Counts the turns of a session whose rows change: each of the user's messages with a text is one. */
export class OpenCodeTurns implements TurnCounter {
  readonly #users: Set<string>;
  readonly #prompts: Map<string, Prompt>;
  #session: { readonly title?: string; readonly parent?: string };

  constructor(from?: State) {
    this.#users = new Set(from?.users);
    this.#prompts = new Map(from?.prompts);
    this.#session = {
      ...(from?.title === undefined ? {} : { title: from.title }),
      ...(from?.parent === undefined ? {} : { parent: from.parent }),
    };
  }

  static resumed(state: unknown): OpenCodeTurns | undefined {
    const result = v.safeParse(stateSchema, state);
    return result.success ? new OpenCodeTurns(result.output) : undefined;
  }

  get isSubagent(): boolean {
    return this.#session.parent !== undefined;
  }

  row(value: unknown, line: number): RowReading {
    const state = readState(value);
    const { id, data, messageId, isDeleted, row, atMs } = state;
    const reading = noted(state.table, { atMs, id });
    if (state.table === 'session') {
      const { title, parent_id: parent } = row;
      this.#session = {
        ...(typeof title === 'string' ? { title: title.slice(0, 2_000) } : {}),
        ...(typeof parent === 'string' && parent !== '' ? { parent } : {}),
      };
      return { ...reading, atMs: undefined };
    }
    if (isDeleted) return { ...reading, atMs: undefined };
    if (state.table === 'message') {
      if (data.role === 'user') this.#users.add(id);
      return messageReading(state);
    }
    if (messageId !== undefined && this.#users.has(messageId) && isPromptText(state)) {
      const known = this.#prompts.get(id);
      const text = String(data.text).slice(0, longestText);
      this.#prompts.set(id, { message: messageId, line: known?.line ?? line, text });
    }
    return reading;
  }

  state(): State {
    const prompts = this.#ordered().map(([id, prompt], index, { length }): [string, Prompt] => {
      const isKept = index < mostFirst || index >= length - mostLast;
      return [id, isKept ? prompt : { ...prompt, text: '' }];
    });
    return { ...this.#session, users: [...this.#users], prompts };
  }

  tallies(): { readonly own: Tally; readonly inherited: Tally } {
    const origin: PromptOrigin = this.isSubagent ? 'agent' : 'human';
    const turns = new Map<string, { line: number; text: string }>();
    for (const [, { message, line, text }] of this.#ordered()) {
      const known = turns.get(message);
      if (known === undefined) turns.set(message, { line, text });
      else known.text = `${known.text}\n${text}`;
    }
    let own = noTurns;
    for (const { line, text } of turns.values())
      own = withTurn(own, line, { text, images: 0, origin });
    return { own, inherited: noTurns };
  }

  tells(): readonly Tell[] {
    const { title, parent } = this.#session;
    return sessionTells({ title, parent_id: parent });
  }

  #ordered(): readonly [string, Prompt][] {
    const key = ([id, { message }]: [string, Prompt]): string => `${message} ${id}`;
    return [...this.#prompts].sort((left, right) => (key(left) < key(right) ? -1 : 1));
  }
}
