import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/redact/redactor.js';
import { dice, draw } from './examples.js';
import { leaks, serializers } from './leaks.js';

const redactor = createRedactor();
const base64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function rsa(type: 'pkcs1' | 'pkcs8'): string {
  return generateKeyPairSync('rsa', { modulusLength: 1024 })
    .privateKey.export({ type, format: 'pem' })
    .toString();
}

function block(label: string, lines: number, headers = ''): string {
  const random = dice(lines);
  const body = Array.from({ length: lines }, () => draw(base64, 64, random)).join('\n');
  return `-----BEGIN ${label}-----\n${headers}${body}\n${draw(base64, 30, random)}==\n-----END ${label}-----\n`;
}

const keys: Readonly<Record<string, string>> = {
  pkcs8: rsa('pkcs8'),
  rsa: rsa('pkcs1'),
  ec: generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    .privateKey.export({ type: 'sec1', format: 'pem' })
    .toString(),
  openssh: block('OPENSSH PRIVATE KEY', 6),
  encrypted: block(
    'RSA PRIVATE KEY',
    8,
    'Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n',
  ),
  pgp: block(
    'PGP PRIVATE KEY BLOCK',
    9,
    'Version: GnuPG v2.0.22 (GNU/Linux)\nComment: a comment\n\n',
  ),
};

const eachLine = (text: string, write: (line: string, number: number) => string): string =>
  text
    .split('\n')
    .map((line, index) => write(line, index + 1))
    .join('\n');

const layouts: Readonly<Record<string, (pem: string) => string>> = {
  'as it is': (pem) => pem,
  'cat -n': (pem) => eachLine(pem, (line, number) => `${String(number).padStart(6)}\t${line}`),
  'arrow numbers': (pem) =>
    eachLine(pem, (line, number) => `${String(number).padStart(6)}\u2192${line}`),
  'added lines of a diff': (pem) => eachLine(pem, (line) => `+${line}`),
  'removed lines of a diff': (pem) => eachLine(pem, (line) => `-${line}`),
  quoted: (pem) => eachLine(pem, (line) => `> ${line}`),
  indented: (pem) => `key: |\n${eachLine(pem, (line) => `    ${line}`)}`,
  'grep -n': (pem) => eachLine(pem, (line, number) => `etc/key.pem:${number}:${line}`),
  'carriage returns': (pem) => pem.replaceAll('\n', '\r\n'),
  'one line with escapes': (pem) => `KEY="${pem.replaceAll('\n', '\\n')}"`,
  'one line with blanks': (pem) => pem.replaceAll('\n', ' '),
  'strings joined in code': (pem) => eachLine(pem, (line) => `'${line}' +`),
  'without its end': (pem) => pem.slice(0, pem.indexOf('-----END') - 30),
  'without its beginning': (pem) => pem.split('\n').slice(-5).join('\n'),
};

describe.each(Object.entries(keys))('a private key: %s', (_, pem) => {
  const body = pem.split('\n').filter((line) => /^[A-Za-z0-9+/=]{30,}$/.test(line));

  it.each(Object.entries(layouts))('%s', (_, lay) => {
    for (const serialize of Object.values(serializers)) {
      const line = serialize(lay(pem));
      const { bytes } = redactor.redact(Buffer.from(line));
      for (const part of body)
        expect(leaks(bytes.toString(), part), `${line}\n=> ${bytes}`).toBe(false);
    }
  });

  it('one JSON string per line', () => {
    const patch = {
      structuredPatch: [{ oldStart: 1, lines: pem.split('\n').map((line) => `+${line}`) }],
    };
    for (const line of [JSON.stringify(patch), JSON.stringify({ output: JSON.stringify(patch) })]) {
      const { bytes } = redactor.redact(Buffer.from(line));
      for (const part of body) expect(leaks(bytes.toString(), part)).toBe(false);
      expect(() => JSON.parse(bytes.toString())).not.toThrow();
      const text = bytes.toString();
      expect(text).toContain('PRIVATE KEY');
      expect(text).toContain('oldStart');
    }
  });
});

describe('around private keys', () => {
  it('the header and the text after a cut-off body stay', () => {
    const cut = (keys.pkcs8 ?? '').slice(0, 300);
    const line = JSON.stringify({
      text: `${cut}\n[output truncated]\nThe rest of the story goes on here.`,
    });
    const { bytes } = redactor.redact(Buffer.from(line));
    expect(JSON.parse(bytes.toString())).toEqual({
      text: '-----BEGIN PRIVATE KEY-----\n[REDACTED:private-key]\n[output truncated]\nThe rest of the story goes on here.',
    });
  });

  it.each([
    'if (pem.startsWith("-----BEGIN PRIVATE KEY-----")) return parse(pem);',
    'A file that begins with -----BEGIN RSA PRIVATE KEY----- must never be committed to a repository.',
    'pattern: /-----BEGIN [A-Z ]+PRIVATE KEY-----[\\s\\S]+?-----END/',
    `-----BEGIN PUBLIC KEY-----\n${'A'.repeat(20)}${draw(base64, 44, dice(9))}\n-----END PUBLIC KEY-----`,
    `-----BEGIN CERTIFICATE-----\n${draw(base64, 64, dice(10))}\n-----END CERTIFICATE-----`,
    `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${draw(base64, 43, dice(11))} me@host`,
  ])('no private key: %s', (text) => {
    const line = Buffer.from(JSON.stringify({ text }));
    expect(redactor.redact(line).bytes).toBe(line);
  });
});
