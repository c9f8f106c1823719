import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ProofOrder, type ProofTurn } from '../../src/search/proof-order.js';

/** Which turns have come by now. */
async function come(turns: readonly ProofTurn[]): Promise<readonly number[]> {
  const have: number[] = [];
  for (const [n, turn] of turns.entries()) turn.come.then(() => have.push(n));
  await new Promise((done) => setImmediate(done));
  return have.sort((left, right) => left - right);
}

const turnsOf = (order: ProofOrder, count: number) =>
  Array.from({ length: count }, () => order.next());

it('lets the first ones that have something come, as many as are wanted, whoever is known first', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { maxLength: 30 }),
      fc.nat(8),
      fc.infiniteStream(fc.nat()),
      async (shown, wanted, random) => {
        const turns = turnsOf(new ProofOrder(wanted), shown.length);
        const order = [...shown.keys()]
          .map((n) => ({ n, at: random.next().value }))
          .sort((left, right) => left.at - right.at);
        for (const { n } of order) turns[n]?.found(shown[n] === true);
        const first = [...shown.keys()].filter((n) => shown[n]).slice(0, wanted);
        expect(await come(turns)).toEqual(first);
      },
    ),
  );
});

it('lets nobody come before all earlier ones are known, unless somebody asks', async () => {
  const turns = turnsOf(new ProofOrder(2), 4);
  turns[1]?.found(true);
  turns[2]?.found(true);
  expect(await come(turns)).toEqual([]);
  turns[3]?.found(true);
  turns[3]?.ask();
  expect(await come(turns)).toEqual([3]);
  turns[0]?.found(false);
  // What is said once more does not count.
  turns[0]?.found(true);
  expect(await come(turns)).toEqual([1, 2, 3]);
});
