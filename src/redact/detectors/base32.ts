import { alphabet, isIn, runEnd, runStart } from '../alphabet.js';
import type { Trigger } from '../detector.js';
import type { ScanContext } from '../scan-context.js';
import { addIfSecret, isLongRun, longestRun } from './decoded-run.js';

/** Secrets in base32: found by words that accompany them, at each offset in a group of five bytes. */

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const members = alphabet('A-Z2-7');
const padding = alphabet('=');
const bitsPerByte = 8;
const bitsPerLetter = 5;
const bytesInGroup = 5;
const lettersInGroup = 8;
const shortestLiteral = 5;

export function inBase32(word: string): readonly Trigger[] {
  return Array.from({ length: bytesInGroup }, (_, before) => before).flatMap((before) => {
    const text = encoded(Buffer.from(`${'\0'.repeat(before)}${word}`, 'latin1'));
    // Only letters that consist entirely of the word's bits.
    const start = Math.ceil((before * bitsPerByte) / bitsPerLetter);
    const end = Math.floor(((before + word.length) * bitsPerByte) / bitsPerLetter);
    const literal = text.slice(start, end);
    if (literal.length < shortestLiteral) return [];
    return [
      {
        literal,
        detector: {
          isWorthwhile: (bytes: Buffer, at: number) => isLongRun(bytes, at, members),
          detect: (context: ScanContext, at: number) => detect(context, at, start),
        },
      },
    ];
  });
}

/** `place` is the literal's offset in a group of eight letters. */
function detect(context: ScanContext, at: number, place: number): void {
  const { bytes } = context;
  if (at < (context.searchedTo.get(letters32) ?? 0)) return;
  const run = runStart(bytes, at, members, at - longestRun);
  const start = run + ((at - run - place) & (lettersInGroup - 1));
  const end = runEnd(bytes, at, members, start + longestRun);
  context.searchedTo.set(letters32, end);
  context.charge(lettersInGroup + ((end - start) >> 4));
  const padded = isIn(padding, bytes[end]) ? runEnd(bytes, end, padding, end + 6) : end;
  addIfSecret(context, [{ start, end: padded }], decoded(context.text(start, end)));
}

const letters32 = {};

function encoded(bytes: Buffer): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << bitsPerByte) | byte;
    for (bits += bitsPerByte; bits >= bitsPerLetter; bits -= bitsPerLetter) {
      text += letters[(held >> (bits - bitsPerLetter)) & 31];
    }
    held &= 31;
  }
  return bits === 0 ? text : text + letters[(held << (bitsPerLetter - bits)) & 31];
}

function decoded(text: string): Buffer {
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const letter of text) {
    held = ((held << bitsPerLetter) | letters.indexOf(letter)) & 0xfff;
    bits += bitsPerLetter;
    if (bits < bitsPerByte) continue;
    bits -= bitsPerByte;
    bytes.push((held >> bits) & 0xff);
  }
  return Buffer.from(bytes);
}
