import { open } from 'node:fs/promises';
import type { Bucket } from '../bucket/bucket.js';
import { readMeta } from '../mirror/slots/session-listing.js';
import type { Stream } from '../mirror/stream.js';
import type { MetaDocument } from '../protocol/documents.js';
import type { Layout } from '../protocol/keys.js';
import { parsePartName } from '../protocol/parts.js';
import type { Finding } from './finding.js';

/** At most this many are compared with the bucket, at two requests each. */
const mostCompared = 200;

interface LocalSession {
  /** Its main stream. */
  readonly stream: Stream;
  readonly size: number;
  readonly modifiedAtMs: number;
}

interface Compared {
  /** Bytes of whole lines that were added since. */
  readonly behindBytes: number;
  /** Parts that its document tells of, and the bucket does not have. */
  readonly missingParts: number;
}

interface Place {
  readonly bucket: Bucket;
  readonly layout: Layout;
}

/** Compares the sessions that changed last with their documents, and those with a listing; reads no part. */
export function compareNewest(
  sessions: readonly LocalSession[],
  place: Place,
): Promise<readonly Compared[]> {
  const newest = [...sessions]
    .sort((left, right) => right.modifiedAtMs - left.modifiedAtMs)
    .slice(0, mostCompared);
  return Promise.all(newest.map((session) => compare(session, place)));
}

async function compare(session: LocalSession, { bucket, layout }: Place): Promise<Compared> {
  const { harness, id } = session.stream.session;
  const meta = await readMeta(bucket, layout.meta(harness, id));
  if (meta === undefined) return { behindBytes: 0, missingParts: 0 };
  const missingParts = await countMissing(bucket, layout.session(harness, id), meta);
  return { behindBytes: await bytesBehind(session, meta), missingParts };
}

/** Sizes tell nothing: taking out secrets changes them. */
async function countMissing(
  bucket: Bucket,
  prefix: string,
  { parts, part_count }: MetaDocument,
): Promise<number> {
  const held = new Set<string>();
  for await (const entry of bucket.list(prefix)) {
    if (entry.kind !== 'object' || entry.size === 0) continue;
    const leaf = entry.key.slice(prefix.length);
    if (parsePartName(leaf) !== undefined) held.add(leaf);
  }
  const named = parts.filter(({ name }) => parsePartName(name) !== undefined);
  const gone = named.filter(({ name }) => !held.has(name)).length;
  return named.length === 0 ? 0 : Math.max(gone, part_count - held.size);
}

async function bytesBehind(
  { stream: { source }, size }: LocalSession,
  { source_path, total_source_bytes }: MetaDocument,
): Promise<number> {
  // The size is conclusive only for a transcript in a file of its own.
  if (!source.endsWith('.jsonl') || source_path !== source) return 0;
  const bytes = size - total_source_bytes;
  return bytes > 0 && (await hasWholeLine(source, total_source_bytes)) ? bytes : 0;
}

const mostPeeked = 1024 * 1024;

/** An unterminated last line waits for its newline and does not count as behind. */
async function hasWholeLine(path: string, from: number): Promise<boolean> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return false;
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(mostPeeked), 0, mostPeeked, from);
    return bytesRead === mostPeeked || buffer.subarray(0, bytesRead).includes(0x0a);
  } finally {
    await file.close();
  }
}

export function judgeCompared(compared: readonly Compared[]): Finding[] {
  const behind = compared.filter(({ behindBytes }) => behindBytes > 0);
  const holed = compared.filter(({ missingParts }) => missingParts > 0);
  const findings: Finding[] = [];
  if (behind.length > 0) {
    const bytes = behind.reduce((sum, one) => sum + one.behindBytes, 0);
    findings.push({
      name: 'sessions-behind',
      severity: 'warning',
      message: `${behind.length} ${behind.length === 1 ? 'session has' : 'sessions have'} grown since they were mirrored: ${bytes} bytes are not in the bucket.`,
      fix: 'tracecraft watch --once --all, or leave tracecraft watch running',
    });
  }
  if (holed.length > 0) {
    const parts = holed.reduce((sum, one) => sum + one.missingParts, 0);
    findings.push({
      name: 'parts-missing',
      severity: 'error',
      message: `The bucket lost ${parts} ${parts === 1 ? 'part' : 'parts'} of ${holed.length} ${holed.length === 1 ? 'session' : 'sessions'}.`,
      fix: 'tracecraft watch --once --all puts back whatever this machine still has.',
    });
  }
  return findings;
}
