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

/** Rows of one stream, in the order of their lines: first what is known about each, then the texts. */
export function encodeBlock(rows: readonly PlacedRow[]): Buffer {
  const [head, texts] = [new ByteWriter(), new ByteWriter()];
  const tools = [...new Set(rows.flatMap(({ tool }) => (tool === undefined ? [] : [tool])))];
  head.number(tools.length);
  for (const tool of tools) head.text(tool);
  head.number(rows.length);
  let [line, time] = [0, 0];
  for (const row of rows) {
    const isWhole = Number.isSafeInteger(row.atMs) && Math.abs(row.atMs ?? 0) < 2 ** 51;
    const text = encodeText(row.text);
    head.number(row.line - line);
    head.byte(flagsOf(row, isWhole, text.isUtf16));
    if (row.tool !== undefined) head.number(tools.indexOf(row.tool));
    if (row.atMs !== undefined && isWhole) {
      head.number(zigzag(row.atMs - time));
      time = row.atMs;
    } else if (row.atMs !== undefined) head.bytes(encodeDouble(row.atMs));
    if (row.id !== undefined) head.bytes(Buffer.from(row.id, 'latin1').subarray(0, idBytes));
    head.number(text.bytes.length);
    texts.bytes(text.bytes);
    line = row.line;
  }
  return Buffer.concat([head.written(), texts.written()]);
}

/** `DamagedPackError` unless it is exactly what `encodeBlock` gives. */
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

/** Half of a surrogate pair has no form in UTF-8. */
function encodeText(text: string): { readonly bytes: Buffer; readonly isUtf16: boolean } {
  const isUtf16 = /\p{Surrogate}/u.test(text);
  return { bytes: Buffer.from(text, isUtf16 ? 'utf16le' : 'utf8'), isUtf16 };
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
