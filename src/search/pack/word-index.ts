import { addTerms, forEachRun } from '../terms/text-terms.js';

/** Which terms are in which blocks. */
export class WordIndex {
  readonly postings = new Map<string, number[]>();

  /** All texts of a block. The numbers of the blocks go up. */
  add(texts: Iterable<string>, block: number): void {
    // Of its own for each block: one for all would be too large for the processor's cache.
    const runs = new Set<string>();
    for (const text of texts) forEachRun(text, (run) => runs.add(run));
    const terms = new Set<string>();
    for (const run of runs) addTerms(run, terms);
    for (const term of terms) {
      const known = this.postings.get(term);
      if (known === undefined) this.postings.set(copied(term), [block]);
      else known.push(block);
    }
  }
}

/** A slice would keep the whole text in memory that it was cut from. */
function copied(text: string): string {
  return text.length < 13 ? text : Buffer.from(text, 'utf16le').toString('utf16le');
}
