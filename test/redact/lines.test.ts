import { readFileSync } from 'node:fs';
import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/redact/redactor.js';
import { type Dice, dice, expand } from './examples.js';
import { leaks, serializers } from './leaks.js';

/**
 * Lines as transcripts contain them, one a row of a text file: those with a secret as a tier and a template, in which `⟦…⟧`
 * surrounds each secret (without, the whole line is one) and `<env:…>` is a configuration in some encoding.
 */
const redactor = createRedactor();
const rows = (name: string): readonly string[] =>
  readFileSync(new URL(name, import.meta.url), 'utf8')
    .split('\n')
    .filter((row) => row !== '');
const written = (text: string): string =>
  text.replaceAll('\\n', '\n').replaceAll('\\t', '\t').replaceAll('\\e', '\u001b');

const toBase64 = (text: string): string => Buffer.from(text).toString('base64');
const encodings: Readonly<Record<string, (text: string) => string>> = {
  twice: (text) => toBase64(toBase64(text)),
  thrice: (text) => toBase64(toBase64(toBase64(text))),
  base32: toBase32,
  gzip: (text) => gzipSync(text).toString('base64'),
  'gzip-twice': (text) => toBase64(gzipSync(text).toString('base64')),
  'gzip-hex': (text) => gzipSync(text).toString('hex'),
  zlib: (text) => deflateSync(text).toString('base64'),
};

function toBase32(text: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...Buffer.from(text)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const groups = bits.match(/.{1,5}/g) ?? [];
  const encoded = groups.map((group) => letters[Number.parseInt(group.padEnd(5, '0'), 2)]).join('');
  return encoded.padEnd(Math.ceil(encoded.length / 8) * 8, '=');
}

interface Planted {
  readonly text: string;
  readonly secrets: readonly string[];
}

function plant(template: string, random: Dice): Planted {
  const file = expand('HOST=db\nDB_PASSWORD=<alnum:20>\nAPI_TOKEN=<alnum:32>\n', random).text;
  const encoded = written(template).replace(/<env:([\w-]+)>/g, (_, name: string) => {
    const encode = encodings[name];
    if (encode === undefined) throw new Error(`there is no encoding ${name}`);
    return encode(file);
  });
  // Control characters take the marks through the expansion, which removes them.
  const marked = expand(encoded.replaceAll('⟦', '\u0001').replaceAll('⟧', '\u0002'), random).text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are the marks
  const secrets = [...marked.matchAll(/\u0001([^\u0002]*)\u0002/g)].map(
    ([, secret = '']) => secret,
  );
  const text = marked.replaceAll('\u0001', '').replaceAll('\u0002', '');
  return { text, secrets: secrets.length === 0 ? [text] : secrets };
}

describe('a line with a secret', () => {
  it.each(rows('lines-to-redact.txt').map((row, index) => [row, index] as const))(
    '%s',
    (row, index) => {
      const template = row.slice(row.indexOf('|') + 1);
      for (let round = 0; round < 2; round += 1) {
        const { text, secrets } = plant(template, dice(index * 1000 + round));
        for (const name of ['plain', 'json', 'nested']) {
          const line = serializers[name]?.(text) ?? text;
          const { bytes } = redactor.redact(Buffer.from(`${line}\n`));
          for (const secret of secrets) {
            expect(leaks(bytes.toString(), secret), `${name}: ${line}\n=> ${bytes}`).toBe(false);
          }
          if (name !== 'plain')
            expect(() => JSON.parse(bytes.toString()), `${bytes}`).not.toThrow();
        }
      }
    },
  );
});

describe('an ordinary line stays', () => {
  it.each(rows('lines-to-keep.txt'))('%s', (row) => {
    for (const line of [written(row), JSON.stringify({ text: written(row) })]) {
      const bytes = Buffer.from(`${line}\n`);
      expect(redactor.redact(bytes).bytes.toString()).toBe(bytes.toString());
    }
  });
});
