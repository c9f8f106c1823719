import { alphabet, isIn } from '../alphabet.js';
import { isFreeOnLeft } from '../boundary.js';
import type { Detector, Trigger } from '../detector.js';
import { isRandom, printableFromBase64 } from '../entropy.js';
import { isPlaceholder, isReference } from '../placeholders.js';
import { type Match, type ScanContext, weights } from '../scan-context.js';

/** Credentials after `Authorization`, `Bearer` and `Basic`, wherever they appear. */
export const headerTriggers: readonly Trigger[] = [
  {
    literal: 'authorization',
    fold: true,
    detector: afterWord('authorization', authorization, true),
  },
  { literal: 'bearer', fold: true, detector: afterWord('bearer', bearer) },
  { literal: 'basic', fold: true, detector: afterWord('basic', basic) },
];

const separators = alphabet(' \t:=+%"\'`\\,)]');

// Between a header's name and its value: quotes at any depth, a colon or similar sign, blanks.
const gap = String.raw`\\{0,64}["'\x60]?[\])]?\s{0,4}(?:[:=,]|=>)\s{0,4}\\{0,64}["'\x60]?`;
const authorizationValue = new RegExp(
  String.raw`(?:proxy-)?authorization${gap}(?<scheme>[A-Za-z][\w-]{1,24}(?:\s|%20|\+){1,3})?(?:token=\\{0,64}"?)?(?<secret>[A-Za-z0-9._~+/%:=-]{12,200})`,
  'idy',
);
const bearerValue =
  /bearer(?:\s|%20|\+|:\s?){1,4}(?:(?:\{\}|%s|%v)\\{0,64}["'`]\s?,\s{0,2})?\\{0,64}["'`]?(?<secret>[A-Za-z0-9._~+/%=-]{16,4000})/diy;
const basicValue =
  /basic(?:\s|%20|\+){1,4}\\{0,64}["'`]?(?<secret>[A-Za-z0-9+/_%-]{8,4000}={0,2})/diy;

function afterWord(word: string, detect: Detector['detect'], mayEndName = false): Detector {
  return {
    isWorthwhile: (bytes, at) =>
      isIn(separators, bytes[at + word.length]) && (mayEndName || isFreeOnLeft(bytes, at)),
    detect,
  };
}

function authorization(context: ScanContext, at: number): void {
  const found = context.match(authorizationValue, at);
  if (found === undefined || isSignatureScheme(context, found)) return;
  const scheme = context
    .text(found.start, found.secretStart)
    .match(/(\w+)[^\w]*$/)?.[1]
    ?.toLowerCase();
  if (scheme === 'basic') addBasic(context, found);
  else addOpaque(context, found, scheme === 'bearer' ? 'bearer-token' : 'authorization');
}

/** `AWS4-HMAC-SHA256`, `GOOG4-RSA-SHA256`: what follows is too short to be anything but a template. */
function isSignatureScheme(context: ScanContext, { secretStart, secretEnd }: Match): boolean {
  return /^[A-Z0-9]{2,8}-(?:HMAC|RSA|ECDSA)-[A-Z0-9-]{3,20}$/.test(
    context.text(secretStart, secretEnd),
  );
}

function bearer(context: ScanContext, at: number): void {
  const found = context.match(bearerValue, at);
  if (found !== undefined) addOpaque(context, found, 'bearer-token');
}

function basic(context: ScanContext, at: number): void {
  const found = context.match(basicValue, at);
  if (found !== undefined) addBasic(context, found);
}

const longestJudged = 512;
const valueBytes = alphabet('A-Za-z0-9._~+/%=-');

function addOpaque(context: ScanContext, found: Match, kind: string): void {
  const end = context.runEnd(found.secretEnd, valueBytes);
  const value = context.text(found.secretStart, Math.min(end, found.secretStart + longestJudged));
  context.charge(4 + (value.length >> 4));
  const core = value.replace(/[.:]+$/, '');
  if (core.length < 16 || !/\d/.test(core) || !isRandom(core)) return;
  if (isPlaceholder(core) || isReference(core)) return;
  const cut = value.length === end - found.secretStart ? value.length - core.length : 0;
  context.add(found.secretStart, end - cut, kind, weights.context);
}

function addBasic(context: ScanContext, found: Match): void {
  const value = context.text(found.secretStart, found.secretEnd);
  const decoded = printableFromBase64(
    value.replace(/%3d/gi, '=').replace(/%2b/gi, '+').replace(/%2f/gi, '/'),
  );
  if (decoded === undefined || !/^[^:\s]{0,200}:[^\s]{2,}$/.test(decoded)) return;
  if (/^(?:user(?:name)?|login):(?:pass(?:word)?|secret)$/i.test(decoded)) return;
  context.add(found.secretStart, found.secretEnd, 'basic-auth', weights.context);
}
