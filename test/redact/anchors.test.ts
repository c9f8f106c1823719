import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnchorIndex } from '../../src/redact/anchors.js';
import { builtInCount, builtInLiterals } from '../../src/redact/built-in-literals.js';
import { BuiltInWatch } from '../../src/redact/built-in-watch.js';
import { LiteralSearch } from '../../src/redact/literal-search.js';

fc.configureGlobal({ seed: 20261130 });

function found(literals: readonly (readonly [string, boolean])[], text: Buffer): string[] {
  const index = new AnchorIndex(literals.map(([literal, fold]) => ({ texts: [literal], fold })));
  const hits: string[] = [];
  index.scan(text, (anchor, start) => {
    hits.push(`${start}:${literals[anchor]?.[0]}`);
    return false;
  });
  return hits.sort();
}

function expected(literals: readonly (readonly [string, boolean])[], text: Buffer): string[] {
  const plain = text.toString('latin1');
  const folded = plain.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return literals
    .flatMap(([literal, fold]) => {
      const hits: string[] = [];
      const searched = fold ? folded : plain;
      for (let at = searched.indexOf(literal); at !== -1; at = searched.indexOf(literal, at + 1))
        hits.push(`${at}:${literal}`);
      return hits;
    })
    .sort();
}

const letters = fc.constantFrom('a', 'b', 'A', '_', '\xff');
const literal = fc.string({ unit: letters, minLength: 3, maxLength: 6 });

describe('the literal scan', () => {
  it('finds every occurrence of every literal, at any alignment', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(literal, fc.boolean()), {
          minLength: 1,
          maxLength: 5,
          selector: ([text]) => text,
        }),
        fc.string({ unit: letters, maxLength: 60 }),
        fc.nat(3),
        (drawn, text, offset) => {
          const literals = drawn.map(
            ([value, fold]) => [fold ? value.toLowerCase() : value, fold] as const,
          );
          const shifted = Buffer.from('x'.repeat(offset) + text, 'latin1').subarray(offset);
          expect(found(literals, shifted)).toEqual(expected(literals, shifted));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('finds every built-in literal, at any alignment', () => {
    const literals = builtInLiterals.flatMap(({ texts, fold }) =>
      texts.map((literal) => ({ literal, fold })),
    );
    const index = new AnchorIndex(builtInLiterals);
    const isFound = (number: number, before: string): boolean => {
      const bytes = Buffer.from(`${before}${literals[number]?.literal}`, 'latin1');
      let isSeen = false;
      index.scan(bytes, (anchor, start) => {
        isSeen ||= anchor === number && start === before.length;
        return isSeen;
      });
      return isSeen;
    };
    const missed = literals.filter(
      (_, number) => !['', 'x', '~~', ' . '].every((before) => isFound(number, before)),
    );
    expect(missed.map(({ literal }) => literal)).toEqual([]);
  });

  it('stops on request', () => {
    const index = new AnchorIndex([{ texts: ['abc'], fold: false }]);
    let hits = 0;
    index.scan(Buffer.from('abc abc abc'), () => {
      hits += 1;
      return hits === 2;
    });
    expect(hits).toBe(2);
  });
});

describe('the search for literals', () => {
  const scan = (search: LiteralSearch, text: Buffer): string[] => {
    const hits: string[] = [];
    search.scan(text, (index, start) => {
      hits.push(`${start}:${index}`);
      return false;
    });
    return hits;
  };

  it('finds the same with an index as in its first short text', () => {
    fc.assert(
      fc.property(
        fc.array(literal, { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        fc.string({ unit: letters, maxLength: 60 }),
        (drawn, fold, text) => {
          const half = drawn.length >> 1;
          const texts = drawn.map((value) => (fold ? value.toLowerCase() : value));
          const search = new LiteralSearch([
            { texts: texts.slice(0, half), fold },
            { texts: texts.slice(half), fold },
          ]);
          const bytes = Buffer.from(text, 'latin1');
          const first = scan(search, bytes);
          expect(first.map((hit) => Number.parseInt(hit, 10))).toEqual(
            first.map((hit) => Number.parseInt(hit, 10)).sort((a, b) => a - b),
          );
          scan(search, Buffer.alloc(32 * 1024));
          expect(scan(search, bytes).sort()).toEqual(first.sort());
        },
      ),
    );
  });

  it('stops on request', () => {
    let hits = 0;
    new LiteralSearch([{ texts: ['abc'], fold: false }]).scan(Buffer.from('abc abc abc'), () => {
      hits += 1;
      return hits === 2;
    });
    expect(hits).toBe(2);
  });
});

describe('the groups of built-in literals', () => {
  it.each([
    ['no kind', []],
    ['some kinds', ['github-token', 'password', 'datadog-key']],
  ])('are watched in the order of the table with %s disabled', (_, disabled) => {
    const watch = new BuiltInWatch(new Set(disabled));
    const literals = builtInLiterals.flatMap(({ texts, fold }) =>
      texts.map((literal) => ({ literal, fold })),
    );
    expect(literals).toHaveLength(builtInCount);
    const watched = literals.map((_literal, index) => {
      const group = watch.groupOf(index);
      return group.watched[index - group.first];
    });
    expect(watched.map((one) => ({ literal: one?.literal, fold: one?.fold ?? false }))).toEqual(
      literals,
    );
  });
});
