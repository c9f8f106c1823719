import { type Alphabet, base64Any, isIn, urlSafe } from '../alphabet.js';
import { isFreeOnLeft, isJoinedOnLeft } from '../boundary.js';
import type { Trigger } from '../detector.js';
import { isInsideBlob } from '../entropy.js';
import { type ScanContext, weights } from '../scan-context.js';

/** Signed and encrypted JSON Web Tokens, of any length. */
export const jwtTriggers: readonly Trigger[] = [
  {
    literal: 'eyJ',
    detector: {
      isWorthwhile: (bytes, at) => isFreeOnLeft(bytes, at) || isJoinedOnLeft(bytes, at),
      detect,
    },
  },
];

const dot = 0x2e;
const beginsJson = Buffer.from('eyJ', 'latin1');

function detect(context: ScanContext, at: number): void {
  const { bytes } = context;
  context.charge(1);
  const headerEnd = context.runEnd(at, urlSafe);
  if (bytes[headerEnd] !== dot || headerEnd - at < 12) return;
  const parts = [at, headerEnd + 1];
  let end = headerEnd;
  while (bytes[end] === dot && parts.length <= 6) {
    end = context.runEnd(end + 1, urlSafe);
    parts.push(end + 1);
  }
  if (!isToken(context, at, headerEnd, parts)) return;
  const tail = paddingEnd(context, end);
  if (isInsideBlob(bytes, at, tail)) return;
  context.add(at, tail, 'jwt', weights.shape + beginsJson.length);
}

/** `parts` holds the start of each part, plus one entry. */
function isToken(
  context: ScanContext,
  at: number,
  headerEnd: number,
  parts: readonly number[],
): boolean {
  const { bytes } = context;
  const count = parts.length - 1;
  const payload = headerEnd + 1;
  const lengthOf = (index: number): number => (parts[index + 1] ?? 0) - (parts[index] ?? 0) - 1;
  if (count >= 3 && bytes.compare(beginsJson, 0, 3, payload, payload + 3) === 0) {
    return lengthOf(1) >= 8 && lengthOf(2) >= 10;
  }
  if (count < 3) return false;
  const header = Buffer.from(context.text(at, Math.min(headerEnd, at + 2000)), 'base64');
  return /"(?:alg|enc)"\s*:/.test(header.toString('latin1')) && lengthOf(count - 1) >= 16;
}

const paddings: Alphabet = base64Any;

function paddingEnd(context: ScanContext, end: number): number {
  const { bytes } = context;
  const rest = context.runEnd(end, paddings);
  return bytes[rest] === 0x3d && !isIn(urlSafe, bytes[rest + 1]) ? rest + 1 : rest;
}
