/**
 * Where a sub-word begins: `checkout` is one in `reCheckout`, in `checkout_total` and in
 * `src/checkout.ts`. Digits belong to the letters around them; in scripts without spaces each
 * character is a word of its own.
 */
const letter = /[\p{L}\p{N}\p{M}]/u;
const upper = /\p{Lu}/u;
const lower = /[\p{Ll}\p{N}]/u;
const ideograph =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;

export function beginsSubWord(text: string, at: number): boolean {
  const [before, here] = [signBefore(text, at), signAt(text, at)];
  if (before === '' || !letter.test(before) || !letter.test(here)) return true;
  if (ideograph.test(here) || ideograph.test(before)) return true;
  if (!upper.test(here)) return false;
  return lower.test(before) || /\p{Ll}/u.test(signAt(text, at + here.length));
}

export function endsSubWord(text: string, end: number): boolean {
  return end >= text.length || beginsSubWord(text, end);
}

/** The sub-words of an identifier, in order. */
export function subWordsOf(word: string): readonly string[] {
  const found: string[] = [];
  let from = 0;
  for (let at = 0; at <= word.length; at += Math.max(1, signAt(word, at).length)) {
    const isEnd = at === word.length;
    if (!isEnd && (at === 0 || !beginsSubWord(word, at))) continue;
    const piece = word.slice(from, at).replace(/^[^\p{L}\p{N}\p{M}]+|[^\p{L}\p{N}\p{M}]+$/gu, '');
    if (piece !== '') found.push(piece);
    from = at;
  }
  return found;
}

function signAt(text: string, at: number): string {
  const code = text.codePointAt(at);
  return code === undefined ? '' : String.fromCodePoint(code);
}

function signBefore(text: string, at: number): string {
  if (at <= 0) return '';
  const last = text.charCodeAt(at - 1);
  const isLow = last >= 0xdc00 && last <= 0xdfff;
  return isLow && at > 1 ? signAt(text, at - 2) : (text[at - 1] ?? '');
}

/** Nothing but sub-words, more than one, joined by at most `_` or `-`. */
export function isIdentifier(word: string): boolean {
  return subWordsOf(word).length > 1 && /^[\p{L}\p{N}\p{M}_-]+$/u.test(word);
}
