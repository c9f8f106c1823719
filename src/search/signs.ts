/** What search needs to know about a character. */
export const signs = { letter: 1, upper: 2, lower: 4, digit: 8, ideograph: 16 } as const;

const known = 128;
const classes = new Uint8Array(0x1_0000);

/** The `signs` that apply to a code point, joined by "or". Lone surrogates have none. */
export function classOf(code: number): number {
  if (code > 0xffff) return classify(code);
  const cached = classes[code] ?? 0;
  if (cached !== 0) return cached & ~known;
  const found = classify(code);
  classes[code] = found | known;
  return found;
}

function classify(code: number): number {
  return code < 0x80 ? classifyAscii(code) : classifyOther(String.fromCodePoint(code));
}

/** The same, without the expressions, which take some milliseconds to compile. */
function classifyAscii(code: number): number {
  if (code >= 0x61 && code <= 0x7a) return signs.letter | signs.lower;
  if (code >= 0x41 && code <= 0x5a) return signs.letter | signs.upper;
  return code >= 0x30 && code <= 0x39 ? signs.letter | signs.digit : 0;
}

function classifyOther(sign: string): number {
  let found = 0;
  if (/[\p{L}\p{N}\p{M}]/u.test(sign)) found |= signs.letter;
  if (/\p{Lu}/u.test(sign)) found |= signs.upper;
  if (/\p{Ll}/u.test(sign)) found |= signs.lower;
  if (/\p{N}/u.test(sign)) found |= signs.digit;
  if (scriptsWithoutSpaces.test(sign)) found |= signs.ideograph;
  return found;
}

const scriptsWithoutSpaces =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;

/**
 * A character's form that is the same for all which a case-insensitive expression takes for it. Of
 * single characters, so that texts which begin alike have forms that begin alike.
 */
export function fold(sign: string): string {
  const known = folded.get(sign);
  if (known !== undefined) return known;
  const made = sign.toLowerCase().toUpperCase().toLowerCase();
  folded.set(sign, made);
  return made;
}

/** There are no more characters than these. */
const folded = new Map<string, string>();
