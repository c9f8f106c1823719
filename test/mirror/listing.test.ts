import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chainSegments, type Listing, listStream } from '../../src/mirror/slots/listing.js';
import { readChain } from '../../src/mirror/slots/reader.js';
import { encodeDocument, type GenerationDocument } from '../../src/protocol/documents.js';
import { generationName, partName } from '../../src/protocol/parts.js';
import { MemoryStore } from '../support/memory-bucket.js';

const prefix = 'p/sessions/codex/s/';

function opening(
  gen: number,
  firstSeq: number,
  base: GenerationDocument['base'],
): GenerationDocument {
  return { gen, firstSeq, base, reason: 'rewritten', who: 'alex@here', at: '2026-01-02T03:04:05Z' };
}

function byNumber(
  ...documents: readonly GenerationDocument[]
): ReadonlyMap<number, GenerationDocument> {
  return new Map(documents.map((document) => [document.gen, document]));
}

/** `generation:first sequence number×parts in all` for each segment; `*`: as many as there are. */
function inShort(
  generations: ReadonlyMap<number, GenerationDocument>,
  generation: number,
): readonly string[] | undefined {
  return chainSegments(generations, generation)?.map(
    (one) => `${one.generation}:${one.firstSequence}×${one.partsInAll ?? '*'}`,
  );
}

describe('the segments of a chain', () => {
  it('are one segment for generation 0, which needs no record', () => {
    expect(inShort(byNumber(), 0)).toEqual(['0:0×*']);
  });

  it('begin with what the base shares', () => {
    expect(inShort(byNumber(opening(1, 5, { gen: 0, parts: 3 })), 1)).toEqual(['0:0×3', '1:5×*']);
  });

  it('are only its own without a base', () => {
    expect(inShort(byNumber(opening(1, 5, null)), 1)).toEqual(['1:5×*']);
    expect(inShort(byNumber(opening(1, 5, { gen: 0, parts: 0 })), 1)).toEqual(['0:0×0', '1:5×*']);
  });

  it('include a base of a base', () => {
    const all = byNumber(opening(1, 5, { gen: 0, parts: 3 }), opening(2, 9, { gen: 1, parts: 6 }));
    expect(inShort(all, 2)).toEqual(['0:0×3', '1:5×6', '2:9×*']);
  });

  it('end inside the base of the base if the count says so', () => {
    const first = opening(1, 5, { gen: 0, parts: 3 });
    const cases: readonly [number, readonly string[]][] = [
      [1, ['0:0×1', '1:5×1', '2:9×*']],
      [3, ['0:0×3', '1:5×3', '2:9×*']],
      [4, ['0:0×3', '1:5×4', '2:9×*']],
    ];
    for (const [parts, expected] of cases) {
      expect(inShort(byNumber(first, opening(2, 9, { gen: 1, parts })), 2)).toEqual(expected);
    }
  });

  it('may skip generations', () => {
    const all = byNumber(opening(1, 5, { gen: 0, parts: 3 }), opening(3, 9, { gen: 0, parts: 2 }));
    expect(inShort(all, 3)).toEqual(['0:0×2', '3:9×*']);
  });

  it.each<[string, readonly GenerationDocument[], number]>([
    ['there is no record', [], 1],
    ['a base has no record', [opening(2, 9, { gen: 1, parts: 3 })], 2],
    [
      'the base of a base is missing',
      [opening(2, 9, { gen: 1, parts: 3 }), opening(3, 9, { gen: 2, parts: 1 })],
      3,
    ],
    ['it is its own base', [opening(1, 5, { gen: 1, parts: 3 })], 1],
    ['its base is newer', [opening(1, 5, { gen: 2, parts: 3 }), opening(2, 5, null)], 1],
    [
      'two generations are based on each other',
      [opening(1, 5, { gen: 2, parts: 1 }), opening(2, 5, { gen: 1, parts: 1 })],
      2,
    ],
  ])('cannot be told when %s', (_why, documents, generation) => {
    expect(chainSegments(byNumber(...documents), generation)).toBeUndefined();
  });

  it('are found quickly for a source that was rewritten ten thousand times', () => {
    const count = 10_000;
    const all = byNumber(
      ...Array.from({ length: count }, (_, n) => opening(n + 1, n + 1, { gen: n, parts: n + 1 })),
    );
    const segments = chainSegments(all, count);
    expect(segments).toHaveLength(count + 1);
    expect(segments?.[1]).toEqual({ generation: 1, firstSequence: 1, partsInAll: 2 });
  });

  it('are finite and add up, whatever the records say', () => {
    const records = fc.array(
      fc.record({
        gen: fc.integer({ min: 1, max: 8 }),
        firstSeq: fc.nat({ max: 50 }),
        base: fc.option(fc.record({ gen: fc.nat({ max: 9 }), parts: fc.nat({ max: 12 }) })),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(records, fc.nat({ max: 9 }), (some, generation) => {
        const all = byNumber(...some.map((one) => opening(one.gen, one.firstSeq, one.base)));
        const segments = chainSegments(all, generation);
        if (segments === undefined) return;
        const numbers = segments.map((one) => one.generation);
        expect(numbers).toEqual([...new Set(numbers)].sort((left, right) => left - right));
        expect(segments.at(-1)).toMatchObject({ generation, partsInAll: undefined });
        const lengths = segments.slice(0, -1).map(({ partsInAll }) => partsInAll ?? NaN);
        expect(lengths).toEqual([...lengths].sort((left, right) => left - right));
        expect(lengths.at(-1) ?? 0).toBe(all.get(generation)?.base?.parts ?? 0);
      }),
    );
  });
});

describe('listing a stream', () => {
  it('finds parts and generations, and the next free sequence number', async () => {
    const listing = await listed({
      [partName(0, 0, 0)]: 'a\n',
      [partName(1, 0, 1)]: 'b\n',
      [generationName(1)]: encodeDocument(opening(1, 2, { gen: 0, parts: 1 })),
      [partName(2, 1, 1)]: 'c\n',
    });
    expect([...listing.parts.keys()].sort()).toEqual([
      partName(0, 0, 0),
      partName(1, 0, 1),
      partName(2, 1, 1),
    ]);
    expect([listing.newestGeneration, listing.nextSequence]).toEqual([1, 3]);
  });

  it('counts a generation without parts', async () => {
    const listing = await listed({
      [partName(0, 0, 0)]: 'a\n',
      [generationName(1)]: encodeDocument(opening(1, 40, null)),
    });
    expect(listing.nextSequence).toBe(40);
  });

  it('skips what is not part of the protocol', async () => {
    const listing = await listed({
      'meta.json': '{}',
      'transcript.jsonl': 'a\n',
      'part-00000-zzzzzzzz.jsonl': 'a\n',
      'nested/part-00000-8ee8749b.jsonl': 'a\n',
      'gen-00000.json': encodeDocument(opening(0, 0, null)),
    });
    expect([...listing.parts.keys()]).toEqual([]);
    expect([listing.newestGeneration, listing.nextSequence]).toEqual([0, 0]);
  });

  it('skips numbers that are too large to continue from', async () => {
    const listing = await listed({
      'part-9007199254740992-00000000.jsonl': 'a\n',
      'gen-99999999999999999999.json': encodeDocument(opening(1, 0, null)),
      [generationName(1)]: encodeDocument(opening(1, 1e308, null)),
    });
    expect([listing.newestGeneration, listing.nextSequence]).toEqual([1, 0]);
    expect(listing.generations.size).toBe(0);
  });

  it.each<[string, string | Buffer]>([
    ['is not JSON', '{'],
    ['is another document', '{"hello": 1}'],
    ['speaks of another generation', encodeDocument(opening(1, 9, null))],
  ])('does not reuse the number of a generation whose record %s', async (_why, body) => {
    const listing = await listed({ [generationName(2)]: body });
    expect(listing.generations.size).toBe(0);
    expect(listing.newestGeneration).toBe(2);
  });
});

describe('reading a chain', () => {
  const files = {
    [partName(0, 0, 0)]: 'a1\na2\n',
    [partName(1, 0, 2)]: 'a3\n',
    [partName(2, 0, 3)]: 'a4\n',
    [generationName(1)]: encodeDocument(opening(1, 3, { gen: 0, parts: 2 })),
    [partName(3, 1, 3)]: 'b4\n',
    [partName(4, 1, 4)]: 'b5\n',
    [generationName(2)]: encodeDocument(opening(2, 5, { gen: 1, parts: 1 })),
    [partName(5, 2, 2)]: 'c3\n',
  };

  it.each([
    [0, 'a1 a2 a3 a4'],
    [1, 'a1 a2 a3 b4 b5'],
    [2, 'a1 a2 c3'],
    [3, ''],
  ])('generation %i', async (generation, expected) => {
    expect(await read(files, generation)).toBe(expected);
  });

  it('stops at the first missing part', async () => {
    const { [partName(1, 0, 2)]: _missing, ...rest } = files;
    expect(await read(rest, 0)).toBe('a1 a2');
  });

  it('does not accept a part that was written for another line', async () => {
    expect(await read({ [partName(0, 0, 0)]: 'a1\n', [partName(1, 0, 2)]: 'a3\n' }, 0)).toBe('a1');
  });
});

async function listed(files: Readonly<Record<string, string | Buffer>>): Promise<Listing> {
  return listStream((await filled(files)).client(), prefix);
}

async function filled(files: Readonly<Record<string, string | Buffer>>): Promise<MemoryStore> {
  const store = new MemoryStore(false);
  for (const [leaf, body] of Object.entries(files)) {
    await store.client().put(prefix + leaf, Buffer.from(body));
  }
  return store;
}

async function read(
  files: Readonly<Record<string, string | Buffer>>,
  generation: number,
): Promise<string> {
  const client = (await filled(files)).client();
  const lines: string[] = [];
  for await (const part of readChain(client, await listStream(client, prefix), generation)) {
    lines.push(part.body.toString().trim().replaceAll('\n', ' '));
  }
  return lines.join(' ');
}
