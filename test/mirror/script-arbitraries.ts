import fc from 'fast-check';
import type { PutFate } from '../support/memory-bucket.js';
import type { Event, Script } from './mirror-script.js';

const writer = fc.nat({ max: 1 });
const fates = fc.constantFrom<PutFate>('lost', 'applied-unanswered', 'delayed');

/** State is kept; the file only grows. */
const kept: fc.WeightedArbitrary<Event>[] = [
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('append'), lines: fc.integer({ min: 1, max: 8 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'fragment' }) },
  {
    weight: 14,
    arbitrary: fc.record({
      do: fc.constant('step'),
      writer,
      steps: fc.integer({ min: 1, max: 30 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('audit'), writer }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash'), writer }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('fate'), fate: fates }) },
  { weight: 1, arbitrary: fc.constant({ do: 'deliver' }) },
];

const appendOnly: fc.WeightedArbitrary<Event>[] = [
  ...kept,
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget'), writer }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rollback'), writer }) },
];

/** State is lost, but only when nothing is under way. */
const settled: fc.WeightedArbitrary<Event>[] = [
  ...kept,
  { weight: 2, arbitrary: fc.record({ do: fc.constant('move'), writer }) },
];

const anything: fc.WeightedArbitrary<Event>[] = [
  ...appendOnly,
  { weight: 2, arbitrary: fc.record({ do: fc.constant('truncate'), keep: fc.nat({ max: 10 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rewrite'), lines: fc.nat({ max: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replace'), lines: fc.nat({ max: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('edit'), at: fc.nat({ max: 9 }) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'delete' }) },
];

const kinds = {
  'append-only': appendOnly,
  'append-only, state kept': kept,
  'append-only, state lost at rest': settled,
  anything,
};

export function scripts(kind: keyof typeof kinds, writers: number): fc.Arbitrary<Script> {
  return fc.record({
    events: fc.array(fc.oneof(...kinds[kind]), { minLength: 5, maxLength: 60, size: 'max' }),
    writers: fc.constant(writers),
    listsDigests: fc.boolean(),
    goesOn: fc.boolean(),
  });
}
