import { hasUpperLowerDigit, isDense, isJumbled, isWordy } from '../entropy.js';
import type { Rule } from '../rule.js';

/** Secrets whose name comes after them. */

const nothing = new Uint8Array(256);
const quote = String.raw`\\{0,64}["']`;
const comma = String.raw`,(?:\s|\\{1,64}n){0,16}`;
const colon = String.raw`\s?:\s?`;
const ends = ['_KEY', '_TOKEN', '_SECRET', '_PASSWORD', '_PASS', '_PWD'];
const smallEnds = ['api_key', 'apiKey', 'ApiKey', 'api-key', 'password', 'Password', 'secret'];
const open = '(?:PUBLIC|PUBLISHABLE|CACHE|PRIMARY|FOREIGN|SORT|PARTITION|CSRF|PAGE|NEXT|OBJECT)';

export const namedAfterRules: readonly Rule[] = [
  {
    kind: 'secret',
    anchors: [...ends, ...smallEnds].flatMap((end) => [`${end}"`, `${end}\\`, `${end}'`]),
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?<=[{,]\s{0,16}${quote}[Vv]alue${quote}${colon}${quote}(?<secret>[^\s"'\\]{8,256})${quote}${comma}${quote}(?:[Nn]ame|[Kk]ey|[Vv]ariable|id)${quote}${colon}${quote}[\w.-]{0,48})(?<!${open})(?:${[...ends, ...smallEnds].join('|')})(?=${quote})`,
    ),
    accepts: isTelling,
    source: 'lists of variables in JSON, sorted by some tools',
    example: '{"value":"⟦<alnum:24>⟧","name":"ACME_API_KEY"}',
  },
  {
    kind: 'secret',
    anchors: ends.slice(0, 4),
    notAfter: nothing,
    shape: new RegExp(
      String.raw`(?<=(?<![\w/.=+-])(?<secret>[\w+/=.-]{16,128})(?:\\{0,64}["'\x60])? (?:is|as|for|into|in|to|goes into|belongs in|belongs into) (?:the |our |my |your |new |its )?(?:\\{0,64}["'\x60])?[A-Z][A-Z0-9_]{0,40})(?<!${open})(?:${ends.slice(0, 4).join('|')})(?![A-Za-z0-9_])`,
    ),
    accepts: (secret) => isGenerated(secret) && isDense(secret),
    source: 'sentences',
    example: 'put ⟦<alnum:32>⟧ into ACME_API_KEY',
  },
  {
    kind: 'secret',
    anchors: ['key', 'token', 'secret', 'password'].map((word) => `${word} use `),
    notAfter: nothing,
    shape:
      /(?:key|token|secret|password) use (?:\\{0,64}["'\x60])?(?<secret>[\w+/=.-]{16,128})(?![\w+/=-])/,
    accepts: (secret) => isGenerated(secret) && isDense(secret),
    source: 'sentences',
    example: 'for the api key use ⟦<alnum:32>⟧',
  },
];

/** A generated value, or a password with all that people are asked to put into one. */
function isTelling(value: string): boolean {
  if (value.length >= 16) return isGenerated(value);
  return hasUpperLowerDigit(value) && !/[/:]/.test(value);
}

/** Not every generated value has a digit. */
function isGenerated(value: string): boolean {
  return /[a-z]/.test(value) && /[A-Z]/.test(value) && isJumbled(value) && !isWordy(value);
}
