import type { Trigger } from '../detector.js';
import { isDense, isJumbled, isRandom } from '../entropy.js';
import { isPlaceholder, isReference, isUuid } from '../placeholders.js';
import { type ScanContext, weights } from '../scan-context.js';

/** Values of session cookies in headers, flags and cookie jars. */
export const cookieTriggers: readonly Trigger[] = [
  ...['cookie:', 'cookie"', "cookie'", 'cookie\\', 'cookie=', 'cookie '].map((literal) => ({
    literal,
    fold: true,
    detector: {
      isWorthwhile: (bytes: Buffer, at: number) =>
        isPairNear(bytes, at + literal.length) && !isTold(bytes, at),
      detect: (context: ScanContext, at: number) => detectPairs(context, at + literal.length - 1),
    },
  })),
  ...['TRUE', 'FALSE'].map((literal) => ({
    literal,
    detector: {
      isWorthwhile: (bytes: Buffer, at: number) => isTabAt(bytes, at + literal.length),
      detect: (context: ScanContext, at: number) => detectJar(context, at + literal.length),
    },
  })),
];

const reach = 120;

function isPairNear(bytes: Buffer, from: number): boolean {
  return /^[\s"'\\:=>,]{0,40}[\w.$!%-]{1,64}=/.test(bytes.toString('latin1', from, from + reach));
}

/** `cookie = new Cookie(…)`, `setCookie(…)`: code. */
function isTold(bytes: Buffer, at: number): boolean {
  const text = bytes.toString('latin1', at, at + 24);
  return /^cookie ?= ?[A-Za-z_$][\w.]*\(/i.test(text);
}

const pair =
  /[\s"'\\:=>,;]{0,80}(?<name>[\w.$!%-]{1,64})=\\{0,64}"?(?<secret>[^\s;,"'\\]{0,4000})/dy;
const attributes =
  /^(?:path|domain|expires|max-age|samesite|secure|httponly|priority|version|comment)$/i;
/** Visit counters, settings and CSRF tokens. */
const harmless =
  /^(?:_ga\w*|_gid|_gcl\w*|_fbp|_fbc|utm\w*|__utm\w|lang\w*|locale|theme|tz|timezone|consent\w*|.*csrf.*|.*xsrf.*|AWSALB\w*|__cf_bm|_cfuvid|ajs_\w+|amplitude\w*|mp_\w+|optimizely\w*)$/i;
const mostPairs = 60;

function detectPairs(context: ScanContext, from: number): void {
  let at = from + 1;
  for (let count = 0; count < mostPairs; count += 1) {
    const found = context.match(pair, at);
    if (found === undefined) return;
    const written = context.text(found.start, found.secretStart);
    const name = /([\w.$!%-]+)=\\*"?$/.exec(written)?.[1] ?? '';
    const value = context.text(found.secretStart, found.secretEnd);
    if (!attributes.test(name) && !harmless.test(name) && isSession(value)) {
      context.add(found.secretStart, found.secretEnd, 'cookie', weights.context);
    }
    at = found.end;
    if (context.bytes[at] !== 0x3b) return;
  }
}

function isSession(value: string): boolean {
  const core = decoded(value);
  if (core.length < 16 || isPlaceholder(core) || isReference(core)) return false;
  if (/^[0-9a-f]{32,}$/i.test(core) || isUuid(core)) return true;
  return isRandom(core) && /\d/.test(core) && (isDense(core) || isJumbled(core));
}

function decoded(value: string): string {
  return value.replace(/%[0-9A-Fa-f]{2}/g, (hex) =>
    String.fromCharCode(Number.parseInt(hex.slice(1), 16)),
  );
}

function isTabAt(bytes: Buffer, at: number): boolean {
  return /^(?:\t|\\{1,64}t)(?:0|\d{9,13})(?:\.\d+)?(?:\t|\\{1,64}t)/.test(
    bytes.toString('latin1', at, at + 60),
  );
}

const jarRest =
  /(?:\t|\\{1,64}t)(?:0|\d{9,13})(?:\.\d+)?(?:\t|\\{1,64}t)[\w.$!%-]{1,80}(?:\t|\\{1,64}t)(?<secret>[^\s"'\\]{6,4000})/dy;

/** The end of a line of Netscape's cookie file: expiry, name, value. */
function detectJar(context: ScanContext, at: number): void {
  const found = context.match(jarRest, at);
  if (found === undefined) return;
  const value = context.text(found.secretStart, found.secretEnd);
  if (isSession(value)) context.add(found.secretStart, found.secretEnd, 'cookie', weights.context);
}
