import { wordOf } from '../timeline/entry.js';
import type { Entries } from './entries.js';

/** Which part of a run is shown. A missing set excludes nothing. */
export interface Filter {
  readonly words: readonly string[];
  readonly agents?: ReadonlySet<string> | undefined;
  readonly types?: ReadonlySet<string> | undefined;
  readonly steps?: ReadonlySet<string> | undefined;
}

/** Stands for "no agent" or "no step" in a filter. */
export const none = '';

/** Decides which entries match a filter. Texts are joined and lower-cased once, on the first search. */
export class EntryFilter {
  readonly #entries: Entries;
  #texts: readonly string[] | undefined;

  constructor(entries: Entries) {
    this.#entries = entries;
  }

  /** Prepares the first search while the page is idle. */
  prepare(): void {
    this.#textsNow();
  }

  #textsNow(): readonly string[] {
    const entries = this.#entries;
    this.#texts ??= Array.from({ length: entries.count }, (_, index) =>
      [
        wordOf(entries.type(index)),
        entries.type(index),
        entries.agent(index),
        entries.step(index),
        entries.text(index),
      ]
        .join(' ')
        .toLowerCase(),
    );
    return this.#texts;
  }

  /** Indices in order. A message belongs to its recipient as much as to its sender. */
  indices({ words, agents, types, steps }: Filter): readonly number[] {
    const entries = this.#entries;
    const found: number[] = [];
    const texts = words.length === 0 ? [] : this.#textsNow();
    for (let index = 0; index < entries.count; index += 1) {
      if (types !== undefined && !types.has(entries.type(index))) continue;
      if (steps !== undefined && !steps.has(entries.step(index) ?? none)) continue;
      if (agents !== undefined && !this.#isOf(index, agents)) continue;
      const text = texts[index] ?? '';
      if (words.every((word) => text.includes(word))) found.push(index);
    }
    return found;
  }

  #isOf(index: number, agents: ReadonlySet<string>): boolean {
    const [agent, to] = [this.#entries.agent(index), this.#entries.to(index)];
    return agents.has(agent ?? none) || (to !== undefined && agents.has(to));
  }
}

export function wordsOf(query: string): readonly string[] {
  return query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
}
