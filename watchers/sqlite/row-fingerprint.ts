import { createHash } from 'node:crypto';

/**
 * What is remembered about an uploaded row: a hash of it or, if it came back from the bucket with markers in place of
 * secrets, a hash of each piece between them. Kept on this machine only.
 */
export type RowFingerprint = string | readonly Piece[];

/** Length in bytes, rolling hash, hash. */
export type Piece = readonly [length: number, rolling: number, hash: string];

/** Characters of base64url: 48 bits. */
export const fingerprintLength = 8;

/** As in docs/bucket-layout.md. */
const marker = /\[REDACTED:[a-z0-9-]+\]/g;
const markerStart = Buffer.from('[REDACTED:');
const base = 0x01000193;

export function fingerprintOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64url').slice(0, fingerprintLength);
}

/** The fingerprint of a row as it was uploaded. */
export function shippedFingerprint(bytes: Buffer): RowFingerprint {
  if (!bytes.includes(markerStart)) return fingerprintOf(bytes);
  const pieces: Piece[] = [];
  let from = 0;
  for (const { index, 0: found } of bytes.toString('latin1').matchAll(marker)) {
    pieces.push(pieceOf(bytes.subarray(from, index)));
    from = index + found.length;
  }
  if (pieces.length === 0) return fingerprintOf(bytes);
  return [...pieces, pieceOf(bytes.subarray(from))];
}

/**
 * Whether a row can be what was uploaded: each marker stands for any bytes, including none. The leftmost match of a
 * piece is best, because whatever it leaves over can only help the following ones.
 */
export function matches(print: RowFingerprint, bytes: Buffer): boolean {
  if (typeof print === 'string') return print === fingerprintOf(bytes);
  const [first, ...others] = print;
  const last = others.pop();
  if (first === undefined || last === undefined || !isAt(first, bytes, 0)) return false;
  let at = first[0];
  for (const piece of others) {
    const found = find(piece, bytes, at);
    if (found === -1) return false;
    at = found + piece[0];
  }
  return bytes.length - last[0] >= at && isAt(last, bytes, bytes.length - last[0]);
}

function pieceOf(bytes: Buffer): Piece {
  return [bytes.length, rollingOf(bytes), fingerprintOf(bytes)];
}

function isAt([length, , hash]: Piece, bytes: Buffer, at: number): boolean {
  return at + length <= bytes.length && fingerprintOf(bytes.subarray(at, at + length)) === hash;
}

/** Rabin-Karp: one pass, whatever the piece. */
function find(piece: Piece, bytes: Buffer, from: number): number {
  const [length, wanted] = piece;
  const last = bytes.length - length;
  if (from > last) return -1;
  const highest = powerOf(length);
  let rolling = rollingOf(bytes.subarray(from, from + length));
  for (let at = from; ; at += 1) {
    if (rolling === wanted && isAt(piece, bytes, at)) return at;
    if (at >= last) return -1;
    const leaving = Math.imul(bytes[at] ?? 0, highest);
    rolling = (Math.imul(rolling, base) + (bytes[at + length] ?? 0) - leaving) | 0;
  }
}

function rollingOf(bytes: Buffer): number {
  let hash = 0;
  for (const byte of bytes) hash = (Math.imul(hash, base) + byte) | 0;
  return hash;
}

function powerOf(exponent: number): number {
  let power = 1;
  for (let count = 0; count < exponent; count += 1) power = Math.imul(power, base);
  return power;
}
