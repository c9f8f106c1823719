import type { Bucket, ObjectEntry } from '../bucket/bucket.js';
import { inParallel } from '../concurrency.js';
import { DocumentError } from '../protocol/documents.js';
import type { Layout } from '../protocol/keys.js';
import {
  documentFolders,
  isDocument,
  readDocument,
  type SearchedDocument,
} from './document-kinds.js';
import type { DocumentKind } from './kinds.js';
import type { Found, Matcher } from './matcher.js';

export interface DocumentHit extends SearchedDocument {
  readonly found: Found;
}

export interface DocumentHits {
  readonly kind: DocumentKind;
  /** The newest ones, newest first. */
  readonly hits: readonly DocumentHit[];
  readonly count: number;
  /** How many documents were read. */
  readonly documents: number;
  /** What could not be read, in words. */
  readonly unread: readonly string[];
}

export interface DocumentSearch {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly matcher: Matcher;
  readonly kinds: readonly DocumentKind[];
  /** The newest ones of each kind that are kept. */
  readonly perKind: number;
  /** Who it was from or for. */
  readonly agent?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Searches mail, memory with its history, handoffs and events: one result for each kind, in the order of `kinds`. */
export async function searchDocuments(search: DocumentSearch): Promise<readonly DocumentHits[]> {
  const { layout, kinds, perKind } = search;
  const tallies = new Map(kinds.map((kind) => [kind, new KindTally(kind, perKind)]));
  const folders = new Set(kinds.flatMap((kind) => documentFolders(layout, kind)));
  for (const folder of folders) await searchFolder(search, folder, tallies);
  return [...tallies.values()].map((tally) => tally.hits());
}

class KindTally {
  readonly unread: string[] = [];
  documents = 0;
  readonly #kind: DocumentKind;
  readonly #most: number;
  readonly #seen = new Set<string>();
  #newest: DocumentHit[] = [];

  constructor(kind: DocumentKind, most: number) {
    this.#kind = kind;
    this.#most = most;
  }

  add(hit: DocumentHit): void {
    if (!this.#seen.has(hit.identity)) this.#newest.push(hit);
    else if (hit.isPresent) {
      this.#newest = this.#newest.map((one) => (one.identity === hit.identity ? hit : one));
    }
    this.#seen.add(hit.identity);
    // Their texts are long, and a word may be in all of them.
    if (this.#newest.length > 2 * this.#most + 64) this.#keep();
  }

  hits(): DocumentHits {
    this.#keep();
    const { documents, unread } = this;
    return {
      kind: this.#kind,
      hits: this.#newest,
      count: this.#seen.size,
      documents,
      unread: unread.sort(),
    };
  }

  #keep(): void {
    this.#newest = this.#newest
      .sort(
        (left, right) => (right.atMs ?? 0) - (left.atMs ?? 0) || (left.key < right.key ? -1 : 1),
      )
      .slice(0, this.#most);
  }
}

/** Beyond any document that is ours; a planted one must not fill the memory. */
const largest = 16 * 1024 * 1024;

async function searchFolder(
  search: DocumentSearch,
  folder: string,
  tallies: ReadonlyMap<DocumentKind, KindTally>,
): Promise<void> {
  const { bucket, layout, signal } = search;
  const here = [...tallies].filter(([kind]) => documentFolders(layout, kind).includes(folder));
  const entries: ObjectEntry[] = [];
  for await (const entry of bucket.list(folder, { signal })) {
    if (entry.kind !== 'object') continue;
    if (here.some(([kind]) => isDocument(kind, entry.key))) entries.push(entry);
  }
  await inParallel(
    entries,
    async (entry, stopped) => {
      const range = { start: 0, end: largest };
      const part = entry.size > largest ? { range } : {};
      const stored = await bucket.get(entry.key, { signal: stopped, ...part });
      if (stored === undefined) return;
      const object = { ...entry, body: stored.body };
      for (const [kind, tally] of here) readInto(tally, search, kind, object);
    },
    { signal, bytesOf: ({ size }) => Math.min(size, largest) },
  );
}

function readInto(
  tally: KindTally,
  search: DocumentSearch,
  kind: DocumentKind,
  object: ObjectEntry & { readonly body: Buffer },
): void {
  const { layout, matcher } = search;
  try {
    const document = readDocument(layout, kind, object);
    if (document === undefined) return;
    tally.documents += 1;
    if (!isInScope(document, search)) return;
    const found = matcher.find(document.text);
    const first = found.find((one) => one !== undefined);
    if (first !== undefined && matcher.isMatch(found)) tally.add({ ...document, found: first });
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    tally.unread.push(error.message);
  }
}

function isInScope(
  { by, to, atMs }: SearchedDocument,
  { agent, sinceMs, untilMs }: DocumentSearch,
): boolean {
  if (agent !== undefined && by !== agent && to !== agent) return false;
  if (sinceMs === undefined && untilMs === undefined) return true;
  if (atMs === undefined) return false;
  return atMs >= (sinceMs ?? -Infinity) && atMs < (untilMs ?? Infinity);
}
