import { describe, expect, it } from 'vitest';
import { bookkeepingLines } from '../../src/cli/conversation-lines.js';

const texts = (kinds: Readonly<Record<string, number>>): readonly string[] =>
  bookkeepingLines(kinds).map(({ text }) => text);

describe('the lines that no turn shows', () => {
  it('are counted by kind, most frequent first', () => {
    expect(texts({ mode: 2, 'progress hook': 11 })).toEqual([
      '',
      '(13 lines that no turn shows)',
      '  11  progress hook',
      '   2  mode',
    ]);
  });

  it('are not told of if there are none, and bounded if there are many kinds', () => {
    expect(texts({})).toEqual([]);
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`kind ${n}`, 1]));
    expect(texts(many)).toHaveLength(63);
    expect(texts(many).at(-1)).toBe('  and 440 more kinds');
  });
});
