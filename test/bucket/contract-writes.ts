import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ContractContext, text } from './contract-context.js';
import { type Racers, startRacers } from './race.js';

export function describeConditionalWrites(context: ContractContext): void {
  describe('conditional writes', () => {
    it('create an object once', async () => {
      const key = `${context.fresh()}claim`;
      const first = await context.bucket.putIfAbsent(key, text('first'));
      expect(first).toMatchObject({ written: true });
      expect(await context.bucket.putIfAbsent(key, text('second'))).toEqual({ written: false });
      expect(await context.bucket.get(key)).toMatchObject({
        body: text('first'),
        etag: first.written ? first.etag : 'none',
      });
    });

    it('replace only the version that the writer knows', async () => {
      const key = `${context.fresh()}state`;
      expect(
        await context.bucket.putIfMatch(key, text('x'), '"00000000000000000000000000000000"'),
      ).toEqual({
        written: false,
      });
      expect(await context.bucket.get(key)).toBeUndefined();
      const { etag: one } = await context.bucket.put(key, text('one'));
      const two = await context.bucket.putIfMatch(key, text('two'), one);
      expect(two).toMatchObject({ written: true });
      expect(await context.bucket.putIfMatch(key, text('late'), one)).toEqual({ written: false });
      const stored = await context.bucket.get(key);
      expect(stored?.body.toString()).toBe('two');
      expect(await context.bucket.putIfMatch(key, text('three'), stored?.etag ?? '')).toMatchObject(
        {
          written: true,
        },
      );
    });

    it('accept the ETag that a create, a replace or a file upload returned', async () => {
      const key = `${context.fresh()}chain`;
      const source = join(context.folder, 'chain');
      await writeFile(source, 'file');
      const created = await context.bucket.putIfAbsent(key, text('1'));
      if (!created.written) throw new Error('not created');
      const replaced = await context.bucket.putIfMatch(key, text('2'), created.etag);
      if (!replaced.written) throw new Error('not replaced');
      expect(await context.bucket.putIfMatch(key, text('3'), replaced.etag)).toMatchObject({
        written: true,
      });
      const { etag } = await context.bucket.putFile(key, source);
      expect(await context.bucket.putIfMatch(key, text('4'), etag)).toMatchObject({
        written: true,
      });
    });

    it('let one of many writers in one process create the object, and keep its content', async () => {
      const prefix = context.fresh();
      for (let round = 0; round < 5; round += 1) {
        const key = `${prefix}claim-${round}`;
        const bodies = Array.from({ length: 16 }, (_, index) => text(`writer ${index}`));
        const outcomes = await Promise.all(
          bodies.map((body) => context.bucket.putIfAbsent(key, body)),
        );
        const winners = bodies.filter((_, index) => outcomes[index]?.written);
        expect(winners).toEqual([(await context.bucket.get(key))?.body]);
      }
    });

    it('lose no update of a counter', async () => {
      const key = `${context.fresh()}counter`;
      await context.bucket.put(key, text(JSON.stringify({ count: 0, nonce: '' })));
      const increment = async (): Promise<void> => {
        for (;;) {
          const stored = await context.bucket.get(key);
          const { count } = JSON.parse(stored?.body.toString() ?? '');
          const nonce = randomBytes(8).toString('hex');
          const next = text(JSON.stringify({ count: count + 1, nonce }));
          if ((await context.bucket.putIfMatch(key, next, stored?.etag ?? '')).written) return;
        }
      };
      await Promise.all(Array.from({ length: 8 }, increment));
      expect(JSON.parse((await context.bucket.get(key))?.body.toString() ?? '').count).toBe(8);
    });
  });

  describe('races of processes', () => {
    const processes = 16;
    const rounds = 5;
    let racers: Racers;

    beforeAll(async () => {
      racers = await startRacers(context.target, processes);
    });

    afterAll(() => racers?.stop());

    it('have one creator, every time', async () => {
      const prefix = context.fresh();
      for (let round = 0; round < rounds; round += 1) {
        const key = `${prefix}race-${round}`;
        const outcomes = await racers.race({ key });
        const winners = outcomes.filter(({ written }) => written).map(({ body }) => body);
        expect(winners).toEqual([(await context.bucket.get(key))?.body.toString()]);
      }
    });

    it('have one replacer, every time', async () => {
      const key = `${context.fresh()}race`;
      let { etag } = await context.bucket.put(key, text('start'));
      for (let round = 0; round < rounds; round += 1) {
        const outcomes = await racers.race({ key, etag });
        const winners = outcomes.filter(({ written }) => written);
        const stored = await context.bucket.get(key);
        expect(winners.map(({ body }) => body)).toEqual([stored?.body.toString()]);
        expect(winners.map((winner) => winner.etag)).toEqual([stored?.etag]);
        etag = stored?.etag ?? '';
      }
    });
  });
}
