import { sep } from 'node:path';
import { requireHarness } from '../../watchers/names.js';
import type { Watcher } from '../mirror/stream.js';
import type { DiscoveredStream } from '../mirror/watch/session-filter.js';
import type { Finding } from './finding.js';

/** A folder in which a harness keeps its sessions. */
export interface SessionsRoot {
  readonly watcher: Watcher;
  readonly folder: string;
}

interface Endangered {
  readonly root: SessionsRoot;
  readonly days: number;
  /** What its user changes that with. */
  readonly setting: string;
  /** How many of those that are deleted soon are not in the bucket, and how many are. */
  readonly lost: number;
  readonly safe: number;
  readonly firstSafe: string | undefined;
}

const dayMs = 86_400_000;
const warnDays = 7;

/**
 * Some harnesses delete transcripts that have not been used for a while; whatever is not in the
 * bucket by then is lost.
 */
export async function findEndangered(
  roots: readonly SessionsRoot[],
  sessions: readonly (readonly DiscoveredStream[])[],
  isThere: (one: DiscoveredStream) => boolean,
  nowMs: number,
): Promise<readonly Endangered[]> {
  const endangered: Endangered[] = [];
  for (const root of roots) {
    const retention = await root.watcher.retention?.(root.folder);
    if (retention === undefined) continue;
    const beforeMs = nowMs - (retention.days - warnDays) * dayMs;
    endangered.push({ root, ...retention, ...countOf(root, sessions, isThere, beforeMs) });
  }
  return endangered;
}

/** In one pass without copies: there may be a hundred thousand. */
function countOf(
  { watcher: { harness }, folder }: SessionsRoot,
  sessions: readonly (readonly DiscoveredStream[])[],
  isThere: (one: DiscoveredStream) => boolean,
  beforeMs: number,
): Pick<Endangered, 'lost' | 'safe' | 'firstSafe'> {
  let [lost, safe] = [0, 0];
  let firstSafe: string | undefined;
  for (const some of sessions) {
    for (const one of some) {
      const { session, source } = one.stream;
      const isDue = one.snapshot.modifiedAtMs < beforeMs && session.harness === harness;
      if (!isDue || !source.startsWith(folder + sep)) continue;
      if (isThere(one)) {
        safe += 1;
        firstSafe ??= session.id;
      } else lost += 1;
    }
  }
  return { lost, safe, firstSafe };
}

export function judgeEndangered(endangered: readonly Endangered[]): Finding[] {
  return endangered
    .filter(({ lost }) => lost > 0)
    .map(({ root: { watcher, folder }, days, setting, lost }) => ({
      name: 'cleanup-soon',
      severity: 'warning',
      message: `${requireHarness(watcher.harness).title} deletes transcripts that were not used for ${days} days (${setting}): ${lost} in ${folder} will be gone within ${warnDays} days, and are not in the bucket.`,
      fix: 'tracecraft watch --once --all',
    }));
}

/** What a harness deletes soon, and `session restore` brings back. */
export function safeFacts(endangered: readonly Endangered[]): readonly string[] {
  return endangered.flatMap(({ root: { watcher }, safe, firstSafe }) => {
    if (firstSafe === undefined) return [];
    const which = safe === 1 ? 'session that' : 'sessions that';
    const more = safe === 1 ? '' : ' …';
    return [
      `${safe} ${which} ${watcher.harness} deletes within ${warnDays} days: safe, restore with tracecraft session restore ${firstSafe}${more}`,
    ];
  });
}
