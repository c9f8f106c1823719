import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agrees } from '../../../src/redact/redaction-match.js';
import {
  fingerprintOf,
  matches,
  shippedFingerprint,
} from '../../../watchers/sqlite/row-fingerprint.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('the fingerprint of an uploaded row', () => {
  it('has eight characters if nothing was redacted', () => {
    expect(shippedFingerprint(bytes('abc'))).toBe(fingerprintOf(bytes('abc')));
    expect(shippedFingerprint(bytes('[REDACTED:]x'))).toMatch(/^[\w-]{8}$/);
  });

  it('recognises the row, whatever was redacted in it', () => {
    const print = shippedFingerprint(
      bytes('key=[REDACTED:aws-key] and [REDACTED:x][REDACTED:y] end'),
    );
    expect(matches(print, bytes('key=AKIA and  end'))).toBe(true);
    expect(matches(print, bytes('key=AKIA and s e c r e t end'))).toBe(true);
    expect(matches(print, bytes('key=AKIA or s e c r e t end'))).toBe(false);
    expect(matches(print, bytes('key=AKIA and s e c r e t end.'))).toBe(false);
    expect(matches(print, bytes('Key=AKIA and s end'))).toBe(false);
    expect(matches(print, bytes('key= and en'))).toBe(false);
  });

  it('agrees exactly if the rule of agreement does', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', 'ab', 'aa', 'ba'), { maxLength: 8 });
    const shipped = fc.array(fc.constantFrom('a', 'b', 'ab', '[REDACTED:k]', '[REDACTED:0]'), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(shipped, letters, (left, right) => {
        const [ours, source] = [bytes(left.join('')), bytes(right.join(''))];
        expect(matches(shippedFingerprint(ours), source)).toBe(agrees(ours, source));
      }),
      { numRuns: 3_000 },
    );
  });

  it('finds long pieces in long rows in one pass', () => {
    const piece = 'ab'.repeat(200_000);
    const print = shippedFingerprint(bytes(`[REDACTED:k]x${piece}x[REDACTED:k]`));
    expect(matches(print, bytes(`${'ab'.repeat(400_000)}x${piece}x`))).toBe(true);
    expect(matches(print, bytes('ab'.repeat(900_000)))).toBe(false);
  });
});
