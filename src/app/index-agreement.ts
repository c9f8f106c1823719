import type { Key } from '../bucket/bucket.js';
import { inParallel } from '../concurrency.js';
import { listedForm, usedForm } from '../mirror/index/forms.js';
import { listIndexFiles } from '../mirror/index/index-files.js';
import { addLine, indexedFields, type ListedFields, refOf } from '../mirror/index/lines.js';
import { encodePage, parsePage } from '../mirror/index/usage-page.js';
import { type UsedRow, usedRow } from '../mirror/index/used-rows.js';
import { deleteIndexLines } from '../mirror/removal/index-lines.js';
import type { ListedSession } from '../mirror/slots/session-listing.js';
import { sessionKeyOf } from '../mirror/stream.js';
import type { MetaDocument } from '../protocol/documents.js';
import { usagePageSuffix } from '../protocol/keys.js';
import type { SessionStore } from '../sessions/conversation.js';

/** The derived index beside the documents that it is derived from. */
export interface Agreement {
  /** It says otherwise about them, and not only because they changed a moment ago. */
  readonly differing: readonly MetaDocument[];
  /** It has no line of them, or no row of what they used: readers take the documents. */
  readonly lacking: readonly MetaDocument[];
  /** Pages that nobody can read. */
  readonly unreadable: readonly Key[];
}

/** An index is written once a minute at most. */
const settledMs = 120_000;

/** Compares what all machines' indexes say about these sessions with their documents. */
export async function compareIndex(
  { bucket, layout }: SessionStore,
  sessions: readonly ListedSession[],
): Promise<Agreement> {
  const listed = new Map<string, ListedFields>();
  const used = new Map<string, UsedRow>();
  const unreadable: Key[] = [];
  const [lines, pages] = [listedForm(layout), usedForm(layout)];
  const { keys } = await listIndexFiles(bucket, layout);
  await inParallel(keys, async (key) => {
    const body = (await bucket.get(key))?.body;
    if (body === undefined) return;
    if (key.endsWith('.jsonl')) for (const line of lines.parse(body)) addLine(listed, line);
    if (!key.endsWith(usagePageSuffix)) return;
    if (parsePage(body) === undefined) unreadable.push(key);
    for (const row of pages.parse(body)) addLine(used, row);
  });
  const nowMs = (await bucket.now()).getTime();
  const differing: MetaDocument[] = [];
  const lacking: MetaDocument[] = [];
  for (const { harness, id, meta } of sessions) {
    if (meta === undefined) continue;
    const key = sessionKeyOf({ harness, id });
    const [line, row] = [listed.get(key), used.get(key)];
    if (line === undefined || row === undefined) lacking.push(meta);
    else if (!isSame(meta, line, row) && changedMs(meta) < nowMs - settledMs) differing.push(meta);
  }
  return { differing, lacking, unreadable };
}

function isSame(meta: MetaDocument, line: ListedFields, row: UsedRow): boolean {
  if (JSON.stringify(line) !== JSON.stringify(indexedFields(meta))) return false;
  return encodePage([row]).equals(encodePage([usedRow(meta)]));
}

function changedMs({ last_uploaded_at, last_row_at, ended_at }: MetaDocument): number {
  const times = [last_uploaded_at, last_row_at, ended_at].map((time) => Date.parse(time ?? ''));
  return Math.max(...times.filter((time) => !Number.isNaN(time)), 0);
}

/** Takes what is wrong out of every machine's index, and returns the documents that an index has to have anew. */
export async function withoutDisagreement(
  store: SessionStore,
  sessions: readonly ListedSession[],
): Promise<readonly MetaDocument[]> {
  const { differing, lacking, unreadable } = await compareIndex(store, sessions);
  if (differing.length + unreadable.length > 0) {
    await deleteIndexLines(store, ...differing.map(refOf));
  }
  return [...differing, ...lacking];
}
