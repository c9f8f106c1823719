import { type Alphabet, runEnd, runStart } from '../alphabet.js';
import { type ScanContext, weights } from '../scan-context.js';

/** What an encoded run contains, and whether that is secret: then the whole run is redacted. */

export const shortestRun = 20;
export const longestRun = 16 * 1024;

export function isLongRun(bytes: Buffer, at: number, set: Alphabet): boolean {
  const start = runStart(bytes, at, set, at - shortestRun);
  return runEnd(bytes, at, set, at + shortestRun * 2) - start >= shortestRun;
}

export interface Piece {
  readonly start: number;
  readonly end: number;
}

/** Text, as opposed to something that only looks like base64. */
const printable = /^[\t\n\r -~\x80-\xff]+$/;

export function addIfSecret(context: ScanContext, pieces: readonly Piece[], bytes: Buffer): void {
  const decoded = withoutZeros(bytes);
  if (!printable.test(decoded.toString('latin1')) || !isMostlyAscii(decoded)) return;
  if (!context.holdsSecret(decoded)) return;
  for (const { start, end } of pieces) {
    context.add(start, end, 'encoded-secret', weights.context);
  }
}

/** ASCII in UTF-16 has a zero in every second place. */
function withoutZeros(bytes: Buffer): Buffer {
  const odd = bytes[1] === 0 ? 0 : 1;
  if (bytes.length < 8 || bytes[1 - odd] !== 0) return bytes;
  const text = bytes.filter((_, at) => at % 2 === odd);
  return bytes.every((byte, at) => at % 2 === odd || byte === 0) ? Buffer.from(text) : bytes;
}

function isMostlyAscii(bytes: Buffer): boolean {
  let ascii = 0;
  for (const byte of bytes) if (byte < 0x80) ascii += 1;
  return ascii >= bytes.length * 0.9;
}
