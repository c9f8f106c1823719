import type { Place } from './place.js';
import type { PromptPiece, Tell, TitleTell } from './row.js';

/** In UTF-16 code units: keeps `meta.json` small whatever a transcript contains. */
const longestTitle = 500;

/** Control characters, lone surrogates, and marks that reverse the direction of text. */
const unprintable = /[\p{Cc}\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;
/** Nearly every prompt is made of these alone. */
const plain = /^[\u0020-\u007e]*$/;
/** Single blanks are most of them, and stay as they are. */
const blanks = /\s{2,}|[^\S ]/gu;
/** Placeholders of pasted pictures. */
const pasted = /^(?:\[Image\b[^\]]*\]\s*)+/;
const caveat = /^Caveat: The messages below/;

/** A title on one line, truncated if too long; '' if nothing printable is left. */
export function titleText(said: string): string {
  const start = said.slice(0, longestTitle * 8);
  const printable = plain.test(start) ? start : start.replace(unprintable, ' ');
  const line = printable.replace(blanks, ' ').trim();
  if (line.length <= longestTitle) return line;
  return line
    .slice(0, longestTitle - 1)
    .replace(/\p{Cs}$/u, '')
    .concat('…');
}

/** The first characters of `titleText(said)`, for less work where they are few of many. */
export function titleStart(said: string, characters: number): string {
  if (said.length > characters * 2) {
    const start = titleText(said.slice(0, characters * 2));
    // What the cut may have changed is at the end.
    if (start.length > characters + 1) return start.slice(0, characters);
  }
  return titleText(said).slice(0, characters);
}

/** A prompt as a title; `undefined` if a person did not write it. */
export function promptTitle(prompt: Pick<PromptPiece, 'text' | 'images'>): string | undefined {
  return titleOfPrompt(titleText(prompt.text), prompt);
}

/** `promptTitle`, of a prompt whose `titleText` is known. */
export function titleOfPrompt(
  line: string,
  { text, images }: Pick<PromptPiece, 'text' | 'images'>,
): string | undefined {
  const words = line.replace(pasted, '');
  if (isTitle(words)) return words;
  return words === '' && (images > 0 || pasted.test(text)) ? '[image]' : undefined;
}

function isTitle(words: string): boolean {
  return words !== '' && !/^<[a-z!/]/i.test(words) && !caveat.test(words);
}

/**
 * Candidates for a conversation's title, collected one by one. The user's own name for it comes
 * first, then the harness's, the first own prompt, the first inherited one, a sub-agent's task, and
 * the first command.
 */
export interface TitleCandidates {
  readonly named?: string;
  readonly called?: string;
  readonly own?: string;
  readonly inherited?: string;
  readonly task?: string;
  readonly command?: string;
}

export function titleIn(candidates: TitleCandidates): string | undefined {
  const { named, called, own, inherited, task, command } = candidates;
  return named ?? called ?? own ?? inherited ?? task ?? command;
}

export function withName(
  candidates: TitleCandidates,
  { by, text }: Omit<TitleTell, 'kind'>,
): TitleCandidates {
  const title = titleText(text);
  if (!isTitle(title)) return candidates;
  return by === 'user' ? { ...candidates, named: title } : { ...candidates, called: title };
}

/** With the names found in rows and the one stored outside them. */
export function named(
  candidates: TitleCandidates,
  tells: readonly Tell[],
  { named: elsewhere }: Pick<Place, 'named'>,
): TitleCandidates {
  const names = tells.filter((tell) => tell.kind === 'title');
  const told = names.reduce(withName, candidates);
  return elsewhere === undefined ? told : withName(told, { by: 'user', text: elsewhere });
}

export function withPrompt(
  candidates: TitleCandidates,
  prompt: Pick<PromptPiece, 'text' | 'images' | 'origin'>,
  isInherited: boolean,
): TitleCandidates {
  const place = placeOf(prompt, isInherited);
  if (place === undefined || candidates[place] !== undefined) return candidates;
  const title = promptTitle(prompt);
  return title === undefined ? candidates : { ...candidates, [place]: title };
}

function placeOf(
  { origin }: Pick<PromptPiece, 'origin'>,
  isInherited: boolean,
): 'own' | 'inherited' | 'task' | undefined {
  if (origin === 'agent') return isInherited ? undefined : 'task';
  return isInherited ? 'inherited' : 'own';
}

export function withCommand(
  candidates: TitleCandidates,
  name: string,
  args: string,
): TitleCandidates {
  if (candidates.command !== undefined) return candidates;
  const command = titleText(`${name} ${args}`);
  return command === '' ? candidates : { ...candidates, command };
}
