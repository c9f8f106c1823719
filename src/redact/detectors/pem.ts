import { alphabet, backslash, digits, isIn, runStart } from '../alphabet.js';
import type { Trigger } from '../detector.js';
import { type Frame, type Framed, framesAround, lineStartsBefore, unframed } from '../frame.js';
import { type ScanContext, weights } from '../scan-context.js';

/**
 * Private keys in PEM and similar formats: the header stays, the body is redacted. The lines of the
 * body may be separated by anything a tool puts there: newlines at any depth of JSON, line numbers,
 * marks of a diff or a quote, the `","` of an array with one string per line. Either end may be cut
 * off.
 */
export const pemTriggers: readonly Trigger[] = [
  { literal: '-----BEGIN ', detector: { isWorthwhile: isPrivate, detect: detectFromHeader } },
  { literal: '---- BEGIN ', detector: { isWorthwhile: isPrivate, detect: detectFromHeader } },
  { literal: '-----END ', detector: { isWorthwhile: isPrivate, detect: detectFromFooter } },
  { literal: '---- END ', detector: { isWorthwhile: isPrivate, detect: detectFromFooter } },
  { literal: 'Private-Lines:', detector: { isWorthwhile: () => true, detect: detectPutty } },
];

const headerLength = 100;
const longestBody = 64 * 1024;
const leastBody = 40;
const leastTail = 28;
/** Only a key's last line is shorter. */
const leastLine = 16;
const backwards = 24 * 1024;
const mostLines = 1200;

// Private blocks other than PEM keys: SSH2, PGP, and the static keys of OpenVPN.
const block = String.raw`(?:[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?|OpenVPN [\w -]{1,24}[Kk]ey[\w .-]{0,12})`;
const anyBlock = new RegExp(`^-{4,5} ?(?:BEGIN|END) ${block}(?: ?-{4,5})?`);
const opening = new RegExp(`^-{4,5} ?BEGIN ${block}(?: ?-{4,5})?`);
const closing = new RegExp(`^-{4,5} ?END ${block}(?: ?-{4,5})?`);

function isPrivate(bytes: Buffer, at: number): boolean {
  return anyBlock.test(bytes.toString('latin1', at, at + headerLength));
}

function detectFromHeader(context: ScanContext, at: number): void {
  const header = opening.exec(context.text(at, at + headerLength));
  if (header === null) return;
  redactBody(context, at + header[0].length);
  redactFramedBody(context, at, at + header[0].length);
}

function detectPutty(context: ScanContext, at: number): void {
  const header = /^Private-Lines: ?\d{1,4}/.exec(context.text(at, at + 40));
  if (header === null) return;
  redactBody(context, at + header[0].length);
  redactFramedBody(context, at, at + header[0].length);
}

interface Piece {
  readonly start: number;
  readonly end: number;
}

function redactBody(context: ScanContext, from: number, least = leastBody): void {
  const pieces = bodyFrom(context, from);
  if (lengthOf(pieces) < least) return;
  addAll(context, joined(context.bytes, pieces));
}

function addAll(context: ScanContext, pieces: readonly Piece[]): void {
  for (const piece of pieces) {
    context.add(piece.start, piece.end, 'private-key', weights.shape + 11);
  }
}

/** The lines of a key that have the same frame as its header, whatever that is. */
function redactFramedBody(context: ScanContext, start: number, end: number): void {
  for (const frame of framesAround(context, start, end)) {
    const first = unframed(context, end, { ...frame, before: nothing })?.next;
    if (first === undefined) return;
    const pieces = framedBody(context, first, frame);
    if (lengthOf(pieces) < leastBody) continue;
    addAll(context, pieces);
    return;
  }
}

const nothing = /(?:)/y;

function framedBody(context: ScanContext, from: number, frame: Frame): readonly Piece[] {
  const pieces: Piece[] = [];
  let at: number | undefined = from;
  for (let count = 0; at !== undefined && count < mostLines; count += 1) {
    const line: Framed | undefined = unframed(context, at, frame);
    if (line === undefined) break;
    const run = keyLine(context, line, frame, pieces.at(-1));
    if (run !== undefined) pieces.push(run);
    else if (!isBetweenKeyLines(context, line, frame)) break;
    at = line.next;
  }
  return pieces;
}

/** The part of the line that belongs to the key, if any. */
function keyLine(
  context: ScanContext,
  line: Framed,
  frame: Frame,
  last: Piece | undefined,
): Piece | undefined {
  const run = context.match(keyRun, line.start);
  if (run === undefined || run.end > line.end) return undefined;
  const length = run.end - run.start;
  if (length >= leastBody) return run;
  const isTail = last !== undefined && length <= last.end - last.start;
  const isCut = isTail && length >= 16 && isKeyLike(context, run);
  if (!isCut && context.match(frame.after, run.end) === undefined) return undefined;
  return isTail || length >= 16 ? run : undefined;
}

function isBetweenKeyLines(context: ScanContext, { start, end }: Framed, frame: Frame): boolean {
  const isEmpty =
    /^\s*$/.test(context.text(start, end)) || context.match(frame.after, start)?.end === end;
  if (isEmpty) return true;
  const skipped = context.match(attribute, start) ?? context.match(pgpChecksum, start);
  return skipped !== undefined;
}

function lengthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + piece.end - piece.start, 0);
}

// What may separate two lines of a body: blanks and newlines in any escaping, numbers, arrows,
// marks, array commas.
const separator =
  /(?:\s|\\{1,64}[nrt]|\\{1,64}u2192|\\{1,64}u2502|\\{0,64}["'`],?|,|\xe2\x86\x92|\xe2\x94\x82|[|>+:]|-(?!-)|#|\/\/|\*|(?<=[\s"'nrt])[\w./-]{1,100}[:-]\d{1,6}[:-]|(?<=[\s"'nrt+|>-])\d{1,6}(?=\s|\\{1,64}t|\\{1,64}u2192|\xe2\x86\x92|[:|-])){0,80}/y;
const attribute =
  /(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|MessageID|Content-Domain|Key-Derivation|Argon2-[A-Za-z]+)\s?:\s?(?:\\{0,64}"[^\n"\\]{0,120}\\{0,64}"|(?:(?![A-Za-z0-9+/]{40})[^\n\\"]){0,120})/y;
const keyRun = /[A-Za-z0-9+/]{1,4096}={0,3}/y;
const pgpChecksum = /=[A-Za-z0-9+/]{4}(?![A-Za-z0-9+/=])/y;

function bodyFrom(context: ScanContext, from: number): readonly Piece[] {
  const pieces: Piece[] = [];
  const limit = Math.min(context.bytes.length, from + longestBody);
  let at = from;
  while (at < limit) {
    context.charge(1);
    const gap = context.match(separator, at);
    const start = gap?.end ?? at;
    const skipped = context.match(attribute, start) ?? context.match(pgpChecksum, start);
    if (skipped !== undefined) {
      at = skipped.end;
      continue;
    }
    const run = context.match(keyRun, start);
    if (run === undefined || !continues(context, pieces, run)) break;
    pieces.push(run);
    at = run.end;
  }
  return pieces;
}

/**
 * A short run is a key's last line or the first word of the text after it; the previous run
 * decides.
 */
function continues(context: ScanContext, pieces: readonly Piece[], run: Piece): boolean {
  const length = run.end - run.start;
  const last = pieces.at(-1);
  if (last === undefined) return length >= leastLine;
  if (length >= 40) return true;
  const lastLength = last.end - last.start;
  if (context.bytes[last.end - 1] === 0x3d || length > lastLength) return false;
  if (lastLength < leastLine) return false;
  return length === lastLength || (lastLength >= 24 && isKeyLike(context, run));
}

function isKeyLike(context: ScanContext, run: Piece): boolean {
  const text = context.text(run.start, run.end);
  return /[=+/\d]/.test(text) || /[a-z][A-Z]/.test(text) || isEnd(context, run.end);
}

function isEnd(context: ScanContext, at: number): boolean {
  const after = context.match(separator, at)?.end ?? at;
  return context.text(after, after + 4) === '----' || after >= context.bytes.length;
}

const breaking = alphabet('"\'`\n');

/** Neighbours are merged unless a quote or a newline, which must stay, is between them. */
function joined(bytes: Buffer, pieces: readonly Piece[]): readonly Piece[] {
  const result: Piece[] = [];
  for (const piece of pieces) {
    const last = result.at(-1);
    if (last !== undefined && !holdsBreak(bytes, last.end, piece.start)) {
      result[result.length - 1] = { start: last.start, end: piece.end };
    } else {
      result.push(piece);
    }
  }
  return result;
}

function holdsBreak(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    if (isIn(breaking, bytes[at])) return true;
  }
  return false;
}

/** The lines before a footer whose header was cut off. */
function detectFromFooter(context: ScanContext, at: number): void {
  detectBefore(context, at);
  const footer = closing.exec(context.text(at, at + headerLength));
  if (footer === null) return;
  for (const frame of framesAround(context, at, at + footer[0].length)) {
    const pieces = framedTail(context, at, frame);
    if (lengthOf(pieces) < leastTail) continue;
    addAll(context, pieces);
    return;
  }
}

function framedTail(context: ScanContext, at: number, frame: Frame): readonly Piece[] {
  const pieces: Piece[] = [];
  let ending = '';
  const { sure, first } = lineStartsBefore(context, at, backwards, frame);
  for (const start of sure.slice(1, mostLines)) {
    const line = unframed(context, start, frame);
    const run = line && tailLine(context, line, frame, pieces.at(-1));
    if (line === undefined || run === undefined) return withFullLine(pieces);
    pieces.push(run);
    ending = context.text(run.end, line.end);
  }
  return withFullLine([...pieces, ...firstLine(context, first, frame, ending)]);
}

/**
 * Of the possible starts of the first line, the one that covers most of a key, and the ending the
 * other lines share.
 */
function firstLine(
  context: ScanContext,
  starts: readonly number[],
  frame: Frame,
  ending: string,
): readonly Piece[] {
  return starts
    .map((start) => {
      const line = unframed(context, start, frame);
      const run = line && tailLine(context, line, frame, undefined);
      return run && context.text(run.end, line.end) === ending ? run : undefined;
    })
    .filter((run) => run !== undefined)
    .sort((a, b) => b.end - b.start - (a.end - a.start))
    .slice(0, 1);
}

/** A line of a key, read backwards from its end: the last may have any length. */
function tailLine(
  context: ScanContext,
  line: Framed,
  frame: Frame,
  next: Piece | undefined,
): Piece | undefined {
  const run = context.match(keyRun, line.start);
  if (run === undefined || run.end > line.end) return undefined;
  if (next === undefined || run.end - run.start >= 16) return run;
  return keyLine(context, line, frame, next);
}

function withFullLine(pieces: readonly Piece[]): readonly Piece[] {
  return pieces.some(({ start, end }) => end - start >= leastTail) ? pieces : [];
}

function detectBefore(context: ScanContext, at: number): void {
  const { bytes } = context;
  const limit = Math.max(0, at - backwards);
  let first = -1;
  let longest = 0;
  let short = 0;
  for (let end = beforeSeparators(bytes, at, limit); end > limit; ) {
    context.charge(1);
    const start = afterEscapeLetter(bytes, runStart(bytes, end, keyBytes, limit), end);
    const length = end - start;
    const isFull = length >= leastBody;
    if (!isFull) short += 1;
    // Before the full lines there can only be the rest of one; further words do not belong to the
    // key.
    if (length < (longest >= leastBody ? 16 : 4) || short > mostShortLines) break;
    first = start;
    if (!isFull && longest >= leastBody) break;
    longest = Math.max(longest, length);
    end = beforeSeparators(bytes, start, limit);
  }
  if (longest >= leastTail) redactBody(context, first, leastTail);
}

/** A checksum and a last line. */
const mostShortLines = 2;
const keyBytes = alphabet('A-Za-z0-9+/=');
const between = alphabet(' \t\r\n|>+:,"\'`-');
const controlLetters = alphabet('nrt');

/** Where the key line before `to` ends: skips line separators backwards, line numbers included. */
function beforeSeparators(bytes: Buffer, to: number, limit: number): number {
  let at = to;
  while (at > Math.max(limit, to - 80)) {
    if (
      isIn(between, bytes[at - 1]) ||
      bytes[at - 1] === backslash ||
      (bytes[at - 1] ?? 0) >= 0x80
    ) {
      at -= 1;
    } else if (isIn(controlLetters, bytes[at - 1]) && bytes[at - 2] === backslash) {
      at -= 2;
    } else {
      const number = runStart(bytes, at, digits, at - 6);
      if (number === at || !isIn(between, bytes[number - 1]) || at === to) return at;
      at = number;
    }
  }
  return at;
}

function afterEscapeLetter(bytes: Buffer, start: number, end: number): number {
  const isEscape = bytes[start - 1] === backslash && isIn(controlLetters, bytes[start]);
  return isEscape && start < end ? start + 1 : start;
}
