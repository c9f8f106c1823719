import { WordIndex } from '../../src/search/pack/word-index.js';

/** What the word index of a pack would hold of a text. */
export function termsIn(text: string): ReadonlySet<string> {
  const index = new WordIndex();
  for (const _ of index.addingBlock([Buffer.from(text)]));
  const found = [...index.terms()].flatMap((one) => (one === undefined ? [] : [one.term]));
  return new Set(found.map((term) => Buffer.from(term).toString()));
}
