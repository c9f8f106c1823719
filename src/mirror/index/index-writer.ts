import type { Bucket, Etag, Key } from '../../bucket/bucket.js';
import type { MetaDocument } from '../../protocol/documents.js';
import type { Layout } from '../../protocol/keys.js';
import { sessionKeyOf } from '../stream.js';
import {
  addLine,
  encodeLines,
  type IndexFields,
  type IndexLines,
  indexedFields,
  indexFields,
  mergedLines,
  monthOf,
  parseFields,
  refOf,
} from './lines.js';

export interface IndexWriterContext {
  readonly bucket: Bucket;
  readonly layout: Layout;
  /** This machine's name among the index's writers; `undefined` if it could not be kept, and nothing is written. */
  readonly writer: () => Promise<string | undefined>;
}

const everyMs = 60_000;
const retryMs = 60_000;
/** More sessions than this leave the small file that is rewritten every minute for those of their months. */
const liveSessions = 100;
const mostAttempts = 8;

/**
 * Keeps this machine's lines of the derived index: `live.jsonl` with the sessions that changed last, written at most
 * once a minute, and a file for each month. Nothing depends on it, so a failure is retried and otherwise ignored: readers
 * say how old the index is, and read the `meta.json` of every session that it lacks.
 */
export class IndexWriter {
  readonly #context: IndexWriterContext;
  #pending = new Map<string, IndexFields>();
  readonly #dropped = new Set<string>();
  #live: StoredLines | undefined;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(context: IndexWriterContext) {
    this.#context = context;
  }

  /** A `meta.json` was written. */
  record(document: MetaDocument, nowMs: number): void {
    // The first minute collects: a short run writes once, at its end.
    if (this.#notBeforeMs === Number.NEGATIVE_INFINITY) this.#notBeforeMs = nowMs + everyMs;
    this.#dropped.delete(sessionKeyOf(refOf(document)));
    addLine(this.#pending, indexedFields(document));
  }

  /** The session is not mirrored any more. */
  drop(harness: string, id: string): void {
    this.#dropped.add(sessionKeyOf({ harness, id }));
  }

  get nextMs(): number {
    return this.#pending.size === 0 ? Number.POSITIVE_INFINITY : this.#notBeforeMs;
  }

  async write(which: 'due' | 'all', nowMs: () => number): Promise<void> {
    if (this.#pending.size === 0 || (which === 'due' && this.nextMs > nowMs())) return;
    const lines = this.#pending;
    this.#pending = new Map();
    try {
      const writer = await this.#context.writer();
      if (writer !== undefined) await this.#add(writer, lines);
      this.#notBeforeMs = nowMs() + everyMs;
    } catch {
      this.#live = undefined;
      this.#notBeforeMs = nowMs() + retryMs;
      this.#pending = mergedLines(lines.values(), this.#pending.values());
    }
  }

  async #add(writer: string, lines: IndexLines): Promise<void> {
    const { layout } = this.#context;
    const key = layout.index(writer, 'live');
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      this.#live ??= await this.#read(key);
      let merged = mergedLines(this.#live.lines.values(), lines.values());
      for (const dropped of this.#dropped) merged.delete(dropped);
      if (merged.size > liveSessions) {
        await this.#addToMonths(writer, merged);
        merged = new Map();
      }
      this.#live = await this.#put(key, merged, this.#live.etag);
      if (this.#live !== undefined) return;
    }
  }

  async #addToMonths(writer: string, lines: IndexLines): Promise<void> {
    for (const [month, some] of byMonth(lines.values())) {
      const key = this.#context.layout.index(writer, month);
      let isWritten = false;
      for (let attempt = 0; !isWritten && attempt < mostAttempts; attempt += 1) {
        const before = await this.#read(key);
        const merged = mergedLines(before.lines.values(), some);
        isWritten = (await this.#put(key, merged, before.etag)) !== undefined;
      }
    }
  }

  async #read(key: Key): Promise<StoredLines> {
    const stored = await this.#context.bucket.get(key);
    if (stored === undefined) return { lines: new Map(), etag: undefined };
    return { lines: mergedLines(parseFields(indexFields, stored.body)), etag: stored.etag };
  }

  /** `undefined`: another process of this machine wrote it meanwhile. */
  async #put(
    key: Key,
    lines: IndexLines,
    etag: Etag | undefined,
  ): Promise<StoredLines | undefined> {
    const { bucket } = this.#context;
    const body = encodeLines(lines.values());
    const options = { contentType: 'application/jsonl' };
    const { putIfAbsent, putIfMatch } = bucket.capabilities;
    if (!putIfAbsent || !putIfMatch) {
      return { lines, etag: (await bucket.put(key, body, options)).etag };
    }
    const outcome =
      etag === undefined
        ? await bucket.putIfAbsent(key, body, options)
        : await bucket.putIfMatch(key, body, etag, options);
    return outcome.written ? { lines, etag: outcome.etag } : undefined;
  }
}

function byMonth(lines: Iterable<IndexFields>): ReadonlyMap<string, readonly IndexFields[]> {
  const months = new Map<string, IndexFields[]>();
  for (const line of lines) {
    const month = monthOf(line);
    const known = months.get(month);
    if (known === undefined) months.set(month, [line]);
    else known.push(line);
  }
  return months;
}

interface StoredLines {
  readonly lines: IndexLines;
  readonly etag: Etag | undefined;
}
