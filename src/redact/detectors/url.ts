import { alphabet, alphanumeric, digits, isIn } from '../alphabet.js';
import type { Trigger } from '../detector.js';
import { isRandom, isSequence } from '../entropy.js';
import { isPlaceholder, isReference } from '../placeholders.js';
import { type ScanContext, weights } from '../scan-context.js';

/** Passwords and tokens in the user part of a URL, whatever its scheme. */
export const urlTriggers: readonly Trigger[] = [
  {
    literal: '://',
    detector: {
      isWorthwhile: (bytes, at) => atSign(bytes, at + 3) !== -1,
      detect: (context, at) => detect(context, at + 3),
    },
  },
];

const stops = alphabet('/?# \t\r\n"\'`\\<>(){}[]|,;');
const forgotten = alphabet('#?');
const longestUserPart = 400;

/** Position of the last `@` of the authority that begins at `from`, or -1. */
function atSign(bytes: Buffer, from: number): number {
  let found = -1;
  const limit = Math.min(bytes.length, from + longestUserPart);
  let isPassword = false;
  for (let at = from; at < limit; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === 0x40) found = at;
    // Passwords are often left unencoded, so these bytes do not end one; after a port they do.
    else if (byte === 0x3a)
      isPassword ||= !isIn(digits, bytes[at + 1]) || !isIn(digits, bytes[at + 2]);
    else if (byte >= 0x80 || (stops[byte] === 1 && !(isPassword && isIn(forgotten, byte)))) break;
  }
  return found;
}

function detect(context: ScanContext, start: number): void {
  const { bytes } = context;
  context.charge(1);
  const end = atSign(bytes, start);
  if (end === -1 || !isIn(alphanumeric, bytes[start - 4])) return;
  const colon = bytes.indexOf(0x3a, start);
  if (colon === -1 || colon >= end) {
    detectToken(context, start, end);
    return;
  }
  const user = context.text(start, colon);
  const password = context.text(colon + 1, end);
  if (isHarmless(user, password)) return;
  context.add(colon + 1, end, 'url-password', weights.context);
}

const gitHosts =
  /^(?:[\w.-]*\.)?(?:github|gitlab|bitbucket|gitea|codeberg|azure|visualstudio|huggingface|hf)\.|^[\w.-]*git[\w.-]*\./;

/**
 * `https://TOKEN@github.com`; elsewhere a user without a password is a name, or public as in
 * Sentry's addresses.
 */
function detectToken(context: ScanContext, start: number, end: number): void {
  const user = context.text(start, end);
  const host = context.text(end + 1, Math.min(end + 80, context.bytes.length));
  if (user.length < 20 || !gitHosts.test(host) || isPlaceholder(user) || !isRandom(user)) return;
  context.add(start, end, 'url-token', weights.context);
}

const weak =
  /^(?:(?:my|your|the|some|db|user|root|admin|test|super)?[-_.]?(?:pass(?:word|wd)?|passw|pwd|pw|secret|token|key|credentials?)\d{0,3}|postgres(?:ql)?|mysql|root|admin|guest|test|user(?:name)?|example|change-?(?:me|it)|dev|local|x-oauth-basic|rabbitmq|redis|mongo|minio(?:admin)?|foo|bar|baz|x+|\*+|\.+|_+|string)$/i;

function isHarmless(user: string, password: string): boolean {
  if (password.length < 4 || weak.test(password) || isReference(password)) return true;
  if (user !== '' && password.toLowerCase() === user.toLowerCase()) return true;
  if (/^[A-Z][A-Z_]*$/.test(password) || /^[$%:<{[]/.test(password)) return true;
  if (/^\d{2,5}$/.test(password) && user.includes('.')) return true;
  if (/%7B|%24|%3C|\$\{|\$[A-Z_]|\.\.\.|\*\*/i.test(password) || /^\$|[${]/.test(user)) return true;
  return isSequence(password) && password.length > 4;
}
