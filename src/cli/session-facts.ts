import type { Resumable } from '../app/resumable.js';
import type { ConversationCounts } from '../conversation/counts.js';
import type { ListedSession } from '../mirror/slots/session-listing.js';
import type { MetaDocument } from '../protocol/documents.js';
import { countsText } from '../redact/counts.js';
import { formatBytes, formatCount, plural } from './format.js';

/** What there is none of is not listed. */
export function countRows({ own, inherited, ...counts }: ConversationCounts): string[][] {
  const row = ([name, value]: [string, unknown]): string[] => [
    name.replaceAll('_', ' '),
    Array.isArray(value) ? value.join(', ') : String(value),
  ];
  return [
    ...Object.entries(counts).map(row),
    ...Object.entries(own).map(row),
    ...Object.entries(inherited).map(([name, value]) => row([`inherited ${name}`, value])),
  ];
}

/** What is known about a session besides its conversation. */
export function factRows({ id, harness, meta }: ListedSession): string[][] {
  const head = [
    ['session', id],
    ['harness', harness],
  ];
  return meta === undefined ? [...head, ['meta', 'not written yet']] : [...head, ...metaRows(meta)];
}

export function resumeText(way: Resumable, id: string): string {
  const texts: Readonly<Record<Resumable, string>> = {
    here: 'here: its harness has it',
    restore: `not here: tracecraft session restore ${id}`,
    'as new': `only as a new session: tracecraft session restore ${id}`,
  };
  return texts[way];
}

function metaRows(meta: MetaDocument): string[][] {
  return [
    ['title', meta.title ?? '-'],
    ['cwd', meta.cwd ?? '-'],
    ['branch', meta.git_branch ?? '-'],
    ['model', meta.model ?? '-'],
    ['started', meta.started_at ?? '-'],
    ['uploaded', meta.last_uploaded_at ?? '-'],
    ['last row', meta.last_row_at ?? '-'],
    ['ended', meta.ended_at ?? '-'],
    ['source', `${meta.host ?? '?'}:${meta.source_path ?? '?'}`],
    ['lines', formatCount(meta.total_lines)],
    ['size', `${formatBytes(meta.total_uploaded_bytes)} in ${plural(meta.part_count, 'part')}`],
    ['generation', String(meta.generation)],
    ['redactions', countsText(meta.redaction_counts)],
    ...meta.streams.map((stream) => [
      'stream',
      `${stream.name}: ${formatCount(stream.total_lines)} lines, ${formatBytes(stream.total_uploaded_bytes)}`,
    ]),
    ...(meta.streams_omitted > 0 ? [['', `and ${meta.streams_omitted} more streams`]] : []),
  ];
}
