import type { Piece, PromptPiece } from '../../../src/conversation/row.js';
import type { CodexRow, ThreadRow } from './rows.js';

/** How each prompt turns out, by its rows. */
export type Prompts = ReadonlyMap<CodexRow, Piece>;

/**
 * A prompt is sent to the model as an item and reported as an event, one right after the other: the two are one prompt.
 * If a thread has events, an item without one is text that the harness put before the model in the user's name. Rows
 * copied from another thread are handled separately, since events are not always copied with them.
 */
export function promptsIn(rows: readonly ThreadRow[]): Prompts {
  const prompts = new Map<CodexRow, Piece>();
  for (const isInherited of [true, false]) {
    const some = rows.filter((one) => one.isInherited === isInherited);
    const hasEvents = some.some(({ row }) => row.promptIn === 'event');
    const pairing = new Pairing(prompts, hasEvents);
    for (const one of some) pairing.see(one);
  }
  return prompts;
}

interface Waiting {
  readonly row: CodexRow;
  readonly piece: PromptPiece;
}

class Pairing {
  readonly #prompts: Map<CodexRow, Piece>;
  readonly #hasEvents: boolean;
  readonly #items: Waiting[] = [];
  readonly #events: Waiting[] = [];

  constructor(prompts: Map<CodexRow, Piece>, hasEvents: boolean) {
    this.#prompts = prompts;
    this.#hasEvents = hasEvents;
  }

  see({ row, line }: ThreadRow): void {
    const piece = row.pieces.find(({ kind }) => kind === 'prompt');
    if (piece?.kind !== 'prompt' || row.promptIn === undefined) {
      if (row.pieces.length > 0) this.#goOn();
      return;
    }
    const one: Waiting = { row, piece: { ...piece, key: `prompt ${line}` } };
    this.#prompts.set(row, one.piece);
    if (row.promptIn === 'item') this.#item(one);
    else this.#event(one);
  }

  #item(item: Waiting): void {
    const event = taken(this.#events, item);
    if (event === undefined) {
      this.#items.push(item);
      if (this.#items.length > mostWaiting) this.#inVain(this.#items.splice(0, 1));
    } else this.#pair(event, { item, event });
  }

  #event(event: Waiting): void {
    // The user may see different words than the model is sent, e.g. for files the user points at.
    const item =
      taken(this.#items, event) ?? (this.#items.length === 1 ? this.#items.pop() : undefined);
    if (item === undefined) {
      this.#events.push(event);
      if (this.#events.length > mostWaiting) this.#events.shift();
    } else this.#pair(item, { item, event });
  }

  #pair(
    { piece: { key } }: Waiting,
    pair: { readonly item: Waiting; readonly event: Waiting },
  ): void {
    const { item, event } = pair;
    const text = event.piece.text === '' ? item.piece.text : event.piece.text;
    const images = Math.max(item.piece.images, event.piece.images);
    const piece = { ...item.piece, text, images, ...(key === undefined ? {} : { key }) };
    this.#prompts.set(item.row, piece);
    this.#prompts.set(event.row, piece);
  }

  /** Something else was said: rows still waiting for their twin will not get one. */
  #goOn(): void {
    this.#inVain(this.#items.splice(0));
    this.#events.length = 0;
  }

  #inVain(items: readonly Waiting[]): void {
    if (!this.#hasEvents) return;
    for (const { row, piece } of items) {
      this.#prompts.set(row, { kind: 'context', source: 'system', text: piece.text });
    }
  }
}

/** The twin comes right after: nothing waits for long. */
export const mostWaiting = 16;

/** Removes the waiting row with the same text. */
function taken(waiting: Waiting[], { piece }: Waiting): Waiting | undefined {
  const wanted = plainText(piece.text);
  const index = waiting.findIndex((one) => plainText(one.piece.text) === wanted);
  return index === -1 ? undefined : waiting.splice(index, 1)[0];
}

export function plainText(text: string): string {
  return text.replace(/\s+/gu, ' ').trim();
}
