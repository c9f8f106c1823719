import type { RestoredHere } from '../app/restoring.js';
import type { ListedSession } from '../mirror/slots/session-listing.js';
import { countsText } from '../redact/counts.js';
import { plural } from './format.js';
import { shellLine } from './shell-words.js';

/** What was done, and to which files. */
export function restoredLines(
  session: ListedSession,
  restored: RestoredHere,
  isDryRun: boolean,
): readonly string[] {
  const { harness, id } = session;
  const name = `${harness}/${id}`;
  const copy = restored.mode === 'as-new' ? ` as ${restored.id}` : '';
  const lines = plural(restored.lines, 'line');
  const place = restored.files.at(-1)?.path ?? '';
  const would = isDryRun ? 'Would restore' : 'Restored';
  const first = {
    restored: `${would} ${name}${copy}: ${lines}`,
    'caught-up': `${isDryRun ? 'Would bring' : 'Brought'} ${name} up to date: ${lines}`,
    'already-here': `${name} is already here${copy}: ${lines}`,
  }[restored.state];
  return [first, `  ${place}`];
}

/** What the user has to know before resuming it. */
export function restoreNotes(
  { meta }: ListedSession,
  restored: RestoredHere,
  folderThere: string | undefined,
): readonly string[] {
  const { plan, continued, redactions, isSignedTextRedacted, mode } = restored;
  const author = [meta?.agent_id, meta?.host].filter((one) => one !== null && one !== undefined);
  const count = [...redactions.values()].reduce((sum, one) => sum + one, 0);
  const notes = [
    ...(author.length === 0 ? [] : [`Written by ${author.join(' on ')}, as the bucket says.`]),
    ...(continued.length === 0 ? [] : [`With what it continues: ${continued.join(', ')}.`]),
    ...(plan.leftOut.length === 0 ? [] : [leftOutText(plan.leftOut)]),
    ...(count === 0 ? [] : [redactedText(count, redactions)]),
    ...(isSignedTextRedacted ? [signedText] : []),
    ...(folderThere === undefined
      ? []
      : [`It was started in ${folderThere}: --cwd resumes it there.`]),
    ...plan.notes,
  ];
  return mode === 'as-new' ? [...notes, copyText] : notes;
}

const copyText =
  'It is a copy: recorded system prompts, tools and permissions were left out. What was said is unchanged: read it before you resume what somebody else wrote.';
const signedText =
  'A secret was in text that the model signed or encrypted; if its maker refuses it, use "tracecraft session brief".';

function leftOutText(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return `Left in the bucket: ${plural(names.length, 'stream')} (${shown}${names.length > 3 ? ', …' : ''}).`;
}

function redactedText(count: number, kinds: ReadonlyMap<string, number>): string {
  const places = count === 1 ? 'place is' : 'places are';
  return `${count} ${places} redacted: ${countsText(Object.fromEntries(kinds))}.`;
}

/** The commands that resume it, for a shell in `here`. */
export function resumeLines(restored: RestoredHere, here: string): readonly string[] {
  const { plan, cwd, env } = restored;
  const go = cwd === here ? '' : `${shellLine(['cd', cwd])} && `;
  return plan.commands.map((words) => `  ${go}${shellLine(words, env)}`);
}
