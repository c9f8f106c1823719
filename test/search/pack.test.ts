import { createHash } from 'node:crypto';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMatcher } from '../../src/search/matcher.js';
import { BlockWriter, decodeBlock, type PlacedRow } from '../../src/search/pack/block.js';
import { DamagedPackError } from '../../src/search/pack/bytes.js';
import { Pack } from '../../src/search/pack/pack.js';
import { PackWriter } from '../../src/search/pack/pack-writer.js';
import { pieces, query, textWith, word } from './texts.js';

const packs = Number(process.env.SEARCH_PACKS ?? 25);
const trailerLength = 20;

const row = (text: fc.Arbitrary<string>): fc.Arbitrary<Omit<PlacedRow, 'line'>> =>
  fc.record({
    role: fc.constantFrom('user', 'assistant', 'tool', 'system'),
    tool: fc.option(fc.constantFrom('Bash', 'Read', ''), { nil: undefined }),
    atMs: fc.option(
      fc.oneof(
        fc.maxSafeInteger(),
        fc.double({ noNaN: true }).filter((ms) => !Object.is(ms, -0)),
        fc.nat(),
      ),
      {
        nil: undefined,
      },
    ),
    id: fc.option(fc.constantFrom('\u0000\u00ffabcd', 'sixsix'), { nil: undefined }),
    text,
  });

function placed(rows: readonly Omit<PlacedRow, 'line'>[], step: number): readonly PlacedRow[] {
  return rows.map((one, index) => ({ ...one, line: index * step }));
}

function partOf(prefix: string, number: number, startLine: number, endLine: number) {
  const name = `part-${String(number).padStart(5, '0')}-00000000.jsonl`;
  return { prefix, name, size: 1, modifiedMs: 1, md5: '', startLine, endLine };
}

function packOf(rows: readonly PlacedRow[], prefix = 'sessions/x/y/'): Buffer {
  const writer = new PackWriter();
  writer.add(partOf(prefix, 0, 0, (rows.at(-1)?.line ?? 0) + 1), rows);
  return writer.finish();
}

function open(bytes: Buffer): Promise<Pack> {
  return Pack.open({
    size: bytes.length,
    read: (at, length) => Promise.resolve(Buffer.from(bytes.subarray(at, at + length))),
  });
}

async function rowsOf(pack: Pack): Promise<readonly PlacedRow[]> {
  const blocks = pack.sections.flatMap((_, section) => pack.blocksOf(section));
  const rows: PlacedRow[] = [];
  for (const { block } of blocks) rows.push(...(await pack.rows(block)));
  return rows;
}

const said = (text: string, line = 0): PlacedRow => ({
  role: 'user',
  tool: undefined,
  atMs: 5,
  id: undefined,
  text,
  line,
});

it('gives back every row as it was, whatever is in it', () => {
  const text = fc.array(pieces, { maxLength: 6 }).map((some) => some.join(''));
  fc.assert(
    fc.property(
      fc.array(row(text), { maxLength: 8 }),
      fc.integer({ min: 1, max: 9 }),
      (some, step) => {
        const rows = placed(some, step);
        const block = new BlockWriter();
        for (const one of rows) block.add(one);
        expect(decodeBlock(block.finish())).toEqual(rows);
        const plain = rows.map(({ text: written }) => Buffer.from(written).toString());
        expect([...block.texts()].map((bytes) => Buffer.from(bytes).toString())).toEqual(plain);
      },
    ),
    { numRuns: 300 },
  );
});

it('names every block that holds a match', async () => {
  let found = 0;
  const corpus = fc.array(word, { minLength: 1, maxLength: 3 }).chain((words) =>
    fc.record({
      words: fc.constant(words),
      query,
      texts: fc.array(textWith(words), { minLength: 1, maxLength: 12 }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(corpus, async ({ words, query: flags, texts }) => {
      // Each row fills a block, so that a wrong block is seen.
      const rows = texts.map((text, line) => said(`${text}\n${'.'.repeat(140_000)}`, line));
      const pack = await open(packOf(rows));
      const matcher = createMatcher({ words, ...flags });
      for (const [term, needs] of matcher.needs.entries()) {
        const marks = await pack.blocksWith(needs);
        expect(marks).toHaveLength(rows.length);
        for (const { line, text } of rows) {
          if (matcher.find(text)[term] === undefined) continue;
          found += 1;
          expect([words[term], text.slice(0, 200), marks[line]]).toEqual([
            words[term],
            text.slice(0, 200),
            1,
          ]);
        }
      }
    }),
    { numRuns: packs },
  );
  expect(found).toBeGreaterThan(packs);
});

/** More than its tables hold at a time. */
it('finds each of many words in its block, and its beginnings', async () => {
  const texts = Array.from({ length: 5 }, (_, block) =>
    Array.from({ length: 30_000 }, (__, n) => `w${((n * 5 + block) * 7_919).toString(36)}`).join(
      ' ',
    ),
  );
  const pack = await open(
    packOf(texts.map((text, line) => said(`${text}\n${' '.repeat(60_000)}`, line))),
  );
  const blocks = pack.blocksOf(0).length;
  for (const [line, text] of texts.entries()) {
    const words = text.split(' ').filter((_, n) => n % 2_500 === 0);
    for (const word of words) {
      for (const isPrefix of [false, true]) {
        const marks = await pack.blocksWith([[{ text: word, isPrefix }]]);
        expect([word, marks[line], marks.length]).toEqual([word, 1, blocks]);
        if (!isPrefix) expect([...marks].filter((mark) => mark === 1)).toHaveLength(1);
      }
    }
  }
  expect([...(await pack.blocksWith([[{ text: 'w', isPrefix: true }]]))]).not.toContain(0);
  expect([...(await pack.blocksWith([[{ text: 'x', isPrefix: true }]]))]).not.toContain(1);
});

it('keeps streams, and stretches of one, apart', async () => {
  const writer = new PackWriter();
  writer.add(partOf('a/', 0, 0, 2), [said('one', 0), said('two', 1)]);
  writer.add(partOf('b/', 0, 0, 1), [said('other', 0)]);
  writer.add(partOf('a/', 1, 2, 3), [said('three', 2)]);
  writer.add(partOf('a/', 3, 7, 8), [said('eight', 7)]);
  writer.add(partOf('a/', 4, 8, 9), []);
  const pack = await open(writer.finish());
  const shown = await Promise.all(
    pack.sections.map(async ({ prefix, start, ends }, section) => {
      const rows = await Promise.all(pack.blocksOf(section).map(({ block }) => pack.rows(block)));
      return [prefix, start, ends, rows.flat().map(({ text }) => text)];
    }),
  );
  expect(shown).toEqual([
    ['a/', 0, [2, 3], ['one', 'two', 'three']],
    ['b/', 0, [1], ['other']],
    ['a/', 7, [8, 9], ['eight']],
  ]);
});

describe('a hostile pack', () => {
  /** The same blocks under another footer, whose length and digest are right. */
  function withFooter(bytes: Buffer, change: (footer: Footer) => void, padding = 0): Buffer {
    const trailer = bytes.subarray(-trailerLength);
    const at = bytes.length - trailerLength - trailer.readUInt32LE(0);
    const footer = JSON.parse(
      brotliDecompressSync(bytes.subarray(at, -trailerLength)).toString(),
    ) as Footer;
    change(footer);
    const packed = brotliCompressSync(Buffer.from(JSON.stringify(footer) + ' '.repeat(padding)), {
      params: { [constants.BROTLI_PARAM_QUALITY]: 1 },
    });
    const length = Buffer.alloc(4);
    length.writeUInt32LE(packed.length);
    const digest = createHash('sha256').update(packed).digest().subarray(0, 8);
    return Buffer.concat([bytes.subarray(0, at), packed, length, digest, Buffer.from('TCSEARC1')]);
  }

  interface Footer {
    schema: number;
    sections: { start: number; ends: number[]; names: string[] }[];
    blocks: Record<string, (number | string)[]>;
    terms: Record<string, (number | string)[]>;
  }

  const whole = packOf([said('checkout'), said('total', 1)]);

  it.each<[string, (footer: Footer) => void]>([
    ['of another version', (footer) => Object.assign(footer, { schema: 2 })],
    ['whose blocks overlap the dictionary', ({ blocks }) => (blocks.packed = [1])],
    ['whose blocks begin before it', ({ blocks }) => (blocks.packed = [-1])],
    ['with a block of a missing section', ({ blocks }) => (blocks.section = [7])],
    ['with a block that ends before it begins', ({ blocks }) => (blocks.end = [0])],
    ['with columns of different lengths', ({ blocks }) => blocks.raw?.push(1)],
    ['with a block larger than any', ({ blocks }) => (blocks.raw = [2 ** 40])],
    ['with parts that run backwards', ({ sections }) => sections[0]?.ends.unshift(5)],
    ['with fewer parts than names', ({ sections }) => sections[0]?.names.push('x')],
  ])('%s is refused', async (_, change) => {
    await expect(open(withFooter(whole, change))).rejects.toThrow(DamagedPackError);
    // The same, unchanged, is not.
    expect(await rowsOf(await open(withFooter(whole, () => undefined)))).toHaveLength(2);
  });

  it('that unpacks to more than it says is stopped', async () => {
    const bomb = packOf([said('x'.repeat(8_000_000))]);
    const lying = await open(withFooter(bomb, ({ blocks }) => (blocks.raw = [1_000])));
    await expect(lying.rows(0)).rejects.toThrow(DamagedPackError);
    expect(lying.isDamaged).toBe(true);
    const wide = withFooter(whole, () => undefined, 65 * 1024 * 1024);
    await expect(open(wide)).rejects.toThrow(DamagedPackError);
  });

  it('of any bytes changes no answer: it is refused, or reads as it was', async () => {
    const before = await rowsOf(await open(whole));
    const change = fc.record({
      at: fc.nat(whole.length - 1),
      by: fc.integer({ min: 1, max: 255 }),
      end: fc.oneof({ weight: 3, arbitrary: fc.constant(whole.length) }, fc.nat(whole.length)),
    });
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(change, async ({ at, by, end }) => {
        const bytes = Buffer.from(whole);
        bytes[at] = ((bytes[at] ?? 0) + by) % 256;
        try {
          const pack = await open(bytes.subarray(0, end));
          expect(await rowsOf(pack)).toEqual(before);
          await pack.blocksWith([[{ text: '', isPrefix: true }]]);
          expect.fail('nothing of a pack is unchecked');
        } catch (error) {
          if (!(error instanceof DamagedPackError)) throw error;
          refused += 1;
        }
      }),
      { numRuns: 400 },
    );
    expect(refused).toBeGreaterThan(300);
  });

  it('with rows of any bytes gives rows or is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(decodeBlock(Buffer.from(bytes)).length).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(DamagedPackError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
