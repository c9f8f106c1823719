import * as v from 'valibot';
import type { PromptPiece } from './row.js';
import { titleOfPrompt, titleStart, titleText } from './titles.js';

/** How many turns' first lines are kept: the end of a long session is read from there. */
export const mostStarts = 64;
const longestPrompt = 300;

export const tallySchema = v.object({
  turns: v.number(),
  prompts: v.number(),
  /** First lines of the last turns, ascending. */
  starts: v.array(v.number()),
  /** What a person said first, as a title, and the first thing an agent was told. */
  first: v.exactOptional(v.string()),
  task: v.exactOptional(v.string()),
  last: v.exactOptional(v.string()),
});

/** Turns in numbers; the size does not grow with the session. Plain JSON. */
export type Tally = Readonly<v.InferOutput<typeof tallySchema>>;

export const noTurns: Tally = { turns: 0, prompts: 0, starts: [] };

/** The part of a prompt that is remembered. */
export type Prompted = Pick<PromptPiece, 'text' | 'images' | 'origin'>;

export function withTurn(tally: Tally, line: number, prompt?: Prompted): Tally {
  return joinedTallies(tally, {
    turns: 1,
    prompts: prompt === undefined ? 0 : 1,
    starts: [line],
    ...(prompt === undefined ? {} : wordsOf(tally, prompt)),
  });
}

/** A title is made only where none is known yet: of a long session's prompts, only the first needs one. */
function wordsOf(before: Tally, prompt: Prompted): Pick<Tally, 'first' | 'task' | 'last'> {
  const last = titleStart(prompt.text, longestPrompt);
  const words = last === '' ? {} : { last };
  const place = prompt.origin === 'agent' ? 'task' : 'first';
  if (before[place] !== undefined) return words;
  const title = titleOfPrompt(titleText(prompt.text), prompt);
  return title === undefined ? words : { ...words, [place]: title };
}

/** Joins two consecutive tallies. */
export function joinedTallies(before: Tally, after: Tally): Tally {
  const first = before.first ?? after.first;
  const task = before.task ?? after.task;
  const last = after.last ?? before.last;
  const starts = [...before.starts, ...after.starts];
  if ((before.starts.at(-1) ?? 0) > (after.starts[0] ?? 0))
    starts.sort((left, right) => left - right);
  return {
    turns: before.turns + after.turns,
    prompts: before.prompts + after.prompts,
    starts: starts.slice(-mostStarts),
    ...(first === undefined ? {} : { first }),
    ...(task === undefined ? {} : { task }),
    ...(last === undefined ? {} : { last }),
  };
}

/** Distinguishes texts without storing them. */
export function printOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return `${text.length}:${(hash >>> 0).toString(36)}`;
}
