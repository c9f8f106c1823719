import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Destination } from './destination.js';
import { type ExportManifest, encodeManifest, manifestName } from './manifest.js';
import type { RowCheck } from './row-check.js';
import { type ExportFormat, openRowFile, type RowFile } from './row-files.js';
import { type Row, type TableName, tables } from './tables.js';

/** Rows by the batch: to wait for each of them alone takes longer than to make it. */
type Batches = AsyncIterable<Iterable<Row>> | Iterable<Iterable<Row>>;

interface StagedFile {
  readonly path: string;
  readonly digest: string;
  rows: number;
}

/**
 * Files are made beside the destination first. Nothing goes there before every row was checked, and then each file
 * replaces its predecessor whole.
 */
export class StagedExport {
  readonly #folder: string;
  readonly #format: ExportFormat;
  readonly #check: RowCheck;
  readonly #before: ExportManifest;
  readonly #staged = new Map<string, StagedFile>();
  /** Names of all files that the destination should hold. */
  readonly #wanted = new Set<string>();

  /** `folder` is empty. */
  constructor(folder: string, check: RowCheck, before: ExportManifest) {
    this.#folder = folder;
    this.#check = check;
    this.#before = before;
    this.#format = before.format;
  }

  /** Makes a file unless the destination has it, made from the same. */
  async file(
    table: TableName,
    month: string,
    digest: string,
    batches: () => Batches,
  ): Promise<void> {
    const name = `${table}/month=${month}/${table}.${this.#format}`;
    this.#wanted.add(name);
    if (this.#before.files[name]?.digest === digest) return;
    const path = join(this.#folder, name);
    await mkdir(dirname(path), { recursive: true });
    const file = await openRowFile(this.#format, path, tables[table]);
    const staged = { path, digest, rows: 0 };
    try {
      staged.rows = await this.#fill(file, table, batches());
    } catch (error) {
      await file.abandon();
      throw error;
    }
    await file.finish();
    this.#staged.set(name, staged);
  }

  async #fill(file: RowFile, table: TableName, batches: Batches): Promise<number> {
    let count = 0;
    for await (const batch of batches) {
      for (const row of batch) {
        this.#check.check(table, row);
        const writing = file.add(row);
        if (writing !== undefined) await writing;
        count += 1;
      }
    }
    return count;
  }

  /** Puts all files in their places; returns which ones, and how many rows each table has now. */
  async publish(destination: Destination): Promise<Published> {
    const files = Object.fromEntries(
      Object.entries(this.#before.files).filter(([name]) => this.#wanted.has(name)),
    );
    const removed = Object.keys(this.#before.files).filter((name) => !this.#wanted.has(name));
    for (const [name, { path, digest, rows }] of this.#staged) {
      await destination.publish(name, path);
      files[name] = { digest, rows };
    }
    if (this.#staged.size > 0 || removed.length > 0) {
      await destination.put(manifestName, encodeManifest({ ...this.#before, files }));
    }
    for (const name of removed) await destination.remove(name);
    const rows: Record<string, number> = {};
    for (const [name, file] of Object.entries(files)) {
      const table = name.slice(0, name.indexOf('/'));
      rows[table] = (rows[table] ?? 0) + file.rows;
    }
    return { written: [...this.#staged.keys()], removed, rows };
  }
}

export interface Published {
  readonly written: readonly string[];
  readonly removed: readonly string[];
  /** By table. */
  readonly rows: Readonly<Record<string, number>>;
}
