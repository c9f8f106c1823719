/** The longest a fact may be, in UTF-16 code units: `meta.json` stays small whatever a transcript says about itself. */
export const longestFact = 500;

/** Control characters, lone surrogates, line separators, and marks that change text direction. */
const unprintable = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
const unprintables = new RegExp(`${unprintable.source}+`, 'gu');

/** A name or path is taken whole or not at all: shortened or cleaned, it would name something else. */
export function exactFact(text: string | undefined): string | undefined {
  const isUsable =
    text !== undefined && text !== '' && text.length <= longestFact && !unprintable.test(text);
  return isUsable ? text : undefined;
}

/** A title on one line, shortened if too long; '' if nothing of it is printable. */
export function titleFact(text: string): string {
  const printable = text.replace(unprintables, ' ').trim();
  if (printable.length <= longestFact) return printable;
  return printable
    .slice(0, longestFact - 1)
    .replace(/\p{Cs}$/u, '')
    .concat('…');
}

/** ISO 8601 UTC, from an ISO date and time; `undefined` for anything else. */
export function timeFact(text: string | undefined): string | undefined {
  if (text === undefined || text.length > 64) return undefined;
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text)) return undefined;
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
