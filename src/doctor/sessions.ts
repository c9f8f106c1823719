import { join } from 'node:path';
import { requireHarness } from '../../watchers/names.js';
import type { Bucket } from '../bucket/bucket.js';
import type { Clock } from '../clock.js';
import { SourceError } from '../errors.js';
import type { Io } from '../io.js';
import { listRemoved } from '../mirror/removal/record.js';
import { listSessionIds } from '../mirror/slots/session-listing.js';
import { type Stream, sessionKeyOf, type Watcher } from '../mirror/stream.js';
import { runningWatch } from '../mirror/watch/lock.js';
import type { Selection } from '../mirror/watch/selection.js';
import {
  type DiscoveredStream,
  type SelectedSessions,
  SessionFilter,
} from '../mirror/watch/session-filter.js';
import type { Layout } from '../protocol/keys.js';
import { judgeCompared, unreadableSource } from './compared.js';
import type { Examined, Finding } from './finding.js';
import { compareNewest, mostCompared } from './newest-sessions.js';

/** A session on this machine, represented by its main stream if it has one. */
export interface FoundSession {
  readonly watcher: Watcher;
  readonly stream: Stream;
  readonly size: number;
  readonly modifiedAtMs: number;
  /** Of the harness's sessions. */
  readonly root: string;
}

export interface FoundSessions {
  /** Those the config mirrors. */
  readonly sessions: readonly FoundSession[];
  /** Those it would mirror if they had changed recently. */
  readonly older: readonly FoundSession[];
  /** Every stream of `sessions`. */
  readonly streams: readonly DiscoveredStream[];
  readonly roots: readonly string[];
  readonly live: number;
  readonly taken: SelectedSessions;
  readonly examined: Examined;
}

/**
 * The sessions the harnesses have left on this machine. `unread` returns what could not be read,
 * once the scan is complete.
 */
export async function findSessions(
  watchers: readonly Watcher[],
  selection: Selection,
  nowMs: number,
  unread: () => Promise<readonly SourceError[]>,
): Promise<FoundSessions> {
  const failures: SourceError[] = [];
  const filter = new SessionFilter(watchers, selection, (error) => {
    if (!(error instanceof SourceError)) throw error;
    failures.push(error);
  });
  const { discovered, older, taken } = await filter.first(nowMs);
  const roots: Root[] = [];
  const facts: string[] = [];
  let live = 0;
  for (const watcher of watchers) {
    const here = await watcher.roots();
    if (here.length === 0) continue;
    for (const folder of here) roots.push({ watcher, folder });
    live += (await watcher.live()).size;
    const count = [...discovered, ...older].filter((one) => isMainOf(one, watcher)).length;
    facts.push(
      `${watcher.harness}: ${count} ${count === 1 ? 'session' : 'sessions'} in ${here.join(', ')}`,
    );
  }
  const findings = [...failures, ...(await unread())].map(judgeUnread);
  const seen = facts.length === 0 ? ['no harness has left a session here yet'] : facts;
  return {
    sessions: oneOfEach(discovered, roots),
    older: oneOfEach(older, roots),
    streams: discovered,
    roots: roots.map(({ folder }) => folder),
    live,
    taken,
    examined: { check: 'harnesses', facts: seen, findings },
  };
}

interface Root {
  readonly watcher: Watcher;
  readonly folder: string;
}

function isMainOf({ stream, snapshot }: DiscoveredStream, { harness }: Watcher): boolean {
  return stream.name === '' && snapshot.size > 0 && stream.session.harness === harness;
}

function oneOfEach(
  discovered: readonly DiscoveredStream[],
  roots: readonly Root[],
): readonly FoundSession[] {
  const sessions = new Map<string, DiscoveredStream>();
  for (const found of discovered) {
    const key = sessionKeyOf(found.stream.session);
    const isFirst = found.stream.name === '' || !sessions.has(key);
    if (isFirst && found.snapshot.size > 0) sessions.set(key, found);
  }
  const found: FoundSession[] = [];
  for (const { stream, snapshot } of sessions.values()) {
    const isIts = ({ watcher, folder }: Root): boolean =>
      watcher.harness === stream.session.harness && stream.source.startsWith(folder);
    const root = roots.find(isIts);
    if (root === undefined) continue;
    const { size, modifiedAtMs } = snapshot;
    found.push({ watcher: root.watcher, stream, size, modifiedAtMs, root: root.folder });
  }
  return found;
}

function judgeUnread({ message, hint }: SourceError): Finding {
  const finding = unreadableSource(message, hint);
  return message.includes('has left nothing')
    ? { ...finding, name: 'harness-folder-missing' }
    : finding;
}

interface MirrorContext {
  readonly bucket: Bucket;
  readonly layout: Layout;
  /** Local state of this destination. */
  readonly folder: string;
  readonly io: Io;
  readonly clock: Clock;
}

/** A running watch needs a moment. */
const graceMs = 60_000;
const recentMs = 10 * 60_000;
const dayMs = 86_400_000;
const warnDays = 7;

const notWatching: Finding = {
  name: 'watch-not-running',
  severity: 'warning',
  message: 'Sessions are in progress, but no watch is running for this bucket on this machine.',
  fix: 'tracecraft watch (in a spare terminal), or tracecraft service install',
};

/** What is on this machine but not in the bucket. */
export async function examineMirror(
  found: FoundSessions,
  { bucket, layout, folder, io, clock }: MirrorContext,
): Promise<Examined> {
  const { live, taken } = found;
  const nowMs = clock.now();
  const removed = await listRemoved({ bucket, layout });
  const isKept = ({ stream: { session } }: FoundSession): boolean =>
    !removed.some((one) => one.harness === session.harness && one.session_id === session.id);
  const sessions = found.sessions.filter(isKept);
  const older = found.older.filter(isKept);
  const harnesses = new Set([...sessions, ...older].map(({ stream }) => stream.session.harness));
  const ids = await listSessionIds(bucket, layout, [...harnesses]);
  const isQuiet = ({ modifiedAtMs }: FoundSession): boolean =>
    Math.abs(nowMs - modifiedAtMs) > graceMs;
  const isThere = ({ stream: { session } }: FoundSession): boolean =>
    ids.get(session.harness)?.has(session.id) === true;
  const missing = sessions.filter((one) => isQuiet(one) && !isThere(one));
  const comparable = sessions.filter((one) => isQuiet(one) && isThere(one));
  const keys = new Set(comparable.map(({ stream }) => sessionKeyOf(stream.session)));
  const streams = found.streams.filter(({ stream }) => keys.has(sessionKeyOf(stream.session)));
  const compared = await compareNewest(streams, { bucket, layout, folder, io, clock });
  const holder = await runningWatch(join(folder, 'watch.lock'));
  const findings = [
    ...judgeMissing(missing, nowMs),
    ...judgeCompared(compared),
    ...(await judgeCleanup([...missing, ...older.filter((one) => !isThere(one))], nowMs)),
  ];
  const isActive = live > 0 || sessions.some((one) => nowMs - one.modifiedAtMs < recentMs);
  if (holder === undefined && isActive) findings.push(notWatching);
  const inBucket = sessions.filter(isThere).length;
  const watching =
    holder === undefined
      ? 'no watch is running'
      : `watch runs: pid ${holder.pid}, since ${holder.since}`;
  return {
    check: 'mirror',
    facts: [
      `${inBucket} of ${sessions.length} sessions are in the bucket`,
      ...leftUncompared(comparable.length),
      ...leftAlone(taken),
      ...(await safeFromCleanup([...sessions, ...older].filter(isThere), nowMs)),
      watching,
    ],
    findings,
  };
}

function leftUncompared(comparable: number): string[] {
  if (comparable <= mostCompared) return [];
  return [`the ${mostCompared} that changed last were compared; all: tracecraft session verify`];
}

function leftAlone({ leftSessions, leftElsewhere }: SelectedSessions): string[] {
  const count = leftSessions - leftElsewhere;
  return [
    ...(leftElsewhere === 0 ? [] : [`${leftElsewhere} of other folders are left alone`]),
    ...(count === 0 ? [] : [`${count} that did not change lately are left alone`]),
  ];
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

/** What a harness deletes soon, and `session restore` brings back. */
async function safeFromCleanup(
  mirrored: readonly FoundSession[],
  nowMs: number,
): Promise<readonly string[]> {
  const facts: string[] = [];
  for (const [root, watcher] of new Map(mirrored.map((one) => [one.root, one.watcher]))) {
    const days = (await watcher.retention?.(root))?.days;
    if (days === undefined) continue;
    const due = endangered(mirrored, root, nowMs, days);
    const [first] = due;
    if (first === undefined) continue;
    const which = due.length === 1 ? 'session that' : 'sessions that';
    facts.push(
      `${due.length} ${which} ${watcher.harness} deletes within ${warnDays} days: safe, restore with tracecraft session restore ${first.stream.session.id}${due.length === 1 ? '' : ' …'}`,
    );
  }
  return facts;
}

function endangered(
  sessions: readonly FoundSession[],
  root: string,
  nowMs: number,
  days: number,
): readonly FoundSession[] {
  return sessions.filter(
    (one) => one.root === root && nowMs - one.modifiedAtMs > (days - warnDays) * dayMs,
  );
}

/**
 * Some harnesses delete transcripts that have not been used for a while; whatever is not in the
 * bucket by then is lost.
 */
async function judgeCleanup(missing: readonly FoundSession[], nowMs: number): Promise<Finding[]> {
  const findings: Finding[] = [];
  const roots = new Map(missing.map(({ root, watcher }) => [root, watcher]));
  for (const [root, watcher] of roots) {
    const retention = await watcher.retention?.(root);
    if (retention === undefined) continue;
    const { days, setting } = retention;
    const due = endangered(missing, root, nowMs, days);
    if (due.length === 0) continue;
    findings.push({
      name: 'cleanup-soon',
      severity: 'warning',
      message: `${requireHarness(watcher.harness).title} deletes transcripts that were not used for ${days} days (${setting}): ${due.length} in ${root} will be gone within ${warnDays} days, and are not in the bucket.`,
      fix: 'tracecraft watch --once --all',
    });
  }
  return findings;
}
