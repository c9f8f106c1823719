import { readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { openLocalBucket } from '../../src/bucket/local/bucket.js';
import { nodeIo } from '../../src/io.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { generationName, partName } from '../../src/protocol/parts.js';
import { indexSessions } from '../../src/search/cache/index-sessions.js';
import { type Keep, SearchPacks } from '../../src/search/cache/search-packs.js';
import { createMatcher, type Query } from '../../src/search/matcher.js';
import { Pack } from '../../src/search/pack/pack.js';
import { harnessesIn, type SearchScope, scanSessions } from '../../src/search/scan.js';
import { listIndexed } from '../../src/sessions/indexed.js';
import { shortIds } from '../../src/sessions/reference.js';
import { withCounts } from '../support/counting-bucket.js';
import { writeObject } from '../support/generated-run.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import { query, rows, spelling, textWith, word } from './texts.js';

const corpora = Number(process.env.SEARCH_PACKS ?? 6);
const layout = bucketLayout('run');
const plain: Query = {
  words: [],
  isAny: false,
  isWhole: false,
  isSubstring: false,
  isRegex: false,
};
const everything: SearchScope = { hasSubagents: true };

let home: string;
let remove: () => Promise<void>;
let bucket: Bucket;

beforeEach(async () => {
  const folder = await createTemporaryFolder();
  home = folder.path;
  remove = folder.remove;
  bucket = await openLocalBucket({ root: home });
});

afterEach(async () => {
  await bucket.close();
  await remove();
});

const cache = () => join(home, '.cache');

function openPacks(keep: Keep, lateMs = 60_000): Promise<SearchPacks> {
  const nowMs = Date.now() + lateMs;
  return SearchPacks.open({ io: nodeIo, folder: cache(), root: layout.root, nowMs, keep });
}

/** Packs everything, and says how much had to be read. */
async function index(lateMs?: number): Promise<number> {
  const packs = await openPacks('everything', lateMs);
  const { coverage, keeper } = packs;
  if (keeper === undefined) throw new Error('nothing is kept');
  const { sessions } = await listIndexed(bucket, layout, await harnessesIn(bucket, layout));
  let bytes = 0;
  for await (const one of indexSessions({ bucket, layout, coverage, keeper }, sessions)) {
    expect(one.unread).toBeUndefined();
    bytes += one.bytes;
  }
  await packs.settle({ isWhole: true });
  return bytes;
}

interface Asked extends Partial<Query> {
  readonly scope?: Partial<SearchScope>;
  readonly from?: Bucket;
}

/** Everything that a search says, without and with what is kept. */
async function search({ scope = {}, from = bucket, ...asked }: Asked, packs?: SearchPacks) {
  const found: object[] = [];
  let scannedBytes = 0;
  const sessions = scanSessions({
    bucket: from,
    layout,
    matcher: createMatcher({ ...plain, ...asked }),
    scope: { ...everything, ...scope },
    perSession: 3,
    shortIds,
    listed: listIndexed,
    coverage: packs?.coverage,
    keeper: packs?.keeper,
  });
  for await (const { scannedBytes: bytes, ...one } of sessions) {
    scannedBytes += bytes;
    found.push(one);
  }
  return { found, scannedBytes };
}

/** A session's stream in parts of so many lines. */
async function writeStream(
  folder: string,
  lines: readonly string[],
  { per = 3, generation = 0, from = 0, sequence = 0 } = {},
): Promise<void> {
  for (let at = 0, number = sequence; at < lines.length; at += per, number += 1) {
    const body = lines.slice(at, at + per).map((line) => `${line}\n`);
    const name = partName(number, generation, from + at);
    await writeObject(join(home, 'run'), `${folder}/${name}`, body.join(''));
  }
}

async function packedTexts(): Promise<string> {
  const texts: string[] = [];
  for (const name of await readdir(cache())) {
    const bytes = await readFile(join(cache(), name));
    const read = (at: number, length: number) =>
      Promise.resolve(Buffer.from(bytes.subarray(at, at + length)));
    const pack = await Pack.open({ size: bytes.length, read });
    for (const section of pack.sections.keys()) {
      for (const { block } of pack.blocksOf(section)) {
        for (const { text } of await pack.rows(block)) texts.push(text);
      }
    }
  }
  return texts.join('\n');
}

const said = (text: string, minute = 0) =>
  JSON.stringify({
    type: 'user',
    uuid: `u${minute}`,
    timestamp: new Date(Date.UTC(2026, 10, 5, 10, minute)).toISOString(),
    message: { role: 'user', content: text },
  });

const line = (words: readonly string[]) =>
  fc
    .record({ text: textWith(words), spell: spelling, row: fc.constantFrom(...rows) })
    .map(({ text, spell, row }) => row(spell(text)).replaceAll('\n', ' '));

it('answers as if everything had been read, and reads nothing', async () => {
  let hits = 0;
  const corpus = fc.array(word, { minLength: 1, maxLength: 3 }).chain((words) =>
    fc.record({
      words: fc.constant(words),
      queries: fc.array(query, { minLength: 3, maxLength: 3 }),
      streams: fc.array(
        fc.record({
          folder: fc.constantFrom(
            'sessions/claude-code/a',
            'sessions/codex/b',
            'sessions/hermes/c',
            'sessions/unheard-of/d',
            'streams/claude-code/a/subagents/agent-1',
          ),
          lines: fc.array(line(words), { minLength: 1, maxLength: 14 }),
          per: fc.integer({ min: 1, max: 6 }),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      more: fc.array(line(words), { minLength: 1, maxLength: 4 }),
      rewritten: fc.option(fc.array(line(words), { minLength: 1, maxLength: 5 }), {
        nil: undefined,
      }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(corpus, async ({ words, queries, streams, more, rewritten }) => {
      for (const name of ['run', '.cache'])
        await rm(join(home, name), { recursive: true, force: true });
      for (const { folder, lines, per } of streams) {
        await rm(join(home, 'run', folder), { recursive: true, force: true });
        await writeStream(folder, lines, { per });
        // Its parent is what a sub-agent is listed by.
        await writeObject(join(home, 'run'), 'sessions/claude-code/a/meta.json', '{}');
      }
      const isKept = (await index()) >= 0 && (await readdir(cache()).catch(() => [])).length > 0;
      const packs = await openPacks('nothing');
      for (const flags of queries) {
        const scanned = await search({ words, ...flags });
        const packed = await search({ words, ...flags }, packs);
        expect(packed.found).toEqual(scanned.found);
        if (isKept) expect(packed.scannedBytes).toBeLessThan(scanned.scannedBytes);
        hits += scanned.found.length;
      }
      const [first] = streams;
      if (first === undefined) return;
      const { folder, lines, per } = first;
      await writeStream(folder, more, {
        from: lines.length,
        sequence: Math.ceil(lines.length / per),
      });
      if (rewritten !== undefined) {
        const record = {
          gen: 1,
          firstSeq: 50,
          base: { gen: 0, parts: 1 },
          reason: 'rewritten',
          who: 'x',
          at: '2026-01-01T00:00:00Z',
          nonce: 'n',
        };
        await writeObject(
          join(home, 'run'),
          `${folder}/${generationName(1)}`,
          JSON.stringify(record),
        );
        await writeStream(folder, rewritten, {
          generation: 1,
          from: Math.min(per, lines.length),
          sequence: 50,
        });
      }
      for (const flags of queries) {
        const scanned = await search({ words, ...flags });
        expect((await search({ words, ...flags }, packs)).found).toEqual(scanned.found);
      }
    }),
    { numRuns: corpora, ...(corpora > 100 ? { interruptAfterTimeLimit: 3_600_000 } : {}) },
  );
  expect(hits).toBeGreaterThan(corpora);
});

describe('what is kept', () => {
  const lines = Array.from({ length: 60 }, (_, n) =>
    said(`row ${n} of checkout_total ${n % 7}`, n),
  );
  const folder = 'sessions/claude-code/s1';
  const pathOf = (part: number, from: number) => join(home, 'run', folder, partName(part, 0, from));

  beforeEach(async () => {
    await writeStream(folder, lines);
  });

  it('spares every read of a part, and all but the candidates of the packs', async () => {
    const read = await index();
    expect(read).toBe(lines.reduce((sum, one) => sum + one.length + 1, 0));
    for (const name of ['agent-1', 'agent-2']) {
      await writeStream(`streams/claude-code/s1/subagents/${name}`, lines);
    }
    await index();
    const counted = withCounts(bucket);
    const { found, scannedBytes } = await search(
      { words: ['total'], from: counted },
      await openPacks('nothing'),
    );
    expect(found).toMatchObject([{ count: 180, lines: 180 }]);
    expect(scannedBytes).toBe(0);
    // The session's meta.json, which there is none of.
    expect(counted.counts().get).toBe(1);
    // Harnesses, sessions, the main stream, and all further streams.
    expect(counted.counts().list).toBe(4);
    expect(await index()).toBe(0);
  });

  it('is made by a search that had to read, and is used by the next one', async () => {
    const packs = await openPacks('much');
    const first = await search({ words: ['row'] }, packs);
    await packs.settle({ isWhole: true });
    const second = await search({ words: ['row'] }, await openPacks('much'));
    expect(second.found).toEqual(first.found);
    expect([first.scannedBytes > 0, second.scannedBytes]).toEqual([true, 0]);
  });

  it('does not answer for a part that was rewritten in place, and loses its text', async () => {
    await index();
    const body = await readFile(pathOf(4, 12), 'utf8');
    await writeFile(pathOf(4, 12), body.replace('row 13', 'ROW_ab'));
    await utimes(pathOf(4, 12), new Date(), new Date(Date.now() + 30));
    const packs = await openPacks('nothing');
    const { found, scannedBytes } = await search({ words: ['13'] }, packs);
    expect(found).toMatchObject([{ count: 0 }]);
    expect(scannedBytes).toBe(Buffer.byteLength(body));
    expect((await search({ words: ['row_ab'] }, packs)).found).toMatchObject([{ count: 1 }]);
    expect(await packedTexts()).toContain('row 13 ');
    await packs.settle({ isWhole: true });
    expect(await readdir(cache())).toEqual([]);
    await index();
    expect(await packedTexts()).not.toContain('row 13 ');
    expect(await packedTexts()).toContain('ROW_ab');
  });

  it('loses the text of a session that was removed', async () => {
    await writeStream('sessions/codex/s2', lines);
    await index();
    await rm(join(home, 'run', 'sessions/codex/s2'), { recursive: true });
    expect((await search({ words: ['row'] }, await openPacks('nothing'))).found).toHaveLength(1);
    const packs = await openPacks('nothing');
    await search({ words: ['row'], scope: { harness: 'claude-code' } }, packs);
    await packs.settle({ isWhole: false });
    expect(await readdir(cache())).toHaveLength(1);
    await index();
    expect(await readdir(cache())).toEqual([]);
  });

  it('is nothing that was written just now: it could change once more within a tick', async () => {
    await index(0);
    expect(await readdir(cache()).catch(() => [])).toEqual([]);
  });

  it('is read from the bucket again once a file is damaged, and the file goes', async () => {
    await index();
    const scanned = await search({ words: ['total'] });
    const [name = ''] = await readdir(cache());
    const bytes = await readFile(join(cache(), name));
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    await writeFile(join(cache(), name), bytes);
    const packs = await openPacks('nothing');
    const found = await search({ words: ['total'] }, packs);
    expect(found).toEqual(scanned);
    await packs.settle({ isWhole: false });
    expect(await readdir(cache())).toEqual([]);
    await writeFile(join(cache(), name), bytes.subarray(0, 100));
    expect(await search({ words: ['total'] }, await openPacks('nothing'))).toEqual(scanned);
    expect(await readdir(cache())).toEqual([]);
  });

  it('joins small packs, and counts what two searches kept at once only once', async () => {
    const several = await Promise.all(Array.from({ length: 3 }, () => openPacks('much')));
    for (const [n, packs] of several.entries()) {
      await search({ words: [`${n}`] }, packs);
      await packs.settle({ isWhole: false });
    }
    const scanned = await search({ words: ['row'] });
    expect((await search({ words: ['row'] }, await openPacks('nothing'))).found).toEqual(
      scanned.found,
    );
    for (let n = 0; n < 18; n += 1) {
      await writeStream(`sessions/codex/more${n}`, lines);
      await index();
    }
    expect((await readdir(cache())).length).toBeLessThan(16);
    const all = await search({ words: ['row', '5'] });
    const packed = await search({ words: ['row', '5'] }, await openPacks('nothing'));
    expect(packed).toEqual({ ...all, scannedBytes: 0 });
  });

  it('is at most so much: the oldest packs go', async () => {
    const oldest = (await index()) > 0 ? await readdir(cache()) : [];
    await utimes(join(cache(), oldest[0] ?? ''), 1_000, 1_000);
    await writeStream('sessions/codex/s2', lines);
    await index();
    const names = await readdir(cache());
    expect(names).toHaveLength(2);
    const sizes = await Promise.all(
      names.map(async (name) => (await stat(join(cache(), name))).size),
    );
    const most = sizes.reduce((sum, size) => sum + size, 0) - 1;
    const nowMs = Date.now() + 60_000;
    const place = { io: nodeIo, folder: cache(), root: layout.root, nowMs };
    const exact = await SearchPacks.open({ ...place, keep: 'nothing', mostBytes: most + 1 });
    await exact.settle({ isWhole: false });
    expect(await readdir(cache())).toHaveLength(2);
    const packs = await SearchPacks.open({ ...place, keep: 'nothing', mostBytes: most });
    await packs.settle({ isWhole: false });
    expect(await readdir(cache())).toEqual(names.filter((name) => name !== oldest[0]));
    const scanned = await search({ words: ['row', '5'] });
    expect((await search({ words: ['row', '5'] }, await openPacks('nothing'))).found).toEqual(
      scanned.found,
    );
  });

  it('lists sessions that have all words in different rows, as a scan does', async () => {
    await writeStream(
      'sessions/codex/spread',
      Array.from({ length: 30 }, (_, n) =>
        JSON.stringify({
          type: 'event_msg',
          payload: {
            type: 'user_message',
            message: n === 3 ? 'zebra here' : n === 20 ? 'quagga there' : 'nothing',
          },
        }),
      ),
    );
    const scanned = await search({ words: ['zebra', 'quagga'] });
    expect(scanned.found).toContainEqual(expect.objectContaining({ isSpread: true }));
    await index();
    const packed = await search({ words: ['zebra', 'quagga'] }, await openPacks('nothing'));
    expect(packed).toEqual({ ...scanned, scannedBytes: 0 });
  });

  it('shows a row that is stored once more after it was packed only once', async () => {
    const state = (text: string) =>
      JSON.stringify({ op: 'update', id: 7, role: 'user', content: text });
    await writeStream(
      'sessions/hermes/h',
      Array.from({ length: 20 }, () => state('pack for the trip')),
    );
    await index();
    await writeStream('sessions/hermes/h', [state('pack for the trip'), state('the trip is off')], {
      from: 20,
      sequence: 7,
    });
    const packs = await openPacks('nothing');
    const { found, scannedBytes } = await search({ words: ['trip'] }, packs);
    expect(found).toMatchObject([{ count: 2, hits: [{ line: 0 }, { line: 21 }] }, { count: 0 }]);
    expect(scannedBytes).toBeGreaterThan(0);
    expect(found).toEqual((await search({ words: ['trip'] })).found);
  });

  it('narrows by time, role and tool as a scan does', async () => {
    await index();
    const packs = await openPacks('nothing');
    const scopes: readonly Partial<SearchScope>[] = [
      { sinceMs: Date.UTC(2026, 10, 5, 10, 30) },
      { untilMs: Date.UTC(2026, 10, 5, 10, 30) },
      { sinceMs: Date.UTC(2026, 10, 6) },
      { role: 'user' },
      { role: 'tool' },
    ];
    const counts: number[] = [];
    for (const scope of scopes) {
      const scanned = await search({ words: ['row'], scope });
      expect((await search({ words: ['row'], scope }, packs)).found).toEqual(scanned.found);
      counts.push((scanned.found[0] as { count: number }).count);
    }
    expect(counts).toEqual([30, 30, 0, 60, 0]);
  });
});
