import type { Bucket } from '../../bucket/bucket.js';
import type { MetaDocument } from '../../protocol/documents.js';
import type { Layout } from '../../protocol/keys.js';
import { sessionKeyOf } from '../stream.js';
import { listedForm, usedForm } from './forms.js';
import { addLine, indexedFields, type ListedFields, mergedLines, refOf } from './lines.js';
import { RowFiles } from './row-files.js';
import { type UsedRow, usedRow } from './used-rows.js';

export interface IndexWriterContext {
  readonly bucket: Bucket;
  readonly layout: Layout;
  /** This machine's name among the index's writers; `undefined` if it could not be kept, and nothing is written. */
  readonly writer: () => Promise<string | undefined>;
}

const everyMs = 60_000;
const retryMs = 60_000;

/** What was said about sessions since the index was last written. */
interface Pending {
  readonly listed: Map<string, ListedFields>;
  readonly used: Map<string, UsedRow>;
}

/**
 * Keeps this machine's part of the derived index, at most once a minute: a line for each session, and in files beside those
 * what it used. What was used is written first, so it is never older than the lines. Nothing depends on the index, so a
 * failure is retried and otherwise ignored: readers say how old it is, and read the `meta.json` of every session that it lacks.
 */
export class IndexWriter {
  readonly #context: IndexWriterContext;
  readonly #listed: RowFiles<ListedFields>;
  readonly #used: RowFiles<UsedRow>;
  #pending = nothingPending();
  readonly #dropped = new Set<string>();
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(context: IndexWriterContext) {
    const { bucket, layout } = context;
    this.#context = context;
    this.#listed = new RowFiles(bucket, listedForm(layout));
    this.#used = new RowFiles(bucket, usedForm(layout));
  }

  /** A `meta.json` was written. */
  record(document: MetaDocument, nowMs: number): void {
    // The first minute collects: a short run writes once, at its end.
    if (this.#notBeforeMs === Number.NEGATIVE_INFINITY) this.#notBeforeMs = nowMs + everyMs;
    this.#dropped.delete(sessionKeyOf(refOf(document)));
    addLine(this.#pending.listed, indexedFields(document));
    addLine(this.#pending.used, usedRow(document));
  }

  /** The session is not mirrored any more. */
  drop(harness: string, id: string): void {
    this.#dropped.add(sessionKeyOf({ harness, id }));
  }

  get nextMs(): number {
    return this.#pending.listed.size === 0 ? Number.POSITIVE_INFINITY : this.#notBeforeMs;
  }

  async write(which: 'due' | 'all', nowMs: () => number): Promise<void> {
    const { listed, used } = this.#pending;
    if (listed.size === 0 || (which === 'due' && this.nextMs > nowMs())) return;
    this.#pending = nothingPending();
    try {
      const writer = await this.#context.writer();
      if (writer !== undefined) {
        await this.#used.add(writer, used, this.#dropped);
        await this.#listed.add(writer, listed, this.#dropped);
      }
      this.#notBeforeMs = nowMs() + everyMs;
    } catch {
      this.#used.forget();
      this.#listed.forget();
      this.#notBeforeMs = nowMs() + retryMs;
      this.#pending = {
        listed: mergedLines(listed.values(), this.#pending.listed.values()),
        used: mergedLines(used.values(), this.#pending.used.values()),
      };
    }
  }
}

function nothingPending(): Pending {
  return { listed: new Map(), used: new Map() };
}
