import { type FileHandle, open } from 'node:fs/promises';
import type { Row, Table } from './tables.js';

export type ExportFormat = 'parquet' | 'jsonl';

/** A file that rows are added to, in bounded memory. */
export interface RowFile {
  add(row: Row): Promise<void>;
  finish(): Promise<void>;
  /** For a file that will not be finished. */
  abandon(): Promise<void>;
}

/** Rows are written once this many of them, or characters of text, are waiting. */
const mostRows = 10_000;
const mostCharacters = 8_000_000;
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
    add: async (row) => {
      const told: Record<string, unknown> = { ...row };
      for (const name of dated) {
        const ms = row[name];
        if (typeof ms === 'number') told[name] = new Date(ms).toISOString();
      }
      const line = `${JSON.stringify(told)}\n`;
      lines.push(line);
      characters += line.length;
      if (characters >= mostWaiting) await write();
    },
    finish: async () => {
      await write();
      await file.close();
    },
    abandon: () => file.close(),
  };
}

const basicTypes = {
  text: 'STRING',
  count: 'INT64',
  amount: 'DOUBLE',
  flag: 'BOOLEAN',
  time: 'TIMESTAMP',
} as const;

async function openParquet(path: string, table: Table): Promise<RowFile> {
  const { ByteWriter, ParquetWriter, schemaFromColumnData } = await import('hyparquet-writer');
  const file = await open(path, 'w', 0o600);
  const writer = new ByteWriter();
  const flushed = flushing(writer, file);
  const columns = table.columns.map(({ name, type }) => ({ name, type: basicTypes[type] }));
  const schema = schemaFromColumnData({ columnData: columns.map((one) => ({ ...one, data: [] })) });
  const parquet = new ParquetWriter({ writer, schema, createdBy: 'tracecraft' });
  let rows: Row[] = [];
  let characters = 0;
  const write = async (): Promise<void> => {
    if (rows.length === 0) return;
    const columnData = columns.map((column) => ({
      ...column,
      data: rows.map((row) => stored(row[column.name], column.type)),
    }));
    const rowGroupSize = rows.length;
    rows = [];
    characters = 0;
    parquet.write({ columnData, rowGroupSize });
    await flushed();
  };
  return {
    add: async (row) => {
      rows.push(row);
      for (const name in row) characters += typeof row[name] === 'string' ? row[name].length : 8;
      if (rows.length >= mostRows || characters >= mostCharacters) await write();
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
    const bytes = new Uint8Array(writer.buffer.slice(0, writer.index));
    writer.index = 0;
    await file.writeFile(bytes);
  };
}

function stored(
  cell: Row[string] | undefined,
  type: (typeof basicTypes)[keyof typeof basicTypes],
): unknown {
  if (cell === null || cell === undefined) return undefined;
  if (type === 'INT64' && typeof cell === 'number') return BigInt(Math.trunc(cell));
  if (type === 'TIMESTAMP' && typeof cell === 'number') return new Date(cell);
  return cell;
}
