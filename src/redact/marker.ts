/**
 * `[REDACTED:<kind>]`, where kind is `[a-z0-9-]+`: replaces a secret. Needs no escaping at any JSON
 * depth.
 */
export interface Marker {
  /** Byte position of the `[`. */
  readonly start: number;
  /** Byte position after the `]`. */
  readonly end: number;
  readonly kind: string;
}

const opening = Buffer.from('[REDACTED:', 'latin1');

/** The marker's bytes as text (ASCII only). */
export function markerText(kind: string): string {
  return `[REDACTED:${kind}]`;
}

/**
 * The first complete marker at or after `from`. Linear: a kind contains no `[`, so no byte is
 * examined twice.
 */
export function nextMarker(bytes: Buffer, from: number): Marker | undefined {
  let start = bytes.indexOf(opening, from);
  while (start !== -1) {
    const kindStart = start + opening.length;
    let at = kindStart;
    while (isKindByte(bytes[at])) at += 1;
    if (at > kindStart && bytes[at] === 0x5d) {
      return { start, end: at + 1, kind: bytes.toString('latin1', kindStart, at) };
    }
    start = bytes.indexOf(opening, at);
  }
  return undefined;
}

/** Whether a marker's kind begins at `at`: `token` in a marker does not name the text after it. */
export function isMarkerKind(bytes: Buffer, at: number): boolean {
  const start = at - opening.length;
  return start >= 0 && opening.compare(bytes, start, at) === 0;
}

function isKindByte(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d;
}
