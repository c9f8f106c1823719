import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/redact/redactor.js';
import { leaks, serializers } from './leaks.js';

fc.configureGlobal({ seed: 20261130 });

describe('values the caller knows to be secret', () => {
  const values = [
    'correct horse battery',
    'plain-lower-case',
    'with "quotes" and \\slashes\\ in it',
    "a/b+c=d&e<f>g'h",
    'zwölf Käse 十二',
    'first line\nsecond line',
  ];

  it.each(values)('%j is redacted wherever it appears, however it is escaped', (value) => {
    const redactor = createRedactor({ knownSecrets: [value] });
    for (const [name, serialize] of Object.entries(serializers)) {
      const line = serialize(`before ${value} after\n${value}`);
      const { bytes, counts } = redactor.redact(Buffer.from(line));
      for (const part of value.split('\n'))
        expect(leaks(bytes.toString(), part), `${name}: ${bytes}`).toBe(false);
      expect(counts?.get('known'), `${name}: ${bytes}`).toBeGreaterThanOrEqual(2);
      expect(bytes.toString()).toContain('before');
      if (name !== 'plain') expect(() => JSON.parse(bytes.toString())).not.toThrow();
      expect(redactor.redact(bytes).bytes).toBe(bytes);
    }
  });

  it('are found URL-encoded, and inside words', () => {
    const redactor = createRedactor({ knownSecrets: ['p4ss w/rd+1'] });
    const { bytes } = redactor.redact(Buffer.from('?q=p4ss%20w%2Frd%2B1&x=1 xxp4ss w/rd+1xx'));
    expect(bytes.toString()).toBe('?q=[REDACTED:known]&x=1 xx[REDACTED:known]xx');
  });

  it('are ignored if short or plain words', () => {
    const redactor = createRedactor({
      knownSecrets: ['short', 'password', 'localhost', 'production', '--------', '', '       x  '],
    });
    const line = Buffer.from('short password localhost production -------- x');
    expect(redactor.redact(line).bytes).toBe(line);
  });

  it('are marked known even where a rule is more specific, and never override what is allowed', () => {
    const token = ['ghp', '0123456789abcdefghijABCDEFGHIJ123456'].join('_');
    expect(createRedactor({ knownSecrets: [token] }).redact(Buffer.from(token)).counts).toEqual(
      new Map([['known', 1]]),
    );
    const both = createRedactor({ knownSecrets: [token], allow: [token] });
    expect(both.redact(Buffer.from(token)).counts).toBeUndefined();
  });

  it('never break JSON, whatever the value', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 8, maxLength: 20, unit: 'binary' }),
        fc.string(),
        (value, other) => {
          const redactor = createRedactor({ knownSecrets: [value] });
          const inner = JSON.stringify({ text: `${other}${value}${other}`, other });
          for (const line of [inner, JSON.stringify({ output: inner })]) {
            const { bytes } = redactor.redact(Buffer.from(line));
            expect(() => JSON.parse(bytes.toString())).not.toThrow();
          }
        },
      ),
    );
  });

  it.each(['\u0000', '\u0007', '\u001b', '\ud800'])(
    'that begin with an escape, %j, go whole behind backslashes, and JSON stays JSON at every depth',
    (first) => {
      const value = `${first}zT5wQ8mK2x`;
      const redactor = createRedactor({ knownSecrets: [value] });
      for (const before of ['\\', '\\\\', '\\\\\\', 'C:\\new\\']) {
        let line = JSON.stringify(`${before}${value}`);
        let expected = JSON.stringify(`${before}[REDACTED:known]`);
        for (let depth = 1; depth <= 3; depth += 1) {
          expect(redactor.redact(Buffer.from(line)).bytes.toString()).toBe(expected);
          line = JSON.stringify(line);
          expected = JSON.stringify(expected);
        }
      }
    },
  );

  it('that begin with a quote leave valid JSON after backslashes, at every depth', () => {
    const redactor = createRedactor({ knownSecrets: ['"zT5wQ8mK2x'] });
    for (const before of ['\\', '\\\\', '\\\\\\', 'C:\\new\\']) {
      const inner = JSON.stringify({ text: `${before}"zT5wQ8mK2x` });
      const { bytes } = redactor.redact(Buffer.from(JSON.stringify({ output: inner })));
      const outer: { output: string } = JSON.parse(bytes.toString());
      const { text }: { text: string } = JSON.parse(outer.output);
      expect(text).toMatch(/^(?:C:\\new)?\\*\[REDACTED:known\]$/);
    }
  });

  it('are replaced only inside strings if they look like JSON', () => {
    const redactor = createRedactor({ knownSecrets: ['","role":"admin","x":"'] });
    const line = '{"user":"a","role":"admin","x":"b"}';
    const { bytes } = redactor.redact(Buffer.from(line));
    expect(() => JSON.parse(bytes.toString())).not.toThrow();
    expect(bytes.toString()).not.toContain('role');
    expect(redactor.redact(Buffer.from(`raw ${line}`)).bytes.toString()).toBe(
      'raw {"user":"a[REDACTED:known]b"}',
    );
  });

  it('stay in the names of a row’s own fields', () => {
    const value = 'zT5wQ8mK2x';
    const redactor = createRedactor({ knownSecrets: [value] });
    const line = (text: string) =>
      `{"${value}":1,"my_${value}_id" : {"${value}":"${text}"},"inner":"{\\"${text}\\":2}"}`;
    const { bytes } = redactor.redact(Buffer.from(line(value)));
    expect(bytes.toString()).toBe(line('[REDACTED:known]'));
    const prose = redactor.redact(Buffer.from(`see "${value}": it is new`)).bytes;
    expect(prose.toString()).toBe('see "[REDACTED:known]": it is new');
  });

  it('with several lines keep their line endings', () => {
    const redactor = createRedactor({ knownSecrets: ['zT5wQ8mK2x\r\nyV6nB3hJ7p'] });
    const text = Buffer.from('before zT5wQ8mK2x\r\nyV6nB3hJ7p after\r\n');
    expect(redactor.redact(text).bytes.toString()).toBe(
      'before [REDACTED:known]\r\n[REDACTED:known] after\r\n',
    );
  });

  it('leave no trace in the version', () => {
    expect(createRedactor({ knownSecrets: ['some secret value'] }).version).toBe(
      createRedactor().version,
    );
  });
});

describe('the version', () => {
  it('changes with everything else that may change the result', () => {
    const versions = [
      createRedactor(),
      createRedactor({ allow: ['x'] }),
      createRedactor({ disabledKinds: ['jwt'] }),
      createRedactor({ extraPatterns: [{ kind: 'acme', pattern: 'acme-[0-9]{8}' }] }),
    ].map(({ version }) => version);
    expect(new Set(versions).size).toBe(versions.length);
    expect(createRedactor().version).toBe(versions[0]);
    for (const version of versions) expect(version).toMatch(/^[0-9a-f]{12}$/);
  });
});
