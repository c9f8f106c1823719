import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/redact/redactor.js';
import { dice, draw, expand } from './examples.js';
import { leaks, serializers } from './leaks.js';

const redactor = createRedactor();
const base64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

interface Key {
  readonly lines: readonly string[];
  readonly body: readonly string[];
}

function keyOf(seed: number, length: number): Key {
  const random = dice(seed);
  const body = Array.from({ length }, () => draw(base64, 64, random));
  const last = `${draw(base64, 30, random)}==`;
  return {
    lines: ['-----BEGIN PRIVATE KEY-----', ...body, last, '-----END PRIVATE KEY-----'],
    body: [...body, last],
  };
}

const name = fc.constantFrom('etc/tls/server.key', 'id_rsa', 'web-1', 'certs/a.pem');
const clock = fc.nat(50).map((second) => (line: number) => `2031-04-07T10:11:${second + line}Z `);
const before = fc.oneof(
  name.map((file) => (line: number) => `${file}:${line + 3}:`),
  name.map((file) => () => `${file}:`),
  name.map((pod) => () => `[pod/${pod}/app] `),
  name.map((service) => () => `${service}  | `),
  clock,
  fc
    .constantFrom('> ', '+', '-', '    ', '# ', '; ', 'REM ', '// ', '| ', '* ', '')
    .map((mark) => () => mark),
  fc.constant(() => '\u001b[32m+'),
  fc.constant((line: number) => `${String(line + 1).padStart(6)}\t`),
);
const after = fc.constantFrom('', '<br>', ' |', '\u001b[m', '\\n" >> key.pem');
const frame = fc.tuple(before, before, after).map(
  ([outer, inner, end]) =>
    (text: string, line: number) =>
      `${outer(line)}${inner(line)}${text}${end}`,
);
const depth = fc.constantFrom(...Object.entries(serializers));

describe('the lines of a private key', () => {
  it('are redacted whatever surrounds each of them', () => {
    fc.assert(
      fc.property(frame, fc.nat(1000), depth, (write, seed, [, serialize]) => {
        const { lines, body } = keyOf(seed, 4);
        const text = lines.map((line, index) => write(line, index)).join('\n');
        const { bytes } = redactor.redact(Buffer.from(serialize(`before\n${text}\nafter\n`)));
        for (const part of body) expect(leaks(bytes.toString(), part), `${bytes}`).toBe(false);
      }),
      { numRuns: Number(process.env.TRACECRAFT_PROPERTY_RUNS ?? 80), seed: 20260811 },
    );
  });

  it('are redacted even if the beginning or the end is cut off', () => {
    fc.assert(
      fc.property(before, fc.boolean(), fc.nat(1000), (write, isEndCut, seed) => {
        const { lines, body } = keyOf(seed, 6);
        const shown = isEndCut ? lines.slice(0, 5) : lines.slice(3);
        const text = shown.map((line, index) => `${write(index)}${line}`).join('\n');
        const { bytes } = redactor.redact(Buffer.from(JSON.stringify({ text })));
        for (const part of body)
          if (text.includes(part)) expect(leaks(bytes.toString(), part), `${bytes}`).toBe(false);
      }),
      { numRuns: Number(process.env.TRACECRAFT_PROPERTY_RUNS ?? 80), seed: 20260812 },
    );
  });

  it('do not take the lines around them along', () => {
    const { lines } = keyOf(7, 3);
    const text = [
      'web-1  | starting',
      ...lines.map((line) => `web-1  | ${line}`),
      'web-1  | ready',
    ];
    const { bytes } = redactor.redact(Buffer.from(JSON.stringify({ text: text.join('\n') })));
    expect(bytes.toString()).toContain('starting');
    expect(bytes.toString()).toContain('ready');
  });
});

describe('a token', () => {
  const glue = fc.tuple(
    fc.constantFrom('', 'backup-', 'MY_', 'fix/rotate-', 'old__', '-Users-me-', 'v2-', 'a.'),
    fc.constantFrom('', '_bak', '-old', '.tar.gz', '_2031', '-', '_', '/x', '\u200b', '\u001b[0m'),
  );
  const templates = ['ghp_<alnum:36>', 'glpat-<alnum:20>', 'npm_<alnum:36>'];

  it('is redacted whatever it is joined to', () => {
    fc.assert(
      fc.property(
        glue,
        fc.constantFrom(...templates),
        fc.nat(9999),
        depth,
        (ends, template, seed, at) => {
          const { secret } = expand(template, dice(seed));
          const line = at[1](`in ${ends[0]}${secret}${ends[1]} there`);
          const { bytes } = redactor.redact(Buffer.from(line));
          expect(leaks(bytes.toString(), secret), `${line}\n=> ${bytes}`).toBe(false);
        },
      ),
      { numRuns: Number(process.env.TRACECRAFT_PROPERTY_RUNS ?? 150), seed: 20260813 },
    );
  });

  it('is redacted even with invisible characters inside', () => {
    const { secret } = expand('ghp_<alnum:36>', dice(61));
    for (const hidden of ['\u200b', '\u00ad', '\u2060', '\u001b[1m', '\u001b[0m\u001b[K']) {
      const text = `see ${secret.slice(0, 12)}${hidden}${secret.slice(12)} here`;
      const { counts } = redactor.redact(Buffer.from(JSON.stringify({ text })));
      expect(counts?.get('github-token'), JSON.stringify(hidden)).toBe(1);
    }
  });

  it('is redacted in full-width letters, in escapes and in entities', () => {
    const { secret } = expand('ghp_<alnum:36>', dice(62));
    const each = (write: (code: number) => string): string =>
      [...secret].map((char) => write(char.charCodeAt(0))).join('');
    for (const text of [
      each((code) => String.fromCharCode(code + 0xfee0)),
      each((code) => `&#${code};`),
      each((code) => `%${code.toString(16)}`),
      each((code) => `\\u${code.toString(16).padStart(4, '0')}`),
    ]) {
      const { counts } = redactor.redact(Buffer.from(JSON.stringify({ text: `x ${text} y` })));
      expect(counts?.size, text.slice(0, 30)).toBe(1);
    }
  });
});
