import { PartialError, type TracecraftError } from '../errors.js';
import type { DocumentHits } from '../search/documents.js';
import type { SessionHits } from '../search/scan.js';
import { formatTime, plural } from './format.js';

/** Counts what a search reads and finds, and says at the end what its answer is worth. */
export class SearchTally {
  #sessions = 0;
  #lines = 0;
  #scannedBytes = 0;
  #documents = 0;
  #hits = 0;
  #shown = 0;
  #isStopped = false;
  readonly #unread: { readonly session: string; readonly missing: string }[] = [];
  /** Why, each with its key. */
  readonly #unreadDocuments: string[] = [];

  /** Sessions that were read, with or without hits. */
  get sessions(): number {
    return this.#sessions;
  }

  /** Sessions and kinds of documents that had something to show. */
  get shown(): number {
    return this.#shown;
  }

  /** Of parts that no pack covers. */
  get scannedBytes(): number {
    return this.#scannedBytes;
  }

  /** All sessions were read to their end. */
  get isWhole(): boolean {
    return !this.#isStopped && this.#unread.length === 0;
  }

  /** Whether there is something to show. */
  addSession({ session, lines, scannedBytes, count, isSpread, unread }: SessionHits): boolean {
    this.#sessions += 1;
    this.#lines += lines;
    this.#scannedBytes += scannedBytes;
    this.#hits += count;
    const { harness, id } = session;
    if (unread !== undefined) this.#unread.push({ session: `${harness}/${id}`, missing: unread });
    return this.#isShown(count > 0 || isSpread);
  }

  addDocuments({ documents, count, unread }: DocumentHits): boolean {
    this.#documents += documents;
    this.#hits += count;
    this.#unreadDocuments.push(...unread);
    return this.#isShown(count > 0);
  }

  /** Enough was found before everything was read. */
  stop(): void {
    this.#isStopped = true;
  }

  #isShown(hasHits: boolean): boolean {
    if (hasHits) this.#shown += 1;
    return hasHits;
  }

  /** What was read, as the last line tells it. */
  closingLine(listedMs: number): string {
    const counts = [
      plural(this.#sessions, 'session'),
      plural(this.#lines, 'line'),
      ...(this.#documents === 0 ? [] : [plural(this.#documents, 'document')]),
    ].join(', ');
    return this.#isStopped
      ? `stopped after ${plural(this.#shown, 'session')} of hits (${counts} read): --limit, or --all`
      : `complete: ${counts}, listed ${formatTime(new Date(listedMs))}`;
  }

  data(listedMs: number): object {
    return {
      hits: this.#hits,
      sessions: this.#sessions,
      lines: this.#lines,
      scanned_bytes: this.#scannedBytes,
      documents: this.#documents,
      coverage: this.coverage,
      listed_at: formatTime(new Date(listedMs)),
      unread: this.#unread,
      unread_documents: this.#unreadDocuments,
    };
  }

  get coverage(): 'partial' | 'stopped' | 'listed' {
    if (this.#unread.length + this.#unreadDocuments.length > 0) return 'partial';
    return this.#isStopped ? 'stopped' : 'listed';
  }

  /** What could not be read, if anything. */
  failure(): TracecraftError | undefined {
    const [first] = this.#unread;
    const [why] = this.#unreadDocuments;
    const others = plural(this.#unreadDocuments.length, 'document');
    if (first !== undefined) {
      return new PartialError(
        `${plural(this.#unread.length, 'session')} could not be read whole, e.g. ${first.session}: ${first.missing}${why === undefined ? '' : `, and ${others}`}`,
        {
          hint: '"tracecraft session verify" tells what is missing, and "watch --once" mends it where the source is.',
        },
      );
    }
    return why === undefined
      ? undefined
      : new PartialError(`${others} could not be read, e.g. ${why}`);
  }
}
