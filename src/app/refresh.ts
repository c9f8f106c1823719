import { writeOver } from '../bucket/write-over.js';
import { systemClock } from '../clock.js';
import { destinationFolder } from '../config/destination.js';
import type { Settings } from '../config/settings.js';
import type { Examined, Finding } from '../doctor/finding.js';
import { UnreachableError } from '../errors.js';
import { nodeIo } from '../io.js';
import { IndexWriter } from '../mirror/index/index-writer.js';
import { indexWriterName } from '../mirror/index/writer-name.js';
import { encodeMeta } from '../mirror/meta/document.js';
import { type ListedSession, listSessions } from '../mirror/slots/session-listing.js';
import type { SessionRef } from '../mirror/stream.js';
import {
  type MetaDocument,
  metaSchema,
  parseDocument,
  unknownMetaFields,
} from '../protocol/documents.js';
import type { SessionStore } from '../sessions/conversation.js';
import { readMetas } from '../sessions/indexed.js';
import { compareIndex, withoutDisagreement } from './index-agreement.js';
import { type Recount, recounted } from './recount.js';

const mostAttempts = 4;

/** Writes a session's `meta.json` anew from its parts; `undefined` if nothing of the session is there. */
export async function refreshSession(
  store: SessionStore,
  session: SessionRef,
): Promise<Recount | undefined> {
  const { bucket, layout } = store;
  const key = layout.meta(session.harness, session.id);
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const stored = await bucket.get(key);
    const before = stored === undefined ? undefined : readable(key, stored.body);
    const recount = await recounted(store, session, before);
    if (recount === undefined || recount.differences.length === 0) return recount;
    const unknown =
      stored === undefined || before === undefined ? {} : unknownMetaFields(stored.body);
    const body = encodeMeta({ ...unknown, ...recount.document });
    const options = { contentType: 'application/json' };
    if ((await writeOver(bucket, key, body, stored?.etag, options)).written) return recount;
  }
  throw new UnreachableError(`${key} changes all the time`);
}

function readable(key: string, body: Buffer): MetaDocument | undefined {
  try {
    return parseDocument(metaSchema, key, body);
  } catch {
    return undefined;
  }
}

/**
 * Makes the derived index agree with the documents of these sessions: what is wrong is taken out of every machine's, and what is
 * missing is put into that of this machine. Returns how many sessions it corrected.
 */
export async function mendIndex(
  store: SessionStore,
  { stateFolder, project }: Settings,
  refs: readonly SessionRef[],
): Promise<number> {
  const { bucket, layout } = store;
  const documents = await withoutDisagreement(store, await readMetas(bucket, layout, refs));
  const folder = destinationFolder(stateFolder, bucket.location, project);
  const writer = () => indexWriterName(nodeIo, folder);
  const index = new IndexWriter({ bucket, layout, writer });
  for (const document of documents) index.record(document, systemClock.now());
  await index.write('all', () => systemClock.now());
  return documents.length;
}

const mostNamed = 5;

/** Compares what every session's `meta.json` says with its parts, and what the derived index says with that. */
export async function examineCounts(
  store: SessionStore,
  harnesses: readonly string[],
): Promise<Examined> {
  const sessions = await listSessions(store.bucket, store.layout, harnesses);
  const findings: Finding[] = [];
  for (const { harness, id, meta } of sessions) {
    const { differences = [] } = (await recounted(store, { harness, id }, meta)) ?? {};
    if (differences.length === 0) continue;
    findings.push({
      name: 'meta-differs',
      severity: 'warning',
      message: `meta.json of ${harness} ${id} does not agree with its parts: ${differences.join(', ')}`,
      fix: `tracecraft session refresh ${id}`,
    });
  }
  const index = await examineIndex(store, sessions);
  const more = findings.length - mostNamed;
  const named = more > 1 ? [...findings.slice(0, mostNamed), moreFinding(more)] : findings;
  const what = `sessions compared with their parts: ${sessions.length}; not in agreement: ${findings.length}`;
  return {
    check: 'counts',
    facts: [what, ...index.facts],
    findings: [...named, ...index.findings],
  };
}

async function examineIndex(
  store: SessionStore,
  sessions: readonly ListedSession[],
): Promise<Pick<Examined, 'facts' | 'findings'>> {
  const { differing, lacking, unreadable } = await compareIndex(store, sessions);
  const shared = { severity: 'warning', fix: 'tracecraft session refresh --all' } as const;
  const findings = unreadable.map(
    (key): Finding => ({ name: 'index-unreadable', message: `${key} cannot be read`, ...shared }),
  );
  if (differing.length > 0) {
    const some = differing.slice(0, mostNamed).map((one) => `${one.harness} ${one.session_id}`);
    const rest = differing.length - some.length;
    const message = `the index does not agree with meta.json of ${some.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
    findings.push({ name: 'index-differs', message, ...shared });
  }
  return { facts: [`sessions that the index lacks: ${lacking.length}`], findings };
}

function moreFinding(more: number): Finding {
  return {
    name: 'meta-differs',
    severity: 'warning',
    message: `${more} more do not agree either`,
    fix: 'tracecraft session refresh --all',
  };
}
