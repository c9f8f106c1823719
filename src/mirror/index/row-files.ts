import type { Bucket, Etag, Key } from '../../bucket/bucket.js';
import { writeOver } from '../../bucket/write-over.js';
import { addLine, type ListedKey, mergedLines, monthOf } from './lines.js';

/** How rows of one kind are stored. */
export interface RowForm<Row> {
  readonly contentType: string;
  key(writer: string, file: string): Key;
  /** What cannot be read is left out. */
  parse(body: Buffer): Iterable<Row>;
  encode(rows: Iterable<Row>): Buffer;
}

type Rows<Row> = ReadonlyMap<string, Row>;
type Dated = ListedKey & Parameters<typeof monthOf>[0];

/** More sessions than this leave the small file that is rewritten every minute for those of their months. */
const liveSessions = 100;
const mostAttempts = 8;

/**
 * One machine's rows of one kind: those of the sessions that changed last in a file of their own, the others by month. Rows
 * are in their month's file before they leave the other one, so that a crash in between loses none.
 */
export class RowFiles<Row extends Dated> {
  readonly #bucket: Bucket;
  readonly #form: RowForm<Row>;
  #live: StoredRows<Row> | undefined;

  constructor(bucket: Bucket, form: RowForm<Row>) {
    this.#bucket = bucket;
    this.#form = form;
  }

  /** `dropped`: keys of sessions that are not mirrored any more. */
  async add(writer: string, rows: Rows<Row>, dropped: Iterable<string>): Promise<void> {
    const key = this.#form.key(writer, 'live');
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      this.#live ??= await this.#read(key);
      let merged = mergedLines(this.#live.rows.values(), rows.values());
      for (const one of dropped) merged.delete(one);
      if (merged.size > liveSessions) {
        await this.#addToMonths(writer, merged);
        merged = new Map();
      }
      this.#live = await this.#put(key, merged, this.#live.etag);
      if (this.#live !== undefined) return;
    }
  }

  /** Reads again what is stored before anything is added to it. */
  forget(): void {
    this.#live = undefined;
  }

  async #addToMonths(writer: string, rows: Rows<Row>): Promise<void> {
    for (const [month, some] of byMonth(rows.values())) {
      const key = this.#form.key(writer, month);
      let isWritten = false;
      for (let attempt = 0; !isWritten && attempt < mostAttempts; attempt += 1) {
        const before = await this.#read(key);
        const merged = mergedLines(before.rows.values(), some);
        isWritten = (await this.#put(key, merged, before.etag)) !== undefined;
      }
    }
  }

  async #read(key: Key): Promise<StoredRows<Row>> {
    const stored = await this.#bucket.get(key);
    if (stored === undefined) return { rows: new Map(), etag: undefined };
    const rows = new Map<string, Row>();
    for (const row of this.#form.parse(stored.body)) addLine(rows, row);
    return { rows, etag: stored.etag };
  }

  /** `undefined`: another process of this machine wrote it meanwhile. */
  async #put(
    key: Key,
    rows: Rows<Row>,
    etag: Etag | undefined,
  ): Promise<StoredRows<Row> | undefined> {
    const body = this.#form.encode(rows.values());
    const { contentType } = this.#form;
    const outcome = await writeOver(this.#bucket, key, body, etag, { contentType });
    return outcome.written ? { rows, etag: outcome.etag } : undefined;
  }
}

function byMonth<Row extends Dated>(rows: Iterable<Row>): ReadonlyMap<string, readonly Row[]> {
  const months = new Map<string, Row[]>();
  for (const row of rows) {
    const month = monthOf(row);
    const known = months.get(month);
    if (known === undefined) months.set(month, [row]);
    else known.push(row);
  }
  return months;
}

interface StoredRows<Row> {
  readonly rows: Rows<Row>;
  readonly etag: Etag | undefined;
}
