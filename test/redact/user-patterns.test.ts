import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { createRedactor } from '../../src/redact/redactor.js';

const redact = (pattern: string, text: string): string =>
  createRedactor({ extraPatterns: [{ kind: 'acme', pattern }] })
    .redact(Buffer.from(text))
    .bytes.toString();

describe("the user's own patterns", () => {
  it.each([
    ['a fixed beginning', 'acme-[0-9a-f]{8}', 'x acme-0123abcd y', 'x [REDACTED:acme] y'],
    [
      'a group named secret',
      'employee (?<secret>E\\d{6})',
      'employee E123456.',
      'employee [REDACTED:acme].',
    ],
    [
      'no fixed beginning',
      '\\b\\d{3}-\\d{2}-\\d{4}\\b',
      'ssn 123-45-6789 and 987-65-4321',
      'ssn [REDACTED:acme] and [REDACTED:acme]',
    ],
    ['an unbounded quantifier', 'acme_\\w+', 'acme_abcdefgh!', '[REDACTED:acme]!'],
    [
      'alternatives',
      '(?:red|blue)team-\\d{4}',
      'redteam-1234 blueteam-5678',
      '[REDACTED:acme] [REDACTED:acme]',
    ],
  ])('%s', (_, pattern, text, expected) => {
    expect(redact(pattern, text)).toBe(expected);
    expect(redact(pattern, JSON.stringify({ text }))).toBe(JSON.stringify({ text: expected }));
  });

  it('are searched for throughout a long text', () => {
    const filler = 'word '.repeat(40_000);
    const text = `111-22-3333 ${filler}123-45-6789 ${filler}987-65-4321`;
    expect(redact('\\b\\d{3}-\\d{2}-\\d{4}\\b', text)).toBe(
      `[REDACTED:acme] ${filler}[REDACTED:acme] ${filler}[REDACTED:acme]`,
    );
  });

  it('never break JSON', () => {
    const line = JSON.stringify({ a: 'x', b: 'y' });
    expect(() => JSON.parse(redact('x","b":"y', line))).not.toThrow();
  });

  it.each([
    ['no regular expression', 'acme-[0-9', /is not a regular expression/],
    ['a back-reference', '(acme)-\\1-abcd', /uses \\1/],
    ['nested repetition', '(?:[a-z]+)+-acme', /nests one repetition in another/],
    ['ambiguous repetition', '(?:a|a|a)*bbbb', /takes too long/],
    ['repetitions that overlap', 'acme\\w*\\w*\\w*\\w*=end', /takes too long/],
    ['next to nothing', 'a?b?c?', /fewer than four bytes/],
    ['everything', '.{4,9000}', /more than \d+ bytes/],
    ['letters beyond ASCII', 'schlüssel-\\d{4}', /not ASCII/],
  ])('%s is refused by name', (_, pattern, message) => {
    const make = (): unknown => createRedactor({ extraPatterns: [{ kind: 'acme', pattern }] });
    expect(make).toThrow(UsageError);
    expect(make).toThrow(message);
    expect(make).toThrow(/"acme"/);
  });

  it('need names that can appear in a marker', () => {
    expect(() =>
      createRedactor({ extraPatterns: [{ kind: 'Acme Key', pattern: 'acme-\\d{8}' }] }),
    ).toThrow(/"Acme Key" needs a name/);
  });
});

describe('switching kinds off', () => {
  const token = ['glpat', 'aB3dE5fG7hJ9kL2mN4pQ'].join('-');

  it('leaves that kind alone', () => {
    const line = Buffer.from(`see ${token} there`);
    expect(createRedactor().redact(line).counts).toEqual(new Map([['gitlab-token', 1]]));
    expect(createRedactor({ disabledKinds: ['gitlab-token'] }).redact(line).bytes).toBe(line);
  });

  it('rejects unknown kinds, and keeps the two that cannot be switched off', () => {
    expect(() => createRedactor({ disabledKinds: ['gitlab'] })).toThrow(
      /no kind of secret named "gitlab"/,
    );
    expect(() => createRedactor({ disabledKinds: ['known'] })).toThrow(/cannot be disabled/);
    expect(() => createRedactor({ disabledKinds: ['budget'] })).toThrow(UsageError);
  });

  it('also by exact value', () => {
    const allowing = createRedactor({ allow: [token] });
    const other = token.replace('aB3', 'zY7');
    expect(allowing.redact(Buffer.from(`${token} ${other}`)).bytes.toString()).toBe(
      `${token} [REDACTED:gitlab-token]`,
    );
  });
});
