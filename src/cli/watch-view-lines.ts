import type { WatchView } from '../mirror/watch/watch-view.js';
import { plural } from './format.js';
import { columns } from './output.js';
import { leftAloneLines } from './watch-output.js';

/** The lines of `status` about this machine's mirror. */
export function watchViewLines(view: WatchView | null): string[] {
  if (view === null) return ['', 'Watch: none has run here yet: tracecraft watch'];
  const rows = [['  state', stateText(view)]];
  if (view.behind_count > 0) rows.push(['  behind', behindText(view)]);
  for (const { message, since } of view.unreadable) {
    rows.push(['  unread', `${message} (since ${since})`]);
  }
  for (const line of leftAlone(view)) rows.push(['  scope', line]);
  return ['', 'Watch', ...columns(rows)];
}

function stateText({ running, pid, since, at, was_killed }: WatchView): string {
  if (running) return `runs: pid ${pid}, since ${since}`;
  if (was_killed) return `not running: pid ${pid} was killed; it was last heard of at ${at}`;
  return `not running; the last one ended at ${at}`;
}

function behindText({ behind_count, behind_since, behind: [first] }: WatchView): string {
  const example = first === undefined ? '' : `, e.g. ${first.source}: ${first.reason}`;
  return `${plural(behind_count, 'stream')} since ${behind_since}${example}`;
}

function leftAlone({ covered }: WatchView): string[] {
  if (covered === null) return [];
  const { left_alone, of_other_folders } = covered;
  return leftAloneLines({ leftSessions: left_alone, leftElsewhere: of_other_folders });
}
