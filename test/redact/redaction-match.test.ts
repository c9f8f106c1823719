import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { markerText } from '../../src/redact/marker.js';
import { agrees, countMarkers } from '../../src/redact/redaction-match.js';

fc.configureGlobal({ seed: 20261130 });

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('agreement of a shipped line with a source line', () => {
  it.each([
    ['the same bytes', 'a [REDACTED:x] b\n', 'a [REDACTED:x] b\n', true],
    ['a marker for some bytes', 'key=[REDACTED:token]\n', 'key=hunter2hunter2\n', true],
    ['a marker for no bytes', 'key=[REDACTED:token]\n', 'key=\n', true],
    ['several markers', '[REDACTED:a]-[REDACTED:b]-', 'one-two-three-', true],
    ['markers side by side', '[REDACTED:a][REDACTED:b]!', 'anything!', true],
    ['a piece that occurs early', 'x[REDACTED:a]ab[REDACTED:b]ab', 'xababab', true],
    ['another beginning', 'key=[REDACTED:token]\n', 'kay=secret\n', false],
    ['another end', 'key=[REDACTED:token];\n', 'key=secret.\n', false],
    ['a missing middle', '[REDACTED:a]middle[REDACTED:b]', 'beginning and end', false],
    ['ends that would have to overlap', 'abc[REDACTED:a]cd', 'abcd', false],
    ['middle and end that would have to overlap', '[REDACTED:a]abc[REDACTED:b]cd', 'xabcd', false],
    ['a shorter source', 'abc[REDACTED:a]def', 'abc', false],
    ['no marker and other bytes', 'abc', 'abd', false],
    ['what only looks like a marker', 'a[REDACTED:A b]c', 'axc', false],
    ['an empty kind', 'a[REDACTED:]c', 'axc', false],
    ['an unclosed marker', 'a[REDACTED:x', 'axxx', false],
    ['an unclosed marker before a marker', 'a[REDACTED:x[REDACTED:y]', 'a[REDACTED:xsecret', true],
  ])('%s', (_, shipped, source, expected) => {
    expect(agrees(bytes(shipped), bytes(source))).toBe(expected);
  });

  it('compares bytes, invalid UTF-8 and NUL among them', () => {
    const shipped = Buffer.concat([
      Buffer.from([0, 0xff, 0xc3]),
      bytes('[REDACTED:x]'),
      Buffer.from([0xfe]),
    ]);
    expect(agrees(shipped, Buffer.from([0, 0xff, 0xc3, 1, 2, 3, 0xfe]))).toBe(true);
    expect(agrees(shipped, Buffer.from([0, 0xff, 0xc2, 1, 2, 3, 0xfe]))).toBe(false);
  });

  const piece = fc.uint8Array({ maxLength: 12 }).map((array) => Buffer.from(array));
  const kind = fc.stringMatching(/^[a-z0-9-]{1,12}$/);

  it('holds whatever the markers replaced', () => {
    fc.assert(
      fc.property(
        piece,
        fc.array(fc.tuple(kind, piece, piece), { maxLength: 6 }),
        (start, rest) => {
          const shipped = Buffer.concat([
            start,
            ...rest.flatMap(([name, , text]) => [bytes(markerText(name)), text]),
          ]);
          const source = Buffer.concat([
            start,
            ...rest.flatMap(([, secret, text]) => [secret, text]),
          ]);
          expect(agrees(shipped, source)).toBe(true);
        },
      ),
    );
  });

  it('matches as a regular expression would', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
    fc.assert(
      fc.property(
        fc.array(letters, { minLength: 1, maxLength: 5 }),
        letters,
        letters,
        (pieces, one, two) => {
          const shipped = bytes(pieces.join('[REDACTED:x]'));
          const pattern = new RegExp(`^${pieces.join('[ab]*')}$`);
          for (const source of [one, two, one + two, pieces.join(one)]) {
            expect(agrees(shipped, bytes(source))).toBe(pattern.test(source));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('takes linear time for pieces that almost repeat', () => {
    const size = 1 << 20;
    const almost = Buffer.concat([
      Buffer.alloc(size / 4, 'a'),
      bytes('b'),
      Buffer.alloc(size / 4, 'a'),
    ]);
    const marker = bytes('[REDACTED:x]');
    const shipped = Buffer.concat([marker, almost, marker]);
    expect(agrees(shipped, Buffer.alloc(size, 'a'))).toBe(false);
    expect(agrees(shipped, Buffer.concat([Buffer.alloc(size, 'a'), almost, bytes('c')]))).toBe(
      true,
    );
    // Buffer.indexOf alone needs more than half a minute for the first of these, far beyond the test's own limit.
  }, 10_000);
});

describe('counting markers', () => {
  it('counts each kind and nothing else', () => {
    const line = bytes(
      '[REDACTED:a] [REDACTED:b-1][REDACTED:a] [REDACTED:] [REDACTED:A] [REDACTED:c',
    );
    expect([...countMarkers(line)]).toEqual([
      ['a', 2],
      ['b-1', 1],
    ]);
  });
});
