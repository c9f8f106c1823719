import { type FileHandle, open } from 'node:fs/promises';
import { GroupedColumn } from './grouped-column.js';
import { PageBuffers } from './page-buffers.js';
import { SnappyCompressor } from './snappy.js';
import type { Row, Table } from './tables.js';

export type ExportFormat = 'parquet' | 'jsonl';

/** A file that rows are added to, in bounded memory. */
export interface RowFile {
  /** A promise now and then, when what was added is written; most rows need not be waited for. */
  add(row: Row): Promise<void> | undefined;
  finish(): Promise<void>;
  /** For a file that will not be finished. */
  abandon(): Promise<void>;
}

/** Rows are written once this many of them, or this many bytes, are waiting. */
const mostRows = 10_000;
const mostBytes = 8_000_000;
/** Of a page, before it is compressed. */
const pageSize = 128 * 1024;
const buffers = new PageBuffers(pageSize);
/** Characters of JSON lines. */
const mostWaiting = 1_000_000;

export async function openRowFile(
  format: ExportFormat,
  path: string,
  table: Table,
): Promise<RowFile> {
  return format === 'jsonl' ? openJsonLines(path, table) : openParquet(path, table);
}

async function openJsonLines(path: string, { columns }: Table): Promise<RowFile> {
  const file = await open(path, 'w', 0o600);
  const dated = columns.filter(({ type }) => type === 'time').map(({ name }) => name);
  let lines: string[] = [];
  let characters = 0;
  const write = async (): Promise<void> => {
    const text = lines.join('');
    lines = [];
    characters = 0;
    await file.writeFile(text);
  };
  return {
    add: (row) => {
      const told: Record<string, unknown> = { ...row };
      for (const name of dated) {
        const ms = row[name];
        if (typeof ms === 'number') told[name] = new Date(ms).toISOString();
      }
      const line = `${JSON.stringify(told)}\n`;
      lines.push(line);
      characters += line.length;
      return characters >= mostWaiting ? write() : undefined;
    },
    finish: async () => {
      await write();
      await file.close();
    },
    abandon: () => file.close(),
  };
}

async function openParquet(path: string, table: Table): Promise<RowFile> {
  const { ByteWriter, ParquetWriter, schemaFromColumnData } = await import('hyparquet-writer');
  const file = await open(path, 'w', 0o600);
  buffers.growIn(ByteWriter);
  const writer = new ByteWriter();
  const flushed = flushing(writer, file);
  const columns = table.columns.map((column) => new GroupedColumn(column));
  const schema = schemaFromColumnData({ columnData: columns.map((one) => one.empty()) });
  const snappy = new SnappyCompressor();
  const compress = (page: Uint8Array): Uint8Array => {
    const compressed = snappy.compress(page);
    buffers.giveBack(page);
    return compressed;
  };
  const compressors = { SNAPPY: compress };
  const parquet = new ParquetWriter({ writer, schema, compressors, createdBy: 'tracecraft' });
  let rows = 0;
  let size = 0;
  const write = async (): Promise<void> => {
    if (rows === 0) return;
    const columnData = columns.map((one) => one.data());
    parquet.write({ columnData, rowGroupSize: rows, pageSize });
    for (const column of columns) column.clear();
    rows = 0;
    size = 0;
    await flushed();
  };
  return {
    add: (row) => {
      for (const column of columns) size += column.add(row);
      rows += 1;
      return rows >= mostRows || size >= mostBytes ? write() : undefined;
    },
    finish: async () => {
      await write();
      parquet.finish();
      await flushed();
      await file.close();
    },
    abandon: () => file.close(),
  };
}

/** The library keeps all bytes in memory until the end; here they go to the file after each group of rows. */
function flushing(
  writer: { buffer: ArrayBuffer; index: number; finish(): void | Promise<void> },
  file: FileHandle,
): () => Promise<void> {
  writer.finish = () => undefined;
  return async () => {
    const bytes = new Uint8Array(writer.buffer, 0, writer.index);
    await file.writeFile(bytes);
    writer.index = 0;
  };
}
