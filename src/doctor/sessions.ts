import { open } from 'node:fs/promises';
import { requireHarness } from '../../watchers/names.js';
import type { Bucket } from '../bucket/bucket.js';
import { listSessionIds, readMeta } from '../mirror/slots/session-listing.js';
import type { Stream, Watcher } from '../mirror/stream.js';
import { runningWatch } from '../mirror/watch/lock.js';
import type { Layout } from '../protocol/keys.js';
import type { Examined, Finding } from './finding.js';

/** A session on this machine, represented by its main stream. */
export interface FoundSession {
  readonly watcher: Watcher;
  readonly stream: Stream;
  readonly size: number;
  readonly modifiedAtMs: number;
  /** Of the harness's sessions. */
  readonly root: string;
}

export interface FoundSessions {
  readonly sessions: readonly FoundSession[];
  readonly roots: readonly string[];
  readonly live: number;
  readonly examined: Examined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What the harnesses have left on this machine. */
export async function findSessions(
  watchers: readonly Watcher[],
  env: Environment,
): Promise<FoundSessions> {
  const sessions: FoundSession[] = [];
  const roots: string[] = [];
  const facts: string[] = [];
  const findings: Finding[] = [];
  let live = 0;
  for (const watcher of watchers) {
    const { harness } = watcher;
    const here = await watcher.roots();
    roots.push(...here);
    const found = (await Promise.all(here.map((root) => sessionsBelow(watcher, root)))).flat();
    sessions.push(...found);
    if (here.length > 0) {
      live += (await watcher.live()).size;
      facts.push(
        `${harness}: ${found.length} ${found.length === 1 ? 'session' : 'sessions'} in ${here.join(', ')}`,
      );
      continue;
    }
    const variable = requireHarness(harness).folderVariables.find((name) => env[name]);
    if (variable === undefined) continue;
    findings.push({
      name: 'harness-folder-missing',
      severity: 'warning',
      message: `${variable} names ${env[variable]}, where ${harness} has left nothing.`,
      fix: `Correct ${variable}, or unset it.`,
    });
  }
  const seen = facts.length === 0 ? ['no harness has left a session here yet'] : facts;
  return { sessions, roots, live, examined: { check: 'harnesses', facts: seen, findings } };
}

async function sessionsBelow(watcher: Watcher, root: string): Promise<FoundSession[]> {
  const found: FoundSession[] = [];
  for await (const some of watcher.streams(root)) {
    for (const stream of some) {
      if (stream.name !== '') continue;
      const look = await stream.changed(undefined);
      if (look === undefined || look.size === 0) continue;
      found.push({ watcher, stream, root, size: look.size, modifiedAtMs: look.modifiedAtMs });
    }
  }
  return found;
}

export interface MirrorContext {
  readonly bucket: Bucket;
  readonly layout: Layout;
  /** Of the `watch` for this destination. */
  readonly lockPath: string;
  readonly nowMs: number;
}

/** A running watch needs a moment. */
const graceMs = 60_000;
const recentMs = 10 * 60_000;
/** At most this many are compared with the bucket, at one request each. */
const mostCompared = 200;
const dayMs = 86_400_000;
const warnDays = 7;

/** What is on this machine but not in the bucket. */
export async function examineMirror(
  { sessions, live }: FoundSessions,
  { bucket, layout, lockPath, nowMs }: MirrorContext,
): Promise<Examined> {
  const harnesses = new Set(sessions.map(({ stream }) => stream.session.harness));
  const ids = await listSessionIds(bucket, layout, [...harnesses]);
  const isQuiet = ({ modifiedAtMs }: FoundSession): boolean => nowMs - modifiedAtMs > graceMs;
  const isThere = ({ stream: { session } }: FoundSession): boolean =>
    ids.get(session.harness)?.has(session.id) === true;
  const missing = sessions.filter((one) => isQuiet(one) && !isThere(one));
  const behind = await findBehind(
    sessions.filter((one) => isQuiet(one) && isThere(one)),
    { bucket, layout },
  );
  const holder = await runningWatch(lockPath);
  const findings = [
    ...judgeMissing(missing, nowMs),
    ...judgeBehind(behind),
    ...(await judgeCleanup(missing, nowMs)),
  ];
  const isActive = live > 0 || sessions.some((one) => nowMs - one.modifiedAtMs < recentMs);
  if (holder === undefined && isActive) {
    findings.push({
      name: 'watch-not-running',
      severity: 'warning',
      message: 'Sessions are going on and no watch is running for this bucket on this machine.',
      fix: 'tracecraft watch (in a spare terminal), or tracecraft service install',
    });
  }
  const inBucket = sessions.filter(isThere).length;
  const watching =
    holder === undefined
      ? 'no watch is running'
      : `watch runs: pid ${holder.pid}, since ${holder.since}`;
  return {
    check: 'mirror',
    facts: [`${inBucket} of ${sessions.length} sessions are in the bucket`, watching],
    findings,
  };
}

function judgeMissing(missing: readonly FoundSession[], nowMs: number): Finding[] {
  const [oldest] = [...missing].sort((a, b) => a.modifiedAtMs - b.modifiedAtMs);
  if (oldest === undefined) return [];
  const recent = missing.filter((one) => nowMs - one.modifiedAtMs < 7 * dayMs).length;
  const since = new Date(oldest.modifiedAtMs).toISOString().slice(0, 10);
  return [
    {
      name: 'sessions-not-mirrored',
      severity: 'warning',
      message: `${missing.length} ${missing.length === 1 ? 'session is' : 'sessions are'} not in the bucket, ${recent} of them from the last 7 days, the oldest last changed on ${since}.`,
      fix: 'tracecraft watch --once --all',
    },
  ];
}

interface Behind {
  readonly session: FoundSession;
  readonly bytes: number;
}

async function findBehind(
  sessions: readonly FoundSession[],
  { bucket, layout }: Pick<MirrorContext, 'bucket' | 'layout'>,
): Promise<readonly Behind[]> {
  const newest = [...sessions]
    .sort((a, b) => b.modifiedAtMs - a.modifiedAtMs)
    .slice(0, mostCompared);
  const compared = await Promise.all(
    newest.map(async (session): Promise<Behind[]> => {
      const { harness, id } = session.stream.session;
      const { source } = session.stream;
      // Only for a transcript in a file of its own does the size tell.
      if (!source.endsWith('.jsonl')) return [];
      const meta = await readMeta(bucket, layout.meta(harness, id));
      if (meta === undefined || meta.source_path !== source) return [];
      const bytes = session.size - meta.total_source_bytes;
      const isMore = bytes > 0 && (await hasWholeLine(source, meta.total_source_bytes));
      return isMore ? [{ session, bytes }] : [];
    }),
  );
  return compared.flat();
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

function judgeBehind(behind: readonly Behind[]): Finding[] {
  if (behind.length === 0) return [];
  const bytes = behind.reduce((sum, one) => sum + one.bytes, 0);
  return [
    {
      name: 'sessions-behind',
      severity: 'warning',
      message: `${behind.length} ${behind.length === 1 ? 'session has' : 'sessions have'} grown since they were mirrored: ${bytes} bytes are not in the bucket.`,
      fix: 'tracecraft watch --once --all, or leave tracecraft watch running',
    },
  ];
}

/** Some harnesses delete transcripts that were not used for a while; whatever is not in the bucket by then is lost. */
async function judgeCleanup(missing: readonly FoundSession[], nowMs: number): Promise<Finding[]> {
  const findings: Finding[] = [];
  const roots = new Map(missing.map(({ root, watcher }) => [root, watcher]));
  for (const [root, watcher] of roots) {
    const retention = await watcher.retention?.(root);
    if (retention === undefined) continue;
    const { days, setting } = retention;
    const endangered = missing.filter(
      (one) => one.root === root && nowMs - one.modifiedAtMs > (days - warnDays) * dayMs,
    );
    if (endangered.length === 0) continue;
    findings.push({
      name: 'cleanup-soon',
      severity: 'warning',
      message: `${requireHarness(watcher.harness).title} deletes transcripts that were not used for ${days} days (${setting}): ${endangered.length} in ${root} will be gone within ${warnDays} days, and are not in the bucket.`,
      fix: 'tracecraft watch --once --all',
    });
  }
  return findings;
}
