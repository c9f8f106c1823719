import { type Alphabet, base64Any, hexDigits, runEnd } from '../alphabet.js';
import { isFreeOnLeft } from '../boundary.js';
import type { Trigger } from '../detector.js';
import type { ScanContext } from '../scan-context.js';
import { addIfSecret, longestRun, shortestRun } from './decoded-run.js';

/** Compressed text in base64 or hex, found by the first bytes of gzip's and zlib's formats. */

const longestInflated = 64 * 1024;
/** Failing costs about as much. */
const inflateUnits = 80;
const paddingLength = 2;

/** gzip, and zlib at its usual levels: what follows their two bytes varies the last character. */
const starts: readonly string[] = [
  'H4sI',
  ...['w', 'x', 'y', 'z'].map((last) => `eJ${last}`),
  ...['o', 'p', 'q', 'r'].map((last) => `eN${last}`),
];

export const compressedTriggers: readonly Trigger[] = [
  ...starts.map((literal) => trigger(literal, base64Any, 'base64')),
  trigger('1f8b08', hexDigits, 'hex'),
];

function trigger(literal: string, set: Alphabet, encoding: 'base64' | 'hex'): Trigger {
  return {
    literal,
    detector: {
      isWorthwhile: (bytes, at) =>
        isFreeOnLeft(bytes, at) && runEnd(bytes, at, set, at + shortestRun) === at + shortestRun,
      detect: (context, at) => detect(context, at, set, encoding),
    },
  };
}

function detect(context: ScanContext, at: number, set: Alphabet, encoding: 'base64' | 'hex'): void {
  const { bytes } = context;
  const end = runEnd(bytes, at, set, at + longestRun);
  context.charge(inflateUnits + ((end - at) >> 4));
  const inflated = inflate(Buffer.from(context.text(at, end), encoding));
  if (inflated === undefined) return;
  context.charge(inflated.length >> 4);
  let padded = end;
  while (bytes[padded] === 0x3d && padded < end + paddingLength) padded += 1;
  addIfSecret(context, [{ start: at, end: padded }], inflated);
}

/** `undefined` if it is not compressed, or too large. A stream that was cut off yields what it has. */
function inflate(bytes: Buffer): Buffer | undefined {
  // Loaded on first use: few processes ever need it.
  const { constants, unzipSync } = process.getBuiltinModule('node:zlib');
  try {
    return unzipSync(bytes, {
      maxOutputLength: longestInflated,
      finishFlush: constants.Z_SYNC_FLUSH,
    });
  } catch {
    return undefined;
  }
}
