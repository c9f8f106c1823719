import type { WatchOutput } from '../app/mirroring.js';
import { addCounts, type Counts } from '../redact/counts.js';
import { formatBytes, formatCount, formatDuration, plural } from './format.js';

/** What a run that mirrors everything once reports at its end. */
export interface Tally {
  readonly sessions: number;
  readonly lines: number;
  readonly bytes: number;
  readonly redactions: Counts;
}

export interface OnceOutput extends WatchOutput {
  tally(): Tally;
}

/**
 * For a run with a progress bar: on a terminal no line is printed for each part, and any other
 * output first clears the bar's line.
 */
export function onceOutput(
  output: WatchOutput,
  isTerminal: boolean,
  clear: () => void = clearLine,
): OnceOutput {
  const sessions = new Set<string>();
  let [lines, bytes, redactions]: [number, number, Counts] = [0, 0, {}];
  const say = <Said extends readonly unknown[]>(tell: (...said: Said) => void) => {
    return (...said: Said): void => {
      if (isTerminal) clear();
      tell(...said);
    };
  };
  return {
    ...output,
    taken: say(output.taken),
    generation: say(output.generation),
    trouble: say(output.trouble),
    well: say(output.well),
    compacted: say(output.compacted),
    note: say(output.note),
    part: (place, part) => {
      sessions.add(`${place.session.ref.harness}/${place.session.ref.id}`);
      lines += part.endLine - part.startLine;
      bytes += part.uploadedBytes;
      redactions = addCounts(redactions, part.redactions);
      if (!isTerminal) output.part(place, part);
    },
    tally: () => ({ sessions: sessions.size, lines, bytes, redactions }),
  };
}

function clearLine(): void {
  process.stderr.write('\r\u001b[2K');
}

/** `Sent 12 sessions: 1,204 lines, 3.4 MiB in 2s. Redacted: 2 aws-access-key.` */
export function tallyLine({ sessions, lines, bytes, redactions }: Tally, ms: number): string {
  if (lines === 0) return `Nothing new to send (${formatDuration(ms)}).`;
  const sent = `${plural(sessions, 'session')}: ${plural(lines, 'line')}, ${formatBytes(bytes)}`;
  const kinds = Object.entries(redactions).sort(([, left], [, right]) => right - left);
  const redacted = kinds.map(([kind, count]) => `${formatCount(count)} ${kind}`).join(', ');
  return `Sent ${sent} in ${formatDuration(ms)}. Redacted: ${redacted === '' ? 'nothing' : redacted}.`;
}
