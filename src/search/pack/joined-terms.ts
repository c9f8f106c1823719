import type { IndexedTerm } from './dictionary.js';

type Terms = Iterator<IndexedTerm | undefined, void>;

interface Head {
  readonly terms: Terms;
  one: IndexedTerm;
}

/**
 * The terms of all of these, each in the order of its bytes, as one such row. What has a term in several of them are the
 * blocks of the first, then those of the next. `undefined` is passed on.
 */
export function* joinTerms(
  all: readonly Iterable<IndexedTerm | undefined, void>[],
): Generator<IndexedTerm | undefined, void> {
  const heads: Head[] = [];
  for (const terms of all) {
    const iterator = terms[Symbol.iterator]();
    const one = yield* nextOf(iterator);
    if (one !== undefined) heads.push({ terms: iterator, one });
  }
  while (heads.length > 0) {
    const first = firstOf(heads);
    yield first.length === 1 ? first[0]?.one : together(first.map(({ one }) => one));
    for (const head of first) {
      const one = yield* nextOf(head.terms);
      if (one === undefined) heads.splice(heads.indexOf(head), 1);
      else head.one = one;
    }
  }
}

function* nextOf(terms: Terms): Generator<undefined, IndexedTerm | undefined> {
  for (;;) {
    const { done, value } = terms.next();
    if (done || value !== undefined) return value ?? undefined;
    yield undefined;
  }
}

/** All that have the first term, in their order. */
function firstOf(heads: readonly Head[]): readonly Head[] {
  let first: Head[] = [];
  for (const head of heads) {
    const order = first[0] === undefined ? -1 : compareBytes(head.one.term, first[0].one.term);
    if (order < 0) first = [head];
    else if (order === 0) first.push(head);
  }
  return first;
}

function together(ones: readonly IndexedTerm[]): IndexedTerm {
  const blocks = ones.flatMap((one) => [...one.blocks.subarray(one.from, one.to)]);
  const term = ones[0]?.term ?? new Uint8Array(0);
  return { term, blocks: Uint32Array.from(blocks), from: 0, to: blocks.length };
}

function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const most = Math.min(left.length, right.length);
  for (let at = 0; at < most; at += 1) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
