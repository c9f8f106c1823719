import fc from 'fast-check';
import type { Death } from '../support/mortal.js';

export type TruthStep =
  | { readonly kind: 'append'; readonly lines: number }
  | { readonly kind: 'fragment' | 'overwrite' | 'put back' | 'move' | 'stub' | 'move back' }
  | { readonly kind: 'truncate'; readonly lines: number }
  | { readonly kind: 'state lost' | 'keep state' | 'state restored' }
  | { readonly kind: 'keep bucket' | 'bucket restored' }
  | { readonly kind: 'part lost' | 'part cut'; readonly which: number }
  | { readonly kind: 'unmount' | 'mount' | 'unreadable' | 'readable' }
  | { readonly kind: 'killed'; readonly atCall: number; readonly death: Death }
  | { readonly kind: 'run' | 'run thoroughly' | 'watch' };

const counted = fc.record({
  kind: fc.constantFrom('append', 'append', 'append', 'truncate'),
  lines: fc.integer({ min: 1, max: 5 }),
});
const plain = fc.record({
  kind: fc.constantFrom(
    'fragment',
    'overwrite',
    'put back',
    'move',
    'stub',
    'move back',
    'state lost',
    'keep state',
    'state restored',
    'keep bucket',
    'bucket restored',
    'run',
    'run',
    'run thoroughly',
    'watch',
  ),
});
const damage = fc.record({
  kind: fc.constantFrom('part lost', 'part cut'),
  which: fc.nat({ max: 9 }),
});

const access = fc.record({
  kind: fc.constantFrom('unmount', 'mount', 'unreadable', 'readable'),
});
const killed = fc.record({
  kind: fc.constant('killed'),
  atCall: fc.nat({ max: 60 }),
  death: fc.constantFrom<Death>('before', 'after', 'torn', 'on-its-way'),
});

export const truthScripts = fc.array(fc.oneof(counted, plain, plain, damage, access, killed), {
  minLength: 6,
  maxLength: 14,
}) as fc.Arbitrary<readonly TruthStep[]>;
