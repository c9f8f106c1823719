import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import {
  checkArtifactName,
  checkMemoryKey,
  checkName,
  decodeId,
  encodeId,
  encodeStreamName,
  stepId,
} from '../../src/protocol/names.js';

/** Longest encoding that is kept whole; beyond it an id is shortened and cannot be told from its key any more. */
const limit = 180;

const wholeUnicode = fc.string({ unit: 'binary', minLength: 1, maxLength: 45 });
const nastyCharacters = fc.string({
  unit: fc.constantFrom('.', '_', '-', '~', '/', '%', '2', 'e', 'A', ' ', '\n', '\0', '\\', 'é'),
  minLength: 1,
  maxLength: 60,
});
const anyId = fc.oneof(wholeUnicode, nastyCharacters);

const hostileNames = [
  '',
  '.',
  '..',
  '.hidden',
  '_history',
  'a..b',
  'a/b',
  'a\\b',
  'a b',
  'a\n',
  'a\0',
  'a%2e',
  'a?b',
  'a#b',
  'ä',
  '\u202ea',
  '\ud800',
  'a'.repeat(129),
];

describe('names', () => {
  it.each(['a', '-', 'S1.A', 'claude-code', 'a_b-c.d', 'a'.repeat(128)])('%j is one', (name) => {
    expect(checkName('agent', name)).toBe(name);
  });

  it.each(hostileNames)('%j is refused, whatever it is for', (name) => {
    for (const kind of ['agent', 'project', 'step', 'harness'] as const) {
      expect(() => checkName(kind, name)).toThrow(UsageError);
    }
    expect(() => stepId(name)).toThrow(UsageError);
    expect(() => checkMemoryKey(name)).toThrow(UsageError);
  });

  it('shows which name is refused, short and printable, and what is allowed', () => {
    const refused = refusalOf(() => checkName('agent', `\u001b[31m${'x'.repeat(500)}`));
    expect(refused.message).toMatch(/^not a name for an agent: "\\u001b\[31mx+…"$/);
    expect(refused.message.length).toBeLessThan(150);
    expect(refused.hint).toContain('128');
    expect(refused.exitCode).toBe(2);
  });

  it('accepts a step as people write it', () => {
    expect(stepId('S1.A')).toBe('s1-a');
    expect(stepId('s1-a')).toBe('s1-a');
    expect(stepId('Design_2.b')).toBe('design_2-b');
  });

  it('refuses a memory key that ends with a dot', () => {
    expect(checkMemoryKey('design.contract')).toBe('design.contract');
    expect(() => checkMemoryKey('design.')).toThrow(UsageError);
  });
});

describe('artifact names', () => {
  it.each(['patch.diff', 'build/linux/patch.diff', 'a b', 'Grüße.txt', '.env', '...'])(
    '%j is one',
    (name) => {
      expect(checkArtifactName(name)).toBe(name);
    },
  );

  it.each([
    '',
    '/',
    '/etc/passwd',
    'a/',
    'a//b',
    '.',
    '..',
    'a/../b',
    'a/./b',
    '..\\b',
    'a\\b',
    'a\nb',
    'a\0b',
    'a\u0085b',
    'a\u007f',
    'a'.repeat(901),
    'ü'.repeat(451),
  ])('%j is refused', (name) => {
    expect(() => checkArtifactName(name)).toThrow(UsageError);
  });
});

describe('ids as key segments', () => {
  it.each([
    ['5f0c2e0a-1111-4222-8333-444455556666', '5f0c2e0a-1111-4222-8333-444455556666'],
    ['a:b', 'a~3ab'],
    ['a/b', 'a~2fb'],
    ['a%?#b', 'a~25~3f~23b'],
    ['a~b', 'a~7eb'],
    ['.hidden', '~2ehidden'],
    ['_meta', '~5fmeta'],
    ['a..b', 'a.~2eb'],
    ['...', '~2e.~2e'],
    ['ü', '~c3~bc'],
    ['😀', '~f0~9f~98~80'],
  ])('%j becomes %j and back', (id, encoded) => {
    expect(encodeId(id)).toBe(encoded);
    expect(decodeId(encoded)).toBe(id);
  });

  it('use allowed characters only, and are never hidden, bookkeeping or too long', () => {
    fc.assert(
      fc.property(fc.oneof(anyId, fc.string({ minLength: 1, maxLength: 2_000 })), (id) => {
        const encoded = encodeId(id);
        expect(encoded).toMatch(/^[A-Za-z0-9~-][A-Za-z0-9._~-]*$/);
        expect(encoded).not.toContain('..');
        expect(encoded.length).toBeLessThanOrEqual(limit);
      }),
    );
  });

  it('can be decoded while they are under the limit, so no two ids share one', () => {
    fc.assert(
      fc.property(anyId, (id) => {
        const encoded = encodeId(id);
        fc.pre(!encoded.includes('~~'));
        expect(decodeId(encoded)).toBe(id);
      }),
    );
  });

  it('are kept whole up to the limit and shortened past it', () => {
    const longest = 'x'.repeat(limit);
    expect(encodeId(longest)).toBe(longest);
    const shortened = encodeId(`${longest}y`);
    expect(shortened).toMatch(/^x{140}~~[0-9a-f]{16}$/);
    expect(decodeId(shortened)).toBe(shortened);
  });

  it('differ past the limit too, even if only their ends do', () => {
    const begin = 'session:'.repeat(30);
    const encoded = new Set(['a', 'b', 'ab'].map((end) => encodeId(begin + end)));
    expect(encoded.size).toBe(3);
    for (const one of encoded) expect(one.split('~~')[0]).not.toMatch(/~[0-9a-f]?$/);
  });

  it('refuses an empty id', () => {
    expect(() => encodeId('')).toThrow(UsageError);
  });

  it('decodes unencoded names without failing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(typeof decodeId(text)).toBe('string');
      }),
    );
  });
});

describe('stream names', () => {
  it('are encoded segment by segment', () => {
    expect(encodeStreamName('')).toBe('');
    expect(encodeStreamName('subagents/agent-a93ccab')).toBe('subagents/agent-a93ccab');
    expect(encodeStreamName('subagents/../x y')).toBe('subagents/~2e./x~20y');
  });

  it.each(['/a', 'a/', 'a//b'])('%j has an empty segment and is refused', (name) => {
    expect(() => encodeStreamName(name)).toThrow(UsageError);
  });
});

function refusalOf(step: () => unknown): UsageError {
  try {
    step();
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
