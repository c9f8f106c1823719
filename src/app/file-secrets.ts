import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redactor } from '../redact/redact.js';
import { decodeUtf16, encodeUtf16, utf16Mark, utf16Of } from './utf16.js';

/** A larger file takes too long, and was hardly written by hand. */
export const scannedBytes = 8 * 1024 * 1024;
const newline = 0x0a;

export interface RedactedText {
  readonly bytes: Buffer;
  /** What was found, by kind. */
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * A document is redacted as a whole, since a key or a list of settings spans lines; rows of JSON
 * are redacted one by one.
 */
export function redactText(redactor: Redactor, content: Buffer): RedactedText {
  const encoding = utf16Of(content);
  if (encoding === undefined) return redactUtf8(redactor, content);
  const { bytes, counts } = redactUtf8(redactor, decodeUtf16(content, encoding));
  return { bytes: Buffer.concat([utf16Mark(encoding), encodeUtf16(bytes, encoding)]), counts };
}

function redactUtf8(redactor: Redactor, content: Buffer): RedactedText {
  return isJsonLines(content) ? redactRows(redactor, content) : redactDocument(redactor, content);
}

export function redactDocument(redactor: Redactor, content: Buffer): RedactedText {
  const whole = redactPieces(redactor, [content]);
  // A document that exceeds the budget as a whole may fit it line by line; otherwise all of it
  // would be redacted.
  return 'budget' in whole.counts ? redactPieces(redactor, linesOf(content)) : whole;
}

/** Lines among the rows that are not rows are a document: somebody may have appended a key. */
export function redactRows(redactor: Redactor, content: Buffer): RedactedText {
  const counts: Record<string, number> = {};
  const redacted: Buffer[] = [];
  for (const { bytes, isRow } of rowsAndOthers(content)) {
    const done = isRow ? redactPieces(redactor, [bytes]) : redactDocument(redactor, bytes);
    for (const [kind, count] of Object.entries(done.counts)) {
      counts[kind] = (counts[kind] ?? 0) + count;
    }
    redacted.push(done.bytes);
  }
  return { bytes: Buffer.concat(redacted), counts };
}

interface Piece {
  readonly bytes: Buffer;
  readonly isRow: boolean;
}

/** Each row by itself; successive other lines together. */
function* rowsAndOthers(content: Buffer): Generator<Piece> {
  let start = 0;
  let end = 0;
  for (const line of linesOf(content)) {
    if (isRowLike(line)) {
      if (end > start) yield { bytes: content.subarray(start, end), isRow: false };
      yield { bytes: line, isRow: true };
      start = end + line.length;
    }
    end += line.length;
  }
  if (end > start) yield { bytes: content.subarray(start, end), isRow: false };
}

/** Where the last lines begin that are not rows: what follows may belong to them. */
export function endOfRows(content: Buffer): number {
  let end = content.length;
  while (end > 0) {
    const start = end < 2 ? 0 : content.lastIndexOf(newline, end - 2) + 1;
    if (isRowLike(content.subarray(start, end))) return end;
    end = start;
  }
  return 0;
}

/** By its brackets: parsing every row would cost as much again. */
function isRowLike(line: Buffer): boolean {
  let from = 0;
  let to = line.length - 1;
  while (from < to && isBlank(line[from])) from += 1;
  while (to > from && isBlank(line[to])) to -= 1;
  const [first, last] = [line[from], line[to]];
  return (first === 0x7b && last === 0x7d) || (first === 0x5b && last === 0x5d);
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

export function redactPieces(redactor: Redactor, pieces: Iterable<Buffer>): RedactedText {
  const counts: Record<string, number> = {};
  const redacted: Buffer[] = [];
  for (const piece of pieces) {
    const { bytes, counts: found } = redactor.redact(piece);
    for (const [kind, count] of found ?? []) counts[kind] = (counts[kind] ?? 0) + count;
    redacted.push(bytes);
  }
  return { bytes: Buffer.concat(redacted), counts };
}

/** Whether a file is text, in whatever encoding: without NUL, or marked as UTF-16. */
export function isText(content: Buffer): boolean {
  return !content.includes(0) || utf16Of(content) !== undefined;
}

/** Whether the first non-blank line is a complete JSON object or array. */
export function isJsonLines(beginning: Buffer): boolean {
  for (const line of linesOf(beginning)) {
    const text = line.toString('utf8').trim();
    if (text === '') continue;
    if (!/^[{[]/.test(text)) return false;
    return isJson(text);
  }
  return false;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

export function* linesOf(content: Buffer): Generator<Buffer> {
  for (let start = 0; start < content.length; ) {
    const end = content.indexOf(newline, start);
    const next = end === -1 ? content.length : end + 1;
    yield content.subarray(start, next);
    start = next;
  }
}

export interface LookedAt<Source> {
  /** What to send: the file itself, or a redacted copy. */
  readonly sources: readonly Source[];
  /** Files that seem to contain secrets, by name: kinds and counts. */
  readonly found: readonly {
    readonly name: string;
    readonly counts: Readonly<Record<string, number>>;
  }[];
  /** Removes the copies. */
  close(): Promise<void>;
}

interface FileSource {
  readonly path: string;
  readonly name: string;
  readonly size: number;
}

/**
 * Checks text files for secrets before they are shared. With `redact`, the copies that are sent
 * instead have mode 600.
 */
export async function lookAtFiles<Source extends FileSource>(
  redactor: Redactor,
  sources: readonly Source[],
  redact: boolean,
): Promise<LookedAt<Source>> {
  const folder = redact ? await mkdtemp(join(tmpdir(), 'tracecraft-')) : undefined;
  const close = async (): Promise<void> => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  };
  const found: LookedAt<Source>['found'][number][] = [];
  const kept: Source[] = [];
  try {
    for (const source of sources) {
      const content = source.size > scannedBytes ? undefined : await textOf(source.path);
      const looked = content === undefined ? undefined : redactText(redactor, content);
      const isClean = looked === undefined || Object.keys(looked.counts).length === 0;
      if (!isClean) found.push({ name: source.name, counts: looked.counts });
      if (isClean || folder === undefined) {
        kept.push(source);
        continue;
      }
      const path = join(folder, String(kept.length));
      await writeFile(path, looked.bytes, { flag: 'wx', mode: 0o600 });
      kept.push({ ...source, path, size: looked.bytes.length });
    }
    return { sources: kept, found, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function textOf(path: string): Promise<Buffer | undefined> {
  // The upload reports a file it cannot read.
  const content = await readFile(path).catch(() => undefined);
  return content !== undefined && isText(content) ? content : undefined;
}
