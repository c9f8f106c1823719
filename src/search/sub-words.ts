import { classOf, signs } from './signs.js';

/**
 * Where a sub-word begins: `checkout` is one in `reCheckout`, in `checkout_total` and in
 * `src/checkout.ts`. Digits belong to the letters around them; in scripts without spaces each
 * character is a word of its own.
 */
export function beginsSubWord(text: string, at: number): boolean {
  const [before, here] = [classBefore(text, at), classAt(text, at)];
  if ((before & signs.letter) === 0 || (here & signs.letter) === 0) return true;
  if (((here | before) & signs.ideograph) !== 0) return true;
  if ((here & signs.upper) === 0) return false;
  if ((before & (signs.lower | signs.digit)) !== 0) return true;
  return (classAt(text, at + lengthAt(text, at)) & signs.lower) !== 0;
}

export function endsSubWord(text: string, end: number): boolean {
  return end >= text.length || beginsSubWord(text, end);
}

/** The sub-words of an identifier, in order. */
export function subWordsOf(word: string): readonly string[] {
  const found: string[] = [];
  let from = 0;
  for (let at = 0; at <= word.length; at += Math.max(1, lengthAt(word, at))) {
    const isEnd = at === word.length;
    if (!isEnd && (at === 0 || !beginsSubWord(word, at))) continue;
    const piece = withoutEdges(word.slice(from, at));
    if (piece !== '') found.push(piece);
    from = at;
  }
  return found;
}

/** From its first letter to its last. */
function withoutEdges(text: string): string {
  let [from, to] = [-1, 0];
  for (let at = 0; at < text.length; at += lengthAt(text, at)) {
    if ((classAt(text, at) & signs.letter) === 0) continue;
    if (from === -1) from = at;
    to = at + lengthAt(text, at);
  }
  return from === -1 ? '' : text.slice(from, to);
}

/** 0 beyond the end. */
function lengthAt(text: string, at: number): number {
  const code = text.codePointAt(at);
  if (code === undefined) return 0;
  return code > 0xffff ? 2 : 1;
}

function classAt(text: string, at: number): number {
  const code = text.codePointAt(at);
  return code === undefined ? 0 : classOf(code);
}

function classBefore(text: string, at: number): number {
  if (at <= 0) return 0;
  const last = text.charCodeAt(at - 1);
  const isPair =
    at > 1 && (last & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 2) & 0xfc00) === 0xd800;
  return isPair ? classAt(text, at - 2) : classOf(last);
}

/** Nothing but sub-words, more than one, joined by at most `_` or `-`. */
export function isIdentifier(word: string): boolean {
  return subWordsOf(word).length > 1 && [...word].every(isLetterOrJoint);
}

function isLetterOrJoint(sign: string): boolean {
  return sign === '_' || sign === '-' || (classAt(sign, 0) & signs.letter) !== 0;
}
