import type { Trigger } from '../detector.js';
import { type ScanContext, weights } from '../scan-context.js';

/**
 * The private members of a JSON Web Key (RFC 7518), whatever their order in the object that
 * contains the `kty`.
 */
export const jwkTriggers: readonly Trigger[] = [
  { literal: 'kty', detector: { isWorthwhile: isMember, detect } },
];

const around = 4 * 1024;
const member =
  /["'](?:d|p|q|dp|dq|qi|k)\\{0,64}["'][ \t]{0,4}:[ \t]{0,4}\\{0,64}["'](?<secret>[A-Za-z0-9_-]{16,2000})/g;

function isMember(bytes: Buffer, at: number): boolean {
  return /^kty\\{0,64}["'][ \t]{0,4}:/.test(bytes.toString('latin1', at, at + 80));
}

function detect(context: ScanContext, at: number): void {
  const from = Math.max(0, at - around);
  const before = context.text(from, at);
  const start = from + before.lastIndexOf('{') + 1;
  const after = context.text(at, Math.min(context.bytes.length, at + around));
  const brace = after.indexOf('}');
  const text = context.text(start, at + (brace === -1 ? after.length : brace));
  context.charge(4 + (text.length >> 6));
  for (const found of text.matchAll(member)) {
    const secret = found.groups?.secret ?? '';
    const end = start + found.index + found[0].length;
    context.add(end - secret.length, end, 'jwk-private-key', weights.context);
  }
}
