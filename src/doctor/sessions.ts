import { join } from 'node:path';
import type { Bucket } from '../bucket/bucket.js';
import type { Clock } from '../clock.js';
import { SourceError } from '../errors.js';
import type { Io } from '../io.js';
import { listRemoved } from '../mirror/removal/record.js';
import { listSessionIds } from '../mirror/slots/session-listing.js';
import { sessionKeyOf, type Watcher } from '../mirror/stream.js';
import { runningWatch } from '../mirror/watch/lock.js';
import type { Selection } from '../mirror/watch/selection.js';
import {
  type DiscoveredStream,
  type SelectedSessions,
  SessionFilter,
} from '../mirror/watch/session-filter.js';
import type { Layout } from '../protocol/keys.js';
import { findEndangered, judgeEndangered, type SessionsRoot, safeFacts } from './cleanup.js';
import { judgeCompared, unreadableSource } from './compared.js';
import type { Examined, Finding } from './finding.js';
import { compareNewest, mostCompared } from './newest-sessions.js';

export interface FoundSessions {
  /** Those the config mirrors, each represented by its main stream if it has one. */
  readonly sessions: readonly DiscoveredStream[];
  /** Every stream of them. */
  readonly streams: readonly DiscoveredStream[];
  /** The main streams of those it would mirror if they had changed recently. */
  readonly older: readonly DiscoveredStream[];
  readonly roots: readonly SessionsRoot[];
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
  const roots: SessionsRoot[] = [];
  const olderMains = older.filter(isMain);
  const sessions = oneOfEach(discovered);
  const facts: string[] = [];
  let live = 0;
  for (const watcher of watchers) {
    const here = await watcher.roots();
    if (here.length === 0) continue;
    for (const folder of here) roots.push({ watcher, folder });
    live += (await watcher.live()).size;
    const { harness } = watcher;
    const count = countOf(sessions, harness) + countOf(olderMains, harness);
    facts.push(
      `${harness}: ${count} ${count === 1 ? 'session' : 'sessions'} in ${here.join(', ')}`,
    );
  }
  const findings = [...failures, ...(await unread())].map(judgeUnread);
  const seen = facts.length === 0 ? ['no harness has left a session here yet'] : facts;
  return {
    sessions,
    streams: discovered,
    older: olderMains,
    roots,
    live,
    taken,
    examined: { check: 'harnesses', facts: seen, findings },
  };
}

function isMain({ stream, snapshot }: DiscoveredStream): boolean {
  return stream.name === '' && snapshot.size > 0;
}

function countOf(sessions: readonly DiscoveredStream[], harness: string): number {
  let count = 0;
  for (const { stream } of sessions) count += Number(stream.session.harness === harness);
  return count;
}

function oneOfEach(discovered: readonly DiscoveredStream[]): readonly DiscoveredStream[] {
  const sessions = new Map<string, DiscoveredStream>();
  for (const found of discovered) {
    const key = sessionKeyOf(found.stream.session);
    if (isMain(found) || (found.snapshot.size > 0 && !sessions.has(key))) sessions.set(key, found);
  }
  return [...sessions.values()];
}

function judgeUnread({ message, hint }: SourceError): Finding {
  const finding = unreadableSource(message, hint);
  return /has left nothing| is gone: /.test(message)
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
const weekMs = 7 * 86_400_000;

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
  const gone = new Set(removed.map((one) => sessionKeyOf({ ...one, id: one.session_id })));
  const isKept = ({ stream }: DiscoveredStream): boolean =>
    gone.size === 0 || !gone.has(sessionKeyOf(stream.session));
  const sessions = found.sessions.filter(isKept);
  const older = found.older.filter(isKept);
  const harnesses = found.roots.map(({ watcher }) => watcher.harness);
  const ids = await listSessionIds(bucket, layout, [...new Set(harnesses)]);
  const isQuiet = ({ snapshot: { modifiedAtMs } }: DiscoveredStream): boolean =>
    Math.abs(nowMs - modifiedAtMs) > graceMs;
  const isThere = ({ stream: { session } }: DiscoveredStream): boolean =>
    ids.get(session.harness)?.has(session.id) === true;
  const missing = sessions.filter((one) => isQuiet(one) && !isThere(one));
  const comparable = sessions.filter((one) => isQuiet(one) && isThere(one));
  const keys = new Set(comparable.map(({ stream }) => sessionKeyOf(stream.session)));
  const streams = found.streams.filter(({ stream }) => keys.has(sessionKeyOf(stream.session)));
  const compared = await compareNewest(streams, { bucket, layout, folder, io, clock });
  const endangered = await findEndangered(found.roots, [sessions, older], isThere, nowMs);
  const holder = await runningWatch(join(folder, 'watch.lock'));
  const findings = [
    ...judgeMissing(missing, nowMs),
    ...judgeCompared(compared),
    ...judgeEndangered(endangered),
  ];
  const isActive = live > 0 || sessions.some((one) => nowMs - one.snapshot.modifiedAtMs < recentMs);
  if (holder === undefined && isActive) findings.push(notWatching);
  const inBucket = sessions.filter(isThere).length;
  const watching =
    holder === undefined
      ? 'no watch is running'
      : `watch runs: pid ${holder.pid}, since ${holder.since}`;
  return {
    check: 'mirror',
    facts: [
      `${inBucket} of ${sessions.length} sessions ${isOrAre(inBucket)} in the bucket`,
      ...leftUncompared(comparable.length),
      ...leftAlone(taken),
      ...safeFacts(endangered),
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
    ...(leftElsewhere === 0
      ? []
      : [`${leftElsewhere} of other folders ${isOrAre(leftElsewhere)} left alone`]),
    ...(count === 0 ? [] : [`${count} that did not change lately ${isOrAre(count)} left alone`]),
  ];
}

function isOrAre(count: number): string {
  return count === 1 ? 'is' : 'are';
}

function judgeMissing(missing: readonly DiscoveredStream[], nowMs: number): Finding[] {
  if (missing.length === 0) return [];
  const changedAt = ({ snapshot }: DiscoveredStream): number => snapshot.modifiedAtMs;
  const oldestMs = missing.reduce((oldest, one) => Math.min(oldest, changedAt(one)), nowMs);
  const recent = missing.filter((one) => nowMs - one.snapshot.modifiedAtMs < weekMs).length;
  const since = new Date(oldestMs).toISOString().slice(0, 10);
  return [
    {
      name: 'sessions-not-mirrored',
      severity: 'warning',
      message: `${missing.length} ${missing.length === 1 ? 'session is' : 'sessions are'} not in the bucket, ${recent} of them from the last 7 days, the oldest last changed on ${since}.`,
      fix: 'tracecraft watch --once --all',
    },
  ];
}
