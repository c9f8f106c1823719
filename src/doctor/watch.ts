import type { WatchView } from '../mirror/watch/watch-view.js';
import type { Examined, Finding } from './finding.js';

/** What this machine's watch recorded about itself; needs no store. */
export function examineWatch(view: WatchView | null): Examined {
  const check = 'watch';
  if (view === null) return { check, facts: ['none has run here yet'], findings: [] };
  const { running, pid, since, at, was_killed } = view;
  const ended = was_killed ? `pid ${pid} was killed; last heard of at ${at}` : `ended at ${at}`;
  const fact = running ? `runs: pid ${pid}, since ${since}` : `not running: ${ended}`;
  return { check, facts: [fact], findings: judgeBehind(view) };
}

/**
 * What a watch that has ended left behind is found by scanning; a running one reports what it
 * cannot send.
 */
function judgeBehind({ running, behind_count, behind_since, behind }: WatchView): Finding[] {
  const [first] = behind;
  if (!running || first === undefined) return [];
  const which = `${behind_count} ${behind_count === 1 ? 'stream' : 'streams'}`;
  return [
    {
      name: 'watch-behind',
      severity: 'warning',
      message: `The running watch could not send ${which} since ${behind_since}, e.g. ${first.source}: ${first.reason}.`,
      fix: 'It keeps trying; remove the cause.',
    },
  ];
}
