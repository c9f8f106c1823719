import { alphabet, base64Any, hexDigits, runEnd, runStart } from '../alphabet.js';
import { isFreeOnLeft } from '../boundary.js';
import type { Trigger } from '../detector.js';
import type { ScanContext } from '../scan-context.js';
import { inBase32 } from './base32.js';
import { compressedTriggers } from './compressed.js';
import { addIfSecret, isLongRun, longestRun, type Piece } from './decoded-run.js';

/**
 * Secrets in base64 or hex: a `.env` file, a key, a token, a configuration in JSON. Found by words
 * that accompany secrets, encoded at each possible offset in a group of three bytes; the whole run
 * is redacted if its content is secret.
 */
export function encodedTriggers(): readonly Trigger[] {
  return [
    ...[...words, ...prefixes].flatMap((word) => [...inBase64(word), inHex(word)]),
    ...commonWords.flatMap(inTwo),
    ...commonWords.flatMap((word) => inBase64(utf16(word))),
    ...['PASSWORD', 'password', 'SECRET', 'TOKEN'].flatMap(inThree),
    ...[...commonWords, 'API_KEY', 'PRIVATE', 'secret'].flatMap(inBase32),
    ...prefixes.slice(0, mostInBase32).flatMap((prefix) => inBase32(prefix).slice(0, 1)),
    ...compressedTriggers,
  ];
}

/** The commonest of the words below: each takes a dozen literals, which every start of a process pays for. */
export const commonWords: readonly string[] = ['PASSWORD', 'password', 'SECRET', 'TOKEN', 'token'];

/** Base64 in base64 or hex, and hex in base64. */
function inTwo(word: string): readonly Trigger[] {
  const inner = literalsOf(word);
  const hex = Buffer.from(word).toString('hex');
  return [...inner.flatMap((text) => [...inBase64(text), inHex(text)]), ...inBase64(hex)];
}

/** Base64 in base64 in base64. */
function inThree(word: string): readonly Trigger[] {
  return literalsOf(word).flatMap(literalsOf).flatMap(inBase64);
}

function literalsOf(word: string): readonly string[] {
  return inBase64(word).map(({ literal }) => literal);
}

/** As PowerShell encodes commands. */
function utf16(text: string): string {
  return Buffer.from(text, 'utf16le').toString('latin1');
}

const words = [
  ...['PASSWORD', 'password', 'Password', 'PASSWD', 'passwd', 'SECRET', 'secret', 'Secret'],
  ...['TOKEN', 'token', 'Token', 'API_KEY', 'api_key', 'apiKey', 'ApiKey', 'api-key', 'ACCESS_KEY'],
  ...[
    'access_key',
    'AccountKey',
    'PRIVATE',
    'private_key',
    '_KEY=',
    '_PASS=',
    'Bearer ',
    'Authorization',
  ],
  ...['credential', 'CREDENTIAL', 'BEGIN OPENSSH', 'machine ', '"auth"', '_PSK=', 'mysql -'],
];
const prefixes = [
  ...['ghp_', 'gho_', 'ghs_', 'ghu_', 'github_pat_', 'glpat-', 'sk-ant-', 'sk-proj-', 'sk-or-v1'],
  ...['AKIA', 'ASIA', 'xoxb-', 'xoxp-', 'xapp-', 'hf_', 'npm_', 'AIza', 'sk_live_', 'rk_live_'],
  ...['whsec_', 'dckr_pat_', 'pypi-', 'hvs.', 'ya29.', 'gsk_', 'eyJhbG', 'postgres', 'mysql://'],
  ...[
    'mongodb',
    'redis://',
    'amqp://',
    'SG.',
    'figd_',
    'lin_api_',
    'ntn_',
    'shpat_',
    'dop_v1_',
    'nvapi-',
    'H4sIA',
  ],
];
const shortestLiteral = 4;
const mostInBase32 = 20;
const mostLines = 200;

function inBase64(word: string): readonly Trigger[] {
  return [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.from(`${'\0'.repeat(before)}${word}`, 'latin1').toString('base64');
    // Only characters that consist entirely of the word's bits.
    const start = Math.ceil((before * 8) / 6);
    const literal = encoded.slice(start, Math.floor(((before + word.length) * 8) / 6));
    if (literal.length < shortestLiteral) return [];
    return [
      {
        literal,
        detector: {
          isWorthwhile: (bytes: Buffer, at: number) => isLongRun(bytes, at, base64Any),
          detect: (context: ScanContext, at: number) => detectBase64(context, at, start),
        },
      },
    ];
  });
}

function inHex(word: string): Trigger {
  return {
    literal: Buffer.from(word).toString('hex'),
    fold: true,
    detector: {
      isWorthwhile: (bytes, at) => isLongRun(bytes, at, hexDigits),
      detect: detectHex,
    },
  };
}

/** `place` is the anchor's offset in a group of four characters. */
function detectBase64(context: ScanContext, at: number, place: number): void {
  const { bytes } = context;
  if (at < (context.searchedTo.get(words) ?? 0)) return;
  const run = runStart(bytes, at, base64Any, at - longestRun);
  const start = run + ((at - run - place) & 3);
  const pieces = linesFrom(context, start);
  const last = pieces.at(-1);
  if (last === undefined || last.end - start > longestRun) return;
  context.searchedTo.set(words, last.end);
  const text = pieces.map((piece) => context.text(piece.start, piece.end)).join('');
  context.charge(8 + (text.length >> 5));
  addIfSecret(context, pieces, Buffer.from(text, 'base64'));
}

const lineBreak = /(?:\r?\n|\\{1,64}r\\{1,64}n|\\{1,64}n)[ \t]{0,8}/y;
const padding = alphabet('=');

/** Base64 is written in lines of 64 or 76 characters; the last is shorter. */
function linesFrom(context: ScanContext, start: number): readonly Piece[] {
  const { bytes } = context;
  const pieces: Piece[] = [];
  let at = start;
  let width = 0;
  while (pieces.length < mostLines) {
    const end = runEnd(bytes, at, base64Any, at + longestRun);
    const padded = runEnd(bytes, end, padding, end + 2);
    const length = padded - at;
    if (length === 0 || (width > 0 && length > width)) break;
    pieces.push({ start: at, end: padded });
    if (width === 0 && length !== 64 && length !== 76) break;
    if (width > 0 && length < width) break;
    width = length;
    const next = context.match(lineBreak, padded);
    if (next === undefined) break;
    at = next.end;
  }
  return pieces;
}

const letterX = 0x78;

function detectHex(context: ScanContext, at: number): void {
  const { bytes } = context;
  if (at < (context.searchedTo.get(prefixes) ?? 0)) return;
  const run = runStart(bytes, at, hexDigits, at - longestRun);
  const start = run + ((at - run) & 1);
  const end = runEnd(bytes, at, hexDigits, start + longestRun);
  context.searchedTo.set(prefixes, end);
  context.charge(8 + ((end - start) >> 5));
  if (!isFreeOnLeft(bytes, run) && bytes[run - 1] !== letterX) return;
  addIfSecret(context, [{ start, end }], Buffer.from(context.text(start, end), 'hex'));
}
