import type { Rest, WatchSummary } from '../mirror/watch/summary.js';
import { formatCount, plural } from './format.js';

const mostNamed = 3;

/** The sources whose last line waits for its newline: the first few by name. */
export function restLines(rests: readonly Rest[]): string[] {
  const named = rests.slice(0, mostNamed).map(({ source, bytes }) => {
    const wait = bytes === 1 ? 'waits' : 'wait';
    return `${source}: ${plural(bytes, 'byte')} after the last newline ${wait} for it`;
  });
  const more = rests.length - named.length;
  if (more === 0) return named;
  return [...named, `and ${plural(more, 'more file')} without a newline at the end: --json`];
}

/** `still behind: FILE: why`, or of several the first. */
export function behindText({ behind }: Pick<WatchSummary, 'behind'>): string {
  const [first] = behind;
  const what =
    behind.length === 1
      ? 'still behind:'
      : `${formatCount(behind.length)} streams are still behind, e.g.`;
  return `${what} ${first?.source}: ${first?.reason}`;
}
