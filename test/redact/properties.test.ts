import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agrees, countMarkers } from '../../src/redact/redaction-match.js';
import { createRedactor } from '../../src/redact/redactor.js';
import { namedRules, rules } from '../../src/redact/rules.js';
import { dice, expand } from './examples.js';
import { leaks, serializers } from './leaks.js';

fc.configureGlobal({ seed: 20261130 });

const redactor = createRedactor();
const rows = [...rules, ...namedRules];

const example = fc
  .tuple(fc.constantFrom(...rows), fc.integer())
  .map(([row, seed]) => ({ kind: row.kind, ...expand(row.example, dice(seed)) }));

const around = fc.constantFrom(
  (text: string) => text,
  (text: string) => `rotated, the old one was ${text}. Delete it.`,
  (text: string) => `first\n${text}\nlast`,
  (text: string) => `a\t${text}\tb`,
  (text: string) => `\u001b[32m${text}\u001b[0m`,
  (text: string) => `     1\u2192A=1\n     2\u2192${text}\n     3\u2192`,
  (text: string) => `     1\tx\n     2\t${text}\n`,
  (text: string) => `@@ -1 +1 @@\n-${text}\n+${text}\n`,
  (text: string) => `${text} ${text}`,
  (text: string) => `("${text}")`,
  (text: string) => `令牌：${text}。`,
);

const serializer = fc.constantFrom(...Object.entries(serializers));

const planted = fc
  .tuple(example, around, serializer)
  .map(([{ kind, text, secret }, wrap, [name, serialize]]) => ({
    kind,
    secret,
    name,
    line: Buffer.from(serialize(wrap(text))),
  }));

const prose = fc
  .array(
    fc.constantFrom(
      'the',
      'token',
      'is',
      'read',
      'from',
      'config',
      '42',
      'input_tokens',
      '{"a":',
      '"b"}',
      '\\n',
      '\\"',
      'é',
      '::',
      '=',
    ),
    {
      maxLength: 40,
    },
  )
  .map((words) => words.join(' '));

/** Any depth of JSON, checked to the last. */
function depthsParse(text: string): boolean {
  let value: unknown = text;
  while (typeof value === 'string' && /^\{"(?:type|payload|output|a|b|c|text)"/.test(value)) {
    try {
      value = JSON.parse(value);
    } catch {
      return false;
    }
    if (typeof value === 'object' && value !== null) value = Object.values(value).at(-1);
  }
  return true;
}

describe('for every kind, surrounding and depth of escaping', () => {
  it('no 16 characters of the secret survive, and JSON stays JSON', () => {
    fc.assert(
      fc.property(planted, ({ secret, line, name }) => {
        const { bytes } = redactor.redact(line);
        expect(leaks(bytes.toString(), secret)).toBe(false);
        if (name !== 'plain') expect(depthsParse(bytes.toString())).toBe(true);
      }),
      // A fixed seed: one random token in a hundred thousand looks like words, and would fail the build by chance.
      { numRuns: 3000, seed: 20260801 },
    );
  });

  it('is idempotent, counts its markers, and agrees with its source', () => {
    fc.assert(
      fc.property(planted, ({ line }) => {
        const { bytes, counts } = redactor.redact(line);
        expect(redactor.redact(bytes).bytes).toBe(bytes);
        // Once in ten thousand a random code is made of words, and nothing is found.
        expect(counts ?? new Map()).toEqual(countMarkers(bytes));
        expect(agrees(bytes, line)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('no longer agrees once a byte outside the secret differs', () => {
    fc.assert(
      fc.property(example, fc.nat(), ({ text }, place) => {
        const line = Buffer.from(
          `${JSON.stringify({ before: 'plain words', text, after: 'more words' })}\n`,
        );
        const { bytes } = redactor.redact(line);
        const tail = bytes.length - bytes.lastIndexOf(']') - 1;
        const head = bytes.indexOf('[REDACTED:');
        const changed = Buffer.from(line);
        const offset = place % (head + tail);
        const at = offset < head ? offset : line.length - tail + offset - head;
        changed[at] = (changed[at] ?? 0) ^ 1;
        expect(agrees(bytes, changed)).toBe(false);
      }),
    );
  });

  it('lines are redacted independently', () => {
    const line = fc.oneof(
      planted.map(({ line: text }) => text.toString().replace(/[\n\r]/g, ' ')),
      prose.map((text) => JSON.stringify({ text })),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
        const json = lines.map((text) => (text.startsWith('{') ? text : JSON.stringify({ text })));
        const whole = redactor.redact(Buffer.from(json.map((text) => `${text}\n`).join(''))).bytes;
        const parts = json.map((text) => redactor.redact(Buffer.from(`${text}\n`)).bytes);
        expect(whole.toString()).toBe(Buffer.concat(parts).toString());
      }),
    );
  });
});

/** Names around a token: of branches, files, folders, variables. */
const glue = {
  before: fc
    .array(fc.constantFrom('backup', 'MY', 'feature', 'release2', 'x7', 'Home', 'tmp', '2031'), {
      minLength: 1,
      maxLength: 3,
    })
    .chain((words) =>
      fc.constantFrom('-', '_', '--').map((joint) => words.map((word) => word + joint).join('')),
    ),
  after: fc.constantFrom('_bak', '-web', '.tar.gz', '-2031', '_OLD', '.json', '/x', '_', ''),
};
/** A weak anchor needs a boundary, and so does one that is a word of names itself. */
const gluable = rules.filter(
  ({ shape, weak, isWord, lead, notAfter }) =>
    !(weak || isWord || lead !== undefined || notAfter !== undefined) &&
    !shape.source.includes('(?<secret>'),
);

describe('glued to names', () => {
  it('no 16 characters of a token survive', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...gluable),
        fc.nat(),
        glue.before,
        glue.after,
        serializer,
        (rule, seed, before, after, [name, serialize]) => {
          const { text: token, secret } = expand(rule.example, dice(seed));
          const line = Buffer.from(serialize(`see ${before}${token}${after} there`));
          const { bytes } = redactor.redact(line);
          expect(leaks(bytes.toString(), secret), `${line}`).toBe(false);
          if (name !== 'plain') expect(depthsParse(bytes.toString())).toBe(true);
          expect(redactor.redact(bytes).bytes).toBe(bytes);
        },
      ),
      { numRuns: Number(process.env.TRACECRAFT_PROPERTY_RUNS ?? 400), seed: 20261130 },
    );
  });
});

describe('a secret uncovered by another redaction', () => {
  it('is found too', () => {
    const random = dice(21);
    const { text: token } = expand('eyJhbGciOiJIUzI1NiJ9.eyJ<url:60>.<url:43>', random);
    const { text: password } = expand('<alnum:64>', random);
    // Joined, both look like one long run of base64, in which a token is left alone.
    const { bytes } = redactor.redact(Buffer.from(`${token}password=${password}\n`));
    expect(leaks(bytes.toString(), token)).toBe(false);
    expect(bytes.toString()).toBe('[REDACTED:jwt]=[REDACTED:password]\n');
  });

  it('does not make its marker a name for the text after it', () => {
    const { text: token } = expand('ghp_<alnum:36>', dice(22));
    const line = `${token}: a8f5f167f44f4964e6c998dee827110c\n`;
    expect(redactor.redact(Buffer.from(line)).bytes.toString()).toBe(
      '[REDACTED:github-token]: a8f5f167f44f4964e6c998dee827110c\n',
    );
  });
});

describe('for any text', () => {
  it('clean lines come back as the very same buffer', () => {
    fc.assert(
      fc.property(prose, (text) => {
        const line = Buffer.from(`${JSON.stringify({ text })}\n`);
        const { bytes, counts } = redactor.redact(line);
        expect(bytes).toBe(line);
        expect(counts).toBeUndefined();
      }),
    );
  });

  it('survives any bytes, keeps every newline, and is idempotent', () => {
    const noise = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
    const piece = fc.oneof(
      noise,
      planted.map(({ line }) => line),
      fc
        .constantFrom(...rules.flatMap((rule) => rule.anchors))
        .map((anchor) => Buffer.from(anchor, 'latin1')),
      fc
        .constantFrom(
          'password=',
          '"',
          '\\',
          '\\u00',
          '-----BEGIN PRIVATE KEY-----',
          '[REDACTED:',
          '\n',
        )
        .map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = Buffer.concat(pieces);
        const { bytes } = redactor.redact(text);
        const newlines = (buffer: Buffer): number => buffer.toString('latin1').split('\n').length;
        expect(newlines(bytes)).toBe(newlines(text));
        expect(redactor.redact(bytes).bytes).toBe(bytes);
        expect(agrees(bytes, text)).toBe(true);
      }),
      { numRuns: 1500 },
    );
  });

  it('keeps invalid UTF-8 and NULs beside a secret byte for byte', () => {
    const { text } = expand('ghp_<alnum:36>', dice(7));
    const odd = Buffer.from([0x20, 0xff, 0x00, 0xc3, 0x28, 0x20]);
    const line = Buffer.concat([odd, Buffer.from(text), odd, Buffer.from('\n')]);
    const { bytes } = redactor.redact(line);
    expect(bytes).toEqual(
      Buffer.concat([odd, Buffer.from('[REDACTED:github-token]'), odd, Buffer.from('\n')]),
    );
  });

  it('returns the same result wherever the line is in memory', () => {
    const { text } = expand('sk-ant-api03-<url:93>AA', dice(8));
    for (let offset = 0; offset < 4; offset += 1) {
      const line = Buffer.from(`${'x'.repeat(offset)}${' '.repeat(offset)}${text}`).subarray(
        offset,
      );
      expect(redactor.redact(line).bytes.toString().trim()).toBe('[REDACTED:anthropic-api-key]');
    }
    expect(redactor.redact(Buffer.alloc(0)).counts).toBeUndefined();
    expect(redactor.redact(Buffer.from('x\n').subarray(1)).counts).toBeUndefined();
  });
});
