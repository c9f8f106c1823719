import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generationName, partName } from '../../src/protocol/parts.js';
import type { PlacedRow } from '../../src/search/pack/block.js';
import { contentOf } from '../../src/search/pack/pack-content.js';
import { packName } from '../../src/search/pack/pack-name.js';
import { PackWriter } from '../../src/search/pack/pack-writer.js';
import { changePurgeMark } from '../../src/search/published/purge-mark.js';
import { withCounts } from '../support/counting-bucket.js';
import { Mortal } from '../support/mortal.js';
import { layout, SharedRig, said } from './shared-rig.js';

/** Scripts of kills and races. */
const scripts = Number(process.env.SHARED_PACKS ?? 6);
const indexers = ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb'] as const;
const [one, two] = indexers;
const patience = () => new AbortController().signal;

async function published(count = 20, noise = 0): Promise<SharedRig> {
  const folder = 'sessions/claude-code/s1';
  const rig = new SharedRig();
  const publisher = rig.publisher(one);
  for (let n = 0; n < count; n += 1) {
    await rig.send(publisher, folder, [
      said(`row ${n} of checkout_total, no. id${n}q`),
      said(`more ${n} ${randomBytes(noise).toString('hex').replace(/.{40}/g, '$& ')}`),
    ]);
  }
  await publisher.finish(patience());
  return rig;
}

/** The same pack with other rows, as somebody else might write it. */
async function forged(
  rig: SharedRig,
  rowsOf: (rows: readonly PlacedRow[]) => readonly PlacedRow[],
) {
  const [original] = await rig.packs().open();
  if (original === undefined) throw new Error('no pack');
  const writer = new PackWriter();
  for (const { part, rows } of await contentOf(original.pack)) writer.add(part, rowsOf(rows));
  await rig.bucket.delete(original.key);
  const bytes = writer.finish();
  const key = layout.searchPack(two, packName(bytes));
  await rig.bucket.put(key, bytes);
  return { key, bytes };
}

describe('packs of others', () => {
  it('show no row that its part does not have', async () => {
    const rig = await published();
    await forged(rig, (rows) =>
      rows.map((row) => ({ ...row, text: row.text.replace('row 7', 'row of malice') })),
    );
    const found = await rig.search(['malice']);
    expect(found.found).toMatchObject([{ count: 0, hits: [] }]);
    expect(found.scannedBytes).toBeGreaterThan(0);
    expect((await rig.search(['total'])).found).toEqual(
      (await rig.search(['total'], { isScan: true })).found,
    );
  });

  it('cannot say who said a row, when, or with which tool', async () => {
    const rig = await published();
    const scanned = await rig.search(['total'], { isScan: true });
    for (const lie of [
      { role: 'assistant' },
      { tool: 'Bash' },
      { atMs: 5 },
      { line: 3 },
    ] as const) {
      await forged(rig, (rows) => rows.map((row) => ({ ...row, ...lie, line: row.line })));
      expect((await rig.search(['total'])).found).toEqual(scanned.found);
    }
  });

  it('may hide lines, but not from a scan', async () => {
    const rig = await published();
    await forged(rig, (rows) => rows.filter(({ text }) => !text.includes('row 7 ')));
    expect((await rig.search(['7', 'total'])).found).toMatchObject([{ count: 0 }]);
    expect((await rig.search(['7', 'total'], { isScan: true })).found).toMatchObject([
      { count: 1 },
    ]);
  });

  it('that cover too few lines are found out', async () => {
    const rig = await published();
    const [original] = await rig.packs().open();
    if (original === undefined) throw new Error('no pack');
    const writer = new PackWriter();
    for (const { part, rows } of await contentOf(original.pack)) {
      writer.add({ ...part, endLine: part.startLine + 1 }, rows.slice(0, 1));
    }
    await rig.bucket.delete(original.key);
    const bytes = writer.finish();
    await rig.bucket.put(layout.searchPack(two, packName(bytes)), bytes);
    const [found] = (await rig.search(['more', '7'])).found;
    expect(found).toMatchObject({ unread: expect.stringMatching(/./) });
  });

  it.each([
    ['is cut off', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['is empty', () => Buffer.alloc(0)],
    ['is something else', () => Buffer.from('x'.repeat(5_000))],
    ['has another block', (bytes: Buffer) => Buffer.concat([Buffer.from('X'), bytes.subarray(1)])],
  ])('count for nothing if one %s, and stay where they are', async (_what, change) => {
    const rig = await published();
    const [key = ''] = rig.packKeys();
    const bytes = rig.store.objects.get(key)?.body ?? Buffer.alloc(0);
    await rig.bucket.put(key, change(bytes));
    const scanned = await rig.search(['total'], { isScan: true });
    expect(await rig.search(['total'])).toEqual(scanned);
    expect(rig.packKeys()).toEqual([key]);
  });

  it('that are gone before they are read are done without', async () => {
    const rig = await published(100, 1_500);
    const packs = await rig.packs().open();
    const [key = ''] = rig.packKeys();
    await rig.bucket.delete(key);
    const scanned = await rig.search(['total'], { isScan: true });
    expect(await rig.search(['total'], { packs })).toEqual(scanned);
  });

  it('are read by ranges: no part is, but for the lines that are shown', async () => {
    const rig = await published(100, 1_500);
    const bucket = withCounts(rig.bucket);
    const { found } = await rig.search(['id77q'], { from: bucket });
    expect(found).toMatchObject([{ count: 1 }]);
    // The pack's end, pieces of its dictionary, one block; the session's meta.json, and one part.
    expect(bucket.counts().get).toBeLessThan(8);
  });
});

describe('a search that is to stop', () => {
  const sessions = 30;

  async function many(): Promise<SharedRig> {
    const rig = new SharedRig();
    const publisher = rig.publisher(one);
    for (let n = 0; n < sessions; n += 1) {
      const text = n % 3 === 0 ? 'a plum' : 'a quince';
      await rig.send(publisher, `sessions/claude-code/s${n}`, [said(`${text} of session ${n}`)]);
    }
    await publisher.finish(patience());
    return rig;
  }

  it('proves hits only of the sessions that it shows', async () => {
    const rig = await many();
    const reads = async (limit: number) => {
      const bucket = withCounts(rig.bucket);
      const { found } = await rig.search(['plum'], { from: bucket, limit });
      return { shown: found.length, gets: bucket.counts().get };
    };
    const [none, few, all] = [await reads(0), await reads(4), await reads(Infinity)];
    expect(few.gets - (all.gets - 10)).toBe(4);
    expect(few.shown).toBe(10);
    expect(none.shown).toBe(all.shown);
  });

  it('shows what a scan shows, also where a pack has more hits than there are', async () => {
    const rig = await many();
    await forged(rig, (rows) =>
      rows.map((row) => ({ ...row, text: row.text.replace('quince', 'plum') })),
    );
    for (const limit of [1, 4, 10, 11]) {
      const scanned = await rig.search(['plum'], { isScan: true, limit });
      expect((await rig.search(['plum'], { limit })).found).toEqual(scanned.found);
    }
  });
});

describe('whatever happens', () => {
  const folder = fc.constantFrom(
    'sessions/claude-code/a',
    'sessions/codex/b',
    'streams/claude-code/a/subagents/agent-1',
  );
  const machine = fc.constantFrom(0, 1);
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('send' as const),
        machine,
        folder,
        parts: fc.integer({ min: 1, max: 24 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('foreign' as const), folder }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('publish' as const),
        machines: fc.constantFrom([0], [1], [0, 1]),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('kill' as const),
        machine,
        at: fc.nat({ max: 14 }),
        death: fc.constantFrom('before' as const, 'after' as const, 'on-its-way' as const),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('rewrite' as const), nth: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const), folder }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('purge' as const), folder }) },
  );

  it('what was in the bucket before a search began is found', async () => {
    let searches = 0;
    let packed = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 4, maxLength: 16 }),
        fc.boolean(),
        async (steps, listsDigests) => {
          const world = new World(listsDigests);
          for (const each of steps) {
            const words = [...world.words()].slice(-3);
            const hits = words.map((word) => world.rig.search([word]));
            await world.take(each);
            for (const [nth, searched] of (await Promise.all(hits)).entries()) {
              searches += 1;
              const isKept = world.words().has(words[nth] ?? '');
              if (isKept) expect(JSON.stringify(searched.found)).toContain(`${words[nth]} `);
            }
          }
          const words = [...world.words()];
          const edited = words.filter((word) => word.startsWith('edit'));
          for (const word of ['checkout', ...words.slice(-2), ...edited]) {
            const scanned = await world.rig.search([word], { isScan: true });
            const found = await world.rig.search([word]);
            expect(found.found).toEqual(scanned.found);
            searches += 1;
            packed += found.scannedBytes < scanned.scannedBytes ? 1 : 0;
          }
        },
      ),
      { numRuns: scripts, ...(scripts > 50 ? { interruptAfterTimeLimit: 3_600_000 } : {}) },
    );
    expect(searches).toBeGreaterThan(scripts);
    expect(packed).toBeGreaterThan(scripts / 4);
  });

  type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

  class World {
    readonly rig: SharedRig;
    readonly #publishers;
    #next = 0;

    constructor(listsDigests: boolean) {
      this.rig = new SharedRig({ listsDigests });
      // Its parent is what a sub-agent is listed by.
      const meta = { body: Buffer.from('{}'), modifiedAt: new Date(0) };
      this.rig.store.objects.set(layout.meta('claude-code', 'a'), meta);
      this.#publishers = indexers.map((indexer) => this.rig.publisher(indexer));
    }

    /** Of each line that readers find, the word that no other line has. */
    words(): ReadonlySet<string> {
      const words = new Set<string>();
      for (const [key, { body }] of this.rig.store.objects) {
        if (!key.endsWith('.jsonl')) continue;
        for (const [word] of body.toString('utf8').matchAll(/(?:word|edit)\d+x/g)) words.add(word);
      }
      for (const word of this.#replaced) words.delete(word);
      return words;
    }

    readonly #replaced = new Set<string>();

    async take(one: Step): Promise<void> {
      const { rig } = this;
      rig.advance(5_000);
      switch (one.do) {
        case 'send':
          for (let n = 0; n < one.parts; n += 1) {
            await rig.send(this.#publishers[one.machine], one.folder, this.#lines());
          }
          return;
        case 'foreign':
          await rig.send(undefined, one.folder, this.#lines());
          return;
        case 'publish':
          rig.advance(5_000);
          await Promise.all(one.machines.map((at) => this.#publishers[at]?.finish(patience())));
          return;
        case 'kill':
          return this.#kill(one);
        case 'rewrite':
          return this.#rewrite(one.nth);
        case 'reopen':
          return this.#reopen(one.folder);
        case 'purge':
          await changePurgeMark({ bucket: rig.bucket, layout });
          await rig.packs().forget((prefix) => prefix.startsWith(one.folder));
      }
    }

    /** What waits with a process dies with it. */
    async #kill({ machine: at, at: deathAt, death }: Extract<Step, { do: 'kill' }>): Promise<void> {
      const indexer = indexers[at] ?? one;
      const mortal = new Mortal(deathAt, death);
      const dying = this.rig.publisher(indexer, { bucket: mortal.bucket(this.rig.bucket) });
      for (let n = 0; n < 17; n += 1) {
        await this.rig.send(dying, 'sessions/codex/dying', this.#lines());
      }
      this.rig.advance(5_000);
      await Promise.race([dying.finish(patience()), mortal.died]);
      this.#publishers[at] = this.rig.publisher(indexer);
      await mortal.arrive();
    }

    #lines(): readonly string[] {
      this.#next += 1;
      return [said(`word${this.#next}x of checkout`)];
    }

    async #rewrite(nth: number): Promise<void> {
      const keys = [...this.rig.store.objects.keys()].filter((key) => key.endsWith('.jsonl'));
      const key = keys[nth % Math.max(1, keys.length)];
      const body = key === undefined ? undefined : this.rig.store.objects.get(key)?.body;
      if (key === undefined || body === undefined) return;
      const [word = ''] = /(?:word|edit)\d+x/.exec(body.toString('utf8')) ?? [];
      // A line of an older generation is none that readers find.
      if (this.#replaced.has(word)) return;
      this.#replaced.add(word);
      await this.rig.bucket.put(
        key,
        Buffer.from(body.toString('utf8').replace(word, word.replace('word', 'edit'))),
      );
    }

    /** A transcript that was rewritten from its beginning. */
    async #reopen(place: string): Promise<void> {
      const root = `${layout.root}${place}/`;
      const mine = [...this.rig.store.objects].filter(([key]) => key.startsWith(root));
      if (mine.length === 0) return;
      const numbers = mine.flatMap(([key]) => /\/gen-(\d+)/.exec(key)?.[1] ?? []).map(Number);
      const gen = Math.max(0, ...numbers) + 1;
      const firstSeq = 1_000 * gen;
      for (const [, { body }] of mine) {
        for (const [word] of body.toString('utf8').matchAll(/(?:word|edit)\d+x/g)) {
          this.#replaced.add(word);
        }
      }
      const record = {
        gen,
        firstSeq,
        base: null,
        reason: 'rewritten',
        who: 'x',
        at: 'now',
        nonce: 'n',
      };
      await this.rig.bucket.put(
        `${root}${generationName(gen)}`,
        Buffer.from(JSON.stringify(record)),
      );
      const body = this.#lines().map((line) => `${line}\n`);
      await this.rig.bucket.put(`${root}${partName(firstSeq, gen, 0)}`, Buffer.from(body.join('')));
      this.rig.continueFrom(place, { lines: 1, parts: firstSeq + 1, generation: gen });
    }
  }
});
