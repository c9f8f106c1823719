import { harnessTitles } from '../../watchers/names.js';
import type { WatchOutput } from '../app/mirroring.js';
import type { ShippedPart } from '../mirror/checkpoint.js';
import { nameOf } from '../mirror/checkpoint.js';
import type { SelectedSessions } from '../mirror/watch/session-filter.js';
import type { MirroredStream } from '../mirror/watch/stream-registry.js';
import { countsText } from '../redact/counts.js';
import { ShortIds } from '../sessions/reference.js';
import { compactionData, compactionLine } from './compaction-lines.js';
import { formatBytes, formatCount, plural } from './format.js';
import { noteLine, printJson, sayLine } from './output.js';

type StreamRef = Pick<MirroredStream, 'session' | 'name'>;

/** `claude-code/8b418ea5  uploaded part-00000-77ea1f78  source=12,138B  upload=12,138B  redactions=none`. */
function partLine(part: ShippedPart): string {
  const name = nameOf(part).replace(/\.jsonl$/, '');
  return [
    `uploaded ${name}`,
    `source=${formatCount(part.sourceBytes)}B`,
    `upload=${formatCount(part.uploadedBytes)}B`,
    `redactions=${countsText(part.redactions)}`,
  ].join('  ');
}

export function placeText({ session, name }: StreamRef, short: ShortIds): string {
  const { harness, id } = session.ref;
  return `${harness}/${short.of(id)}${name === '' ? '' : `/${name}`}`;
}

/** What is left out and why, with the flag that includes it; empty if nothing is. */
export function leftAloneLines({
  leftSessions,
  leftElsewhere,
}: Pick<SelectedSessions, 'leftSessions' | 'leftElsewhere'>): string[] {
  const leftOlder = leftSessions - leftElsewhere;
  return [
    ...(leftElsewhere === 0
      ? []
      : [`${areLeft(leftElsewhere, 'of other folders')} alone: --all-projects`]),
    ...(leftOlder === 0 ? [] : [`${areLeft(leftOlder, 'not changed lately')} alone: --all`]),
  ];
}

function areLeft(count: number, which: string): string {
  return `${plural(count, 'session')} ${which} ${count === 1 ? 'is' : 'are'} left`;
}

export function takenLines(taken: SelectedSessions, where: string): string[] {
  const none =
    taken.sessions + taken.leftSessions + (taken.removedSessions ?? 0) > 0
      ? []
      : [`No sessions yet. Looked for ${harnessTitles()} in their usual folders.`];
  return [
    `Mirroring ${plural(taken.sessions, 'session')} in ${plural(taken.streams, 'stream')} (${formatBytes(taken.bytes)}) to ${where}.`,
    ...removedLine(taken),
    ...leftAloneLines(taken),
    ...none,
  ];
}

function removedLine({ removedSessions = 0 }: SelectedSessions): string[] {
  if (removedSessions === 0) return [];
  const stay = removedSessions === 1 ? 'stays' : 'stay';
  return [
    `${plural(removedSessions, 'session')} removed from the bucket ${stay} out: session remove --undo`,
  ];
}

/** Lines for people and logs. */
export function textOutput(options: {
  readonly isQuiet: boolean;
  readonly named: boolean;
}): WatchOutput {
  const print = (line: string): void => {
    if (!options.isQuiet) sayLine(line);
  };
  const short = new ShortIds();
  return {
    taken: (taken, where) => {
      short.add(taken.ids);
      for (const line of takenLines(taken, where)) print(line);
    },
    sessions: () => undefined,
    part: (place, part) =>
      print(options.named ? `${placeText(place, short)}  ${partLine(part)}` : partLine(part)),
    generation: (place, checkpoint, reason) =>
      print(
        `${placeText(place, short)}  generation ${checkpoint.generation} (${reason}): the source was ${reason}; what was shipped before stays`,
      ),
    trouble: (error, hint) =>
      noteLine(`Warning: ${error.message}${hint === undefined ? '' : `. ${hint}`}`),
    compacted: (one) => print(compactionLine(one)),
    well: () => print('The store answers again.'),
    note: print,
    close: () => undefined,
  };
}

/** One JSON object per line. */
export function jsonOutput(): WatchOutput {
  const event = (type: string, data: object): void => {
    printJson({ schema_version: 1, type, at: new Date().toISOString(), ...data });
  };
  const place = ({ session, name }: StreamRef) => ({
    harness: session.ref.harness,
    session_id: session.ref.id,
    stream: name,
  });
  return {
    taken: ({ sessions, streams, bytes, leftSessions, leftBytes, leftElsewhere }, where) =>
      event('taken', {
        sessions,
        streams,
        bytes,
        left_sessions: leftSessions,
        left_bytes: leftBytes,
        left_elsewhere: leftElsewhere,
        where,
      }),
    sessions: (count) => event('sessions', { count }),
    part: (where, part) =>
      event('part', {
        ...place(where),
        part: nameOf(part),
        generation: part.generation,
        lines: part.endLine - part.startLine,
        source_bytes: part.sourceBytes,
        uploaded_bytes: part.uploadedBytes,
        redactions: part.redactions,
      }),
    generation: (where, checkpoint, reason) =>
      event('generation', { ...place(where), generation: checkpoint.generation, reason }),
    trouble: (error, hint) => event('trouble', { message: error.message, hint: hint ?? null }),
    compacted: (one) => event('compacted', compactionData(one)),
    well: () => event('well', {}),
    note: (line) => event('note', { message: line }),
    close: () => undefined,
  };
}

/** The same output, and how many parts it was told of. */
export function countingParts(output: WatchOutput): {
  readonly output: WatchOutput;
  readonly parts: () => number;
} {
  let parts = 0;
  const part: WatchOutput['part'] = (where, shipped) => {
    parts += 1;
    output.part(where, shipped);
  };
  return { output: { ...output, part }, parts: () => parts };
}
