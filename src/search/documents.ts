import type { Bucket, ObjectEntry } from '../bucket/bucket.js';
import { inParallel } from '../concurrency.js';
import { DocumentError } from '../protocol/documents.js';
import type { Layout } from '../protocol/keys.js';
import {
  type DocumentKind,
  documentFolders,
  isDocument,
  readDocument,
  type SearchedDocument,
} from './document-kinds.js';
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
  const folders = new Set(kinds.flatMap((kind) => documentFolders(layout, kind)));
  const read: Read[] = [];
  for (const folder of folders) read.push(...(await searchFolder(search, folder)));
  return kinds.map((kind) => {
    const those = read.filter((one) => one.kind === kind);
    const hits = withoutRepeats(those.flatMap(({ hit }) => hit ?? []));
    const newest = hits.sort((left, right) => (right.atMs ?? 0) - (left.atMs ?? 0));
    return {
      kind,
      hits: newest.slice(0, perKind),
      count: hits.length,
      documents: those.length,
      unread: those.flatMap(({ error }) => error?.message ?? []),
    };
  });
}

/** What came of one document. */
interface Read {
  readonly kind: DocumentKind;
  readonly hit?: DocumentHit;
  readonly error?: DocumentError;
}

/** Beyond any document that is ours; a planted one must not fill the memory. */
const largest = 16 * 1024 * 1024;

async function searchFolder(search: DocumentSearch, folder: string): Promise<readonly Read[]> {
  const { bucket, layout, kinds, signal } = search;
  const here = kinds.filter((kind) => documentFolders(layout, kind).includes(folder));
  const entries: ObjectEntry[] = [];
  for await (const entry of bucket.list(folder, { signal })) {
    if (entry.kind !== 'object') continue;
    if (here.some((kind) => isDocument(layout, kind, entry.key))) entries.push(entry);
  }
  const read = await inParallel(
    entries,
    async (entry, stopped) => {
      const range = { start: 0, end: largest };
      const part = entry.size > largest ? { range } : {};
      const stored = await bucket.get(entry.key, { signal: stopped, ...part });
      if (stored === undefined) return [];
      return here.flatMap((kind) => readAs(search, kind, { ...entry, body: stored.body }) ?? []);
    },
    { signal, bytesOf: ({ size }) => Math.min(size, largest) },
  );
  return read.flat();
}

function readAs(
  search: DocumentSearch,
  kind: DocumentKind,
  object: ObjectEntry & { readonly body: Buffer },
): Read | undefined {
  const { layout, matcher } = search;
  try {
    const document = readDocument(layout, kind, object);
    if (document === undefined) return undefined;
    if (!isInScope(document, search)) return { kind };
    const found = matcher.find(document.text);
    const first = found.find((one) => one !== undefined);
    if (first === undefined || !matcher.isMatch(found)) return { kind };
    return { kind, hit: { ...document, found: first } };
  } catch (error) {
    if (error instanceof DocumentError) return { kind, error };
    throw error;
  }
}

/** A state may be stored in several objects. */
function withoutRepeats(hits: readonly DocumentHit[]): DocumentHit[] {
  return [...new Map(hits.map((hit) => [hit.identity, hit])).values()];
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
