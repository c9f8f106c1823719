import { generateKeyPairSync } from 'node:crypto';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isText, redactText } from '../../src/app/file-secrets.js';
import { redactorOf, redactStream } from '../../src/app/redaction.js';

fc.configureGlobal({ seed: 20261130 });

const redactor = redactorOf(undefined, []);
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = String(privateKey.export({ type: 'sec1', format: 'pem' }));
const keyBytes = pem.split('\n')[1] ?? '';
const password = 'PGPASSWORD=vX8-qk27-Lm41-Tz9w\n';

async function* inPieces(content: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (const size of [...sizes, content.length]) {
    if (at >= content.length) return;
    yield content.subarray(at, at + size);
    at += size;
  }
}

async function streamed(content: Buffer, sizes: readonly number[]): Promise<Buffer> {
  const output = new PassThrough();
  const collected = (async () => {
    const all: Buffer[] = [];
    for await (const chunk of output) all.push(Buffer.from(chunk));
    return Buffer.concat(all);
  })();
  await redactStream(redactor, inPieces(content, sizes), output);
  output.end();
  return collected;
}

const utf16 = (text: string, order: 'le' | 'be'): Buffer => {
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
  return order === 'le' ? bytes : bytes.swap16();
};

describe('a private key among rows of JSON', () => {
  it.each([
    ['after the first', `{}\n${pem}`],
    ['after one that looks like the head of a settings file', `["default"]\n\n${pem}`],
    ['between two', `{"a":1}\n${pem}{"b":2}\n`],
    ['at the end, without a newline', `{"a":1}\n{"b":2}\n${pem.trimEnd()}`],
  ])('is found as in any document: %s', (_, text) => {
    const { bytes, counts } = redactText(redactor, Buffer.from(text));
    expect(bytes.toString()).not.toContain(keyBytes);
    expect(Object.keys(counts)).not.toEqual([]);
    for (const row of text.match(/^[{[].*[}\]]$/gm) ?? []) expect(bytes.toString()).toContain(row);
  });

  it('is found wherever the stream is cut', async () => {
    const lines = fc.constantFrom(
      '{"a":1}\n',
      '[2]\n',
      '\n',
      'plain\n',
      pem,
      password,
      '\r\n',
      '{\n',
    );
    const texts = fc
      .array(lines, { maxLength: 8 })
      .map((rest) => ['{"first":0}\n', ...rest].join(''));
    const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(texts, sizes, async (text, cuts) => {
        const content = Buffer.from(text);
        const whole = redactText(redactor, content).bytes.toString();
        expect(whole).not.toContain(keyBytes);
        expect((await streamed(content, cuts)).toString()).toBe(whole);
      }),
      { numRuns: 60 },
    );
  });
});

describe('text that is not UTF-8', () => {
  it.each(['le', 'be'] as const)('is searched as UTF-16 (%s) and stays in it', async (order) => {
    const content = utf16(`# né 漢 😀\r\n${password}${pem}`, order);
    expect(isText(content)).toBe(true);
    const { bytes, counts } = redactText(redactor, content);
    expect(Object.keys(counts).length).toBeGreaterThan(1);
    const text = (order === 'le' ? Buffer.from(bytes) : Buffer.from(bytes).swap16()).toString(
      'utf16le',
    );
    expect(text).toMatch(/^\ufeff# né 漢 😀\r\nPGPASSWORD=\[REDACTED:[a-z-]+\]\n/);
    expect(text).not.toContain(keyBytes);
    expect(await streamed(content, [7, 1, 30])).toEqual(bytes);
  });

  it('comes out byte for byte where there is nothing to hide', async () => {
    for (const content of [utf16('né\n漢 😀', 'le'), utf16('né\n', 'be'), utf16('', 'le')]) {
      expect(redactText(redactor, content).bytes).toEqual(content);
      if (content.length > 2) expect(await streamed(content, [5, 1])).toEqual(content);
    }
  });

  it('is searched in an old 8-bit encoding, too', () => {
    const content = Buffer.concat([Buffer.from('# n\xe9\n', 'latin1'), Buffer.from(password)]);
    expect(isText(content)).toBe(true);
    const { bytes } = redactText(redactor, content);
    expect(bytes.toString('latin1')).toMatch(/^# n\xe9\nPGPASSWORD=\[REDACTED:/);
  });

  it('is not what has a NUL in it', () => {
    expect(isText(Buffer.from('a\0b'))).toBe(false);
    expect(isText(Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10]))).toBe(false);
  });
});
