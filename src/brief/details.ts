import type { CallEntry } from '../conversation/conversation.js';
import { fields, list, word } from '../conversation/fields.js';
import { hasFailed } from '../conversation/results.js';
import { isWrite } from './facts.js';
import { type Clean, cutText, quoted } from './text.js';

/** How much is told of one call. */
export interface DetailRoom {
  readonly bytes: number;
  readonly lines: number;
}

/**
 * What a call changed, or the end of what it printed, quoted: above all of the last calls of a session, from which one
 * sees where the work stands.
 */
export function callDetails(entry: CallEntry, clean: Clean, room: DetailRoom): string | undefined {
  if (isWrite(entry)) return block(changeOf(entry, clean, room), room.bytes);
  const { result } = entry;
  if (result === undefined) return undefined;
  if (entry.command === undefined && !hasFailed(result)) return undefined;
  return block(ends(clean(result.text), room), room.bytes);
}

function block(text: string, bytes: number): string | undefined {
  return text.trim() === '' ? undefined : quoted(cutText(text, bytes));
}

/** The diff that the harness kept, else what was replaced by what, else the beginning of what was written. */
function changeOf({ input, result }: CallEntry, clean: Clean, { bytes }: DetailRoom): string {
  const half = bytes / 2 - 40;
  if (result?.diff !== undefined) return clean(result.diff);
  if (typeof input === 'string') return clean(input);
  const row = fields(input);
  const parts = [row, ...list(row.edits).map(fields)].flatMap((edit) => [
    ...marked('-', word(edit.old_string) ?? word(edit.oldText) ?? word(edit.old_str), half, clean),
    ...marked('+', word(edit.new_string) ?? word(edit.newText) ?? word(edit.new_str), half, clean),
  ]);
  if (parts.length > 0) return parts.join('\n');
  const written = row.content ?? row.patch ?? row.input ?? row.file_text;
  return clean(word(written) ?? '');
}

/** Each side gets its half, so that a long one does not hide the other. */
function marked(
  mark: '+' | '-',
  text: string | undefined,
  bytes: number,
  clean: Clean,
): readonly string[] {
  if (text === undefined || text === '') return [];
  return cutText(clean(text), bytes)
    .split('\n')
    .map((line) => `${mark} ${line}`);
}

/** The last lines, behind the first one if that is not among them. */
function ends(text: string, { bytes, lines: most }: DetailRoom): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const short = (line: string): string => cutText(line, bytes / most);
  if (lines.length <= most) return lines.map(short).join('\n');
  return [short(lines[0] ?? ''), '…', ...lines.slice(1 - most).map(short)].join('\n');
}
