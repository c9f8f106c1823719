import type { CallEntry } from '../conversation/conversation.js';
import { fields, list, word } from '../conversation/fields.js';
import { hasFailed } from '../conversation/results.js';
import { isWrite } from './facts.js';
import { type Clean, cutText, quoted } from './text.js';

const most = { changeBytes: 700, lines: 8, outputBytes: 700 };

/**
 * What a call changed, or the end of what it printed, quoted: for the last calls of a session, from which one sees where
 * the work stands.
 */
export function callDetails(entry: CallEntry, clean: Clean): string | undefined {
  if (isWrite(entry)) return block(changeOf(entry, clean), most.changeBytes);
  const { result } = entry;
  if (result === undefined) return undefined;
  if (entry.command === undefined && !hasFailed(result)) return undefined;
  return block(ends(clean(result.text)), most.outputBytes);
}

function block(text: string, bytes: number): string | undefined {
  return text.trim() === '' ? undefined : quoted(cutText(text, bytes));
}

/** The diff that the harness kept, else what was replaced by what, else the beginning of what was written. */
function changeOf({ input, result }: CallEntry, clean: Clean): string {
  if (result?.diff !== undefined) return clean(result.diff);
  if (typeof input === 'string') return clean(input);
  const row = fields(input);
  const parts = [row, ...list(row.edits).map(fields)].flatMap((edit) => [
    ...marked('-', word(edit.old_string) ?? word(edit.oldText) ?? word(edit.old_str), clean),
    ...marked('+', word(edit.new_string) ?? word(edit.newText) ?? word(edit.new_str), clean),
  ]);
  if (parts.length > 0) return parts.join('\n');
  const written = row.content ?? row.patch ?? row.input ?? row.file_text;
  return clean(word(written) ?? '');
}

/** Each side gets its half, so that a long one does not hide the other. */
function marked(mark: '+' | '-', text: string | undefined, clean: Clean): readonly string[] {
  if (text === undefined || text === '') return [];
  return cutText(clean(text), most.changeBytes / 2 - 40)
    .split('\n')
    .map((line) => `${mark} ${line}`);
}

/** The last lines, behind the first one if that is not among them. */
function ends(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length <= most.lines) return lines.map(short).join('\n');
  const last = lines.slice(1 - most.lines).map(short);
  return [short(lines[0] ?? ''), '…', ...last].join('\n');
}

function short(line: string): string {
  return cutText(line, most.outputBytes / most.lines);
}
