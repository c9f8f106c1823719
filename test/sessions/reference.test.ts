import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTitledSo, referred, shortIds } from '../../src/sessions/reference.js';

const sessions = [
  { harness: 'claude-code', id: '8b418ea5-895d-4ad5-abe8-4489d36e454f' },
  { harness: 'claude-code', id: '8b41ffff-895d-4ad5-abe8-4489d36e0000' },
  { harness: 'codex', id: '01a201f0-bc26-7182-b5d4-0e5dd4e1aa01' },
  { harness: 'codex', id: '01a201f0-bc26-7182-b5d4-0e5dd4e1aa02' },
  { harness: 'hermes', id: '20261122_091640_ab12cd' },
  { harness: 'hermes', id: '2026' },
];
const idsOf = (word: string): readonly string[] => referred(word, sessions).map(({ id }) => id);

describe('a word for a session', () => {
  it.each([
    ['8b418ea5-895d-4ad5-abe8-4489d36e454f', [0]],
    ['8b418', [0]],
    ['8b418ea5…', [0]],
    ['8b41', [0, 1]],
    ['…d4e1aa02', [3]],
    ['aa02', [3]],
    ['codex/01a2', [2, 3]],
    ['codex/8b41', []],
    ['claude-code/8b418ea5/subagents/agent-x', [0]],
    ['2026', [5]],
    ['20261', [4]],
    ['8b4', []],
    ['', []],
    ['/', []],
  ])('%j', (word, expected) => {
    expect(idsOf(word)).toEqual(expected.map((index) => sessions[index]?.id));
  });

  it('may be words of its title, whatever their case and order', () => {
    expect(isTitledSo('Fix the Checkout', 'checkout fix')).toBe(true);
    expect(isTitledSo('Fix the Checkout', 'checkout cart')).toBe(false);
    expect(isTitledSo(null, 'x')).toBe(false);
    expect(isTitledSo('Fix', ' ')).toBe(false);
  });
});

describe('a short id', () => {
  it('is the beginning where that is enough, else the end', () => {
    const short = shortIds(sessions.map(({ id }) => id));
    expect([...short.values()]).toEqual([
      '8b418ea5',
      '8b41ffff',
      'd4e1aa01',
      'd4e1aa02',
      '20261122',
      '2026',
    ]);
  });

  it('means its session, whatever the ids', () => {
    const id = fc.stringMatching(/^[0-9a-f]{4,20}$/);
    fc.assert(
      fc.property(fc.uniqueArray(id, { maxLength: 12 }), (ids) => {
        const all = ids.map((one) => ({ harness: 'codex', id: one }));
        for (const [whole, short] of shortIds(ids)) {
          expect(referred(short, all).map((one) => one.id)).toEqual([whole]);
        }
      }),
    );
  });
});
