import { nextMarker } from './marker.js';

/**
 * Whether `shipped` can be a redaction of `source`: each `[REDACTED:<kind>]` of `shipped` matches
 * any bytes, even none. Redactions by another version, or with other known secrets, still match; a
 * fresh redaction need not equal the shipped bytes. Compares bytes, so invalid UTF-8 counts like
 * anything else.
 */
export function agrees(shipped: Buffer, source: Buffer): boolean {
  if (shipped.equals(source)) return true;
  const first = nextMarker(shipped, 0);
  if (first === undefined) return false;
  if (!sameBytes(shipped, 0, first.start, source, 0)) return false;

  let sourceAt = first.start;
  let shippedAt = first.end;
  for (let marker = nextMarker(shipped, shippedAt); marker !== undefined; ) {
    // Leftmost is always best: the bytes it leaves can only help the pieces that follow.
    const found = find(source, shipped.subarray(shippedAt, marker.start), sourceAt);
    if (found === -1) return false;
    sourceAt = found + marker.start - shippedAt;
    shippedAt = marker.end;
    marker = nextMarker(shipped, shippedAt);
  }

  const tail = shipped.length - shippedAt;
  if (source.length - tail < sourceAt) return false;
  return sameBytes(shipped, shippedAt, shipped.length, source, source.length - tail);
}

/** How many markers of each kind the shipped bytes contain, whoever wrote them. */
export function countMarkers(bytes: Buffer): Map<string, number> {
  const counts = new Map<string, number>();
  for (let marker = nextMarker(bytes, 0); marker !== undefined; ) {
    counts.set(marker.kind, (counts.get(marker.kind) ?? 0) + 1);
    marker = nextMarker(bytes, marker.end);
  }
  return counts;
}

const probeLength = 64;

/**
 * Position of the first occurrence of `piece`, or -1. Buffer.indexOf alone takes 40 s for 512 KiB
 * that almost repeat within 1 MiB, so only the start of a long piece is searched for, and
 * Knuth-Morris-Pratt takes over when comparing the rest costs more than a few passes.
 */
function find(source: Buffer, piece: Buffer, from: number): number {
  if (piece.length === 0) return from;
  if (piece.length <= probeLength) return source.indexOf(piece, from);
  const probe = piece.subarray(0, probeLength);
  let work = 4 * (source.length - from);
  let at = source.indexOf(probe, from);
  while (at !== -1 && at + piece.length <= source.length) {
    if (sameBytes(piece, 0, piece.length, source, at)) return at;
    work -= piece.length;
    if (work < 0) return findLinear(source, piece, at + 1);
    at = source.indexOf(probe, at + 1);
  }
  return -1;
}

/** Knuth-Morris-Pratt: never more than two comparisons per byte. */
function findLinear(source: Buffer, piece: Buffer, from: number): number {
  const borders = bordersOf(piece);
  let matched = 0;
  for (let at = from; at < source.length; at += 1) {
    while (matched > 0 && source[at] !== piece[matched]) matched = borders[matched] ?? 0;
    if (source[at] === piece[matched]) matched += 1;
    if (matched === piece.length) return at + 1 - matched;
  }
  return -1;
}

/** For each length, the longest border of that prefix: both its beginning and its end. */
function bordersOf(piece: Buffer): Int32Array {
  const borders = new Int32Array(piece.length + 1);
  let border = 0;
  for (let at = 1; at < piece.length; at += 1) {
    while (border > 0 && piece[at] !== piece[border]) border = borders[border] ?? 0;
    if (piece[at] === piece[border]) border += 1;
    borders[at + 1] = border;
  }
  return borders;
}

function sameBytes(
  shipped: Buffer,
  start: number,
  end: number,
  source: Buffer,
  sourceStart: number,
): boolean {
  const sourceEnd = sourceStart + end - start;
  if (sourceEnd > source.length) return false;
  return shipped.compare(source, sourceStart, sourceEnd, start, end) === 0;
}
