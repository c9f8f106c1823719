import { createHash } from 'node:crypto';
import type { SearchedRow } from '../row.js';
import { ByteReader, ByteWriter, DamagedPackError } from './bytes.js';

/** A row with its place in its stream. */
export interface PlacedRow extends SearchedRow {
  /** As `shortId` has it. */
  readonly id: string | undefined;
  /** From 0. */
  readonly line: number;
}

const roles = ['user', 'assistant', 'tool', 'system'] as const;
const flags = { tool: 4, time: 8, exactTime: 16, id: 32, utf16: 64 } as const;
const idBytes = 6;
const roomForHeads = 4 * 1024;
const roomForTexts = 32 * 1024;

/** Makes a block of rows of one stream, in the order of their lines: first what is known about each, then the texts. */
export class BlockWriter {
  readonly #heads = new ByteWriter(roomForHeads);
  readonly #texts = new ByteWriter(roomForTexts);
  /** By the order in which they come. */
  readonly #tools = new Map<string, number>();
  /** Where each text ends, and those in UTF-8 that are written in UTF-16. */
  #ends: number[] = [];
  readonly #apart = new Map<number, Buffer>();
  #line = 0;
  #time = 0;

  get rows(): number {
    return this.#ends.length;
  }

  /** Bytes of text so far. */
  get textSize(): number {
    return this.#texts.length;
  }

  add(row: PlacedRow): void {
    const { line, tool, atMs, id, text } = row;
    const isWhole = Number.isSafeInteger(atMs) && Math.abs(atMs ?? 0) < 2 ** 51;
    const before = this.#texts.length;
    const isUtf16 = this.#addText(text);
    this.#heads.number(line - this.#line);
    this.#heads.byte(flagsOf(row, isWhole, isUtf16));
    if (tool !== undefined) this.#heads.number(this.#numberOf(tool));
    if (atMs !== undefined && isWhole) {
      this.#heads.number(zigzag(atMs - this.#time));
      this.#time = atMs;
    } else if (atMs !== undefined) this.#heads.bytes(encodeDouble(atMs));
    if (id !== undefined) this.#heads.bytes(Buffer.from(id, 'latin1').subarray(0, idBytes));
    this.#heads.number(this.#texts.length - before);
    this.#line = line;
  }

  /** All texts in UTF-8, as views that the next row may change. */
  *texts(): Generator<Uint8Array, void> {
    const written = this.#texts.written();
    let start = 0;
    for (const [row, end] of this.#ends.entries()) {
      yield this.#apart.get(row) ?? written.subarray(start, end);
      start = end;
    }
  }

  finish(): Buffer {
    const front = new ByteWriter(1_024);
    front.number(this.#tools.size);
    for (const tool of this.#tools.keys()) front.text(tool);
    front.number(this.rows);
    return Buffer.concat([front.written(), this.#heads.written(), this.#texts.written()]);
  }

  /** Begins the next block, in the same memory. */
  clear(): void {
    this.#heads.cut(0);
    this.#texts.cut(0);
    this.#tools.clear();
    this.#ends = [];
    this.#apart.clear();
    this.#line = 0;
    this.#time = 0;
  }

  /** Half of a surrogate pair has no form in UTF-8, so a text with one is written in UTF-16. */
  #addText(text: string): boolean {
    const start = this.#texts.length;
    this.#texts.utf8(text);
    const isUtf16 = this.#texts.written().includes(replacement, start) && !isWellFormed(text);
    if (isUtf16) {
      this.#apart.set(this.rows, Buffer.from(this.#texts.written().subarray(start)));
      this.#texts.cut(start);
      this.#texts.bytes(Buffer.from(text, 'utf16le'));
    }
    this.#ends.push(this.#texts.length);
    return isUtf16;
  }

  #numberOf(tool: string): number {
    const known = this.#tools.get(tool) ?? this.#tools.size;
    this.#tools.set(tool, known);
    return known;
  }
}

/** What half of a surrogate pair becomes in UTF-8. */
const replacement = Buffer.from('\ufffd');

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

/** `DamagedPackError` unless it is exactly what a `BlockWriter` gives. */
export function decodeBlock(bytes: Buffer): readonly PlacedRow[] {
  const reader = new ByteReader(bytes);
  const tools = Array.from({ length: bounded(reader.number(), bytes.length) }, () => reader.text());
  const count = bounded(reader.number(), bytes.length);
  const heads: (Omit<PlacedRow, 'text'> & { readonly flag: number; readonly length: number })[] =
    [];
  let [line, time] = [0, 0];
  for (let n = 0; n < count; n += 1) {
    line += reader.number();
    const flag = reader.byte();
    const tool = (flag & flags.tool) === 0 ? undefined : tools[reader.number()];
    let atMs: number | undefined;
    if ((flag & flags.time) !== 0) {
      time += unzigzag(reader.number());
      atMs = time;
    } else if ((flag & flags.exactTime) !== 0) atMs = reader.bytes(8).readDoubleLE();
    const id = (flag & flags.id) === 0 ? undefined : reader.bytes(idBytes).toString('latin1');
    const role = roles[(flag & 3) as 0 | 1 | 2 | 3];
    heads.push({ line, role, tool, atMs, id, flag, length: reader.number() });
  }
  const rows = heads.map(({ flag, length, ...row }) => {
    const text = reader.bytes(length).toString((flag & flags.utf16) === 0 ? 'utf8' : 'utf16le');
    return { ...row, text };
  });
  if (!reader.isAtEnd) throw new DamagedPackError('a block is longer than its rows');
  return rows;
}

/** What stands for a row's id: long enough to tell the rows of a stream apart, and it is not text. */
export function shortId(id: string): string {
  return createHash('sha256').update(id).digest().toString('latin1', 0, idBytes);
}

function flagsOf(row: PlacedRow, isWhole: boolean, isUtf16: boolean): number {
  let flag = roles.indexOf(row.role);
  if (row.tool !== undefined) flag |= flags.tool;
  if (row.atMs !== undefined) flag |= isWhole ? flags.time : flags.exactTime;
  if (row.id !== undefined) flag |= flags.id;
  return isUtf16 ? flag | flags.utf16 : flag;
}

function encodeDouble(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function unzigzag(value: number): number {
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
}

function bounded(count: number, most: number): number {
  if (count > most) throw new DamagedPackError('it counts more than it can hold');
  return count;
}
