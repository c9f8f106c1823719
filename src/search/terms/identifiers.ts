import { classOf, fold, signs } from '../signs.js';
import { beginsSubWord } from '../sub-words.js';

/** A letter, digit or mark of an identifier. */
export interface Letter {
  /** Folded. */
  readonly sign: string;
  readonly beginsSubWord: boolean;
  readonly isIdeograph: boolean;
}

/** Letters with nothing but `_` and `-` between them. */
export interface Identifier {
  readonly letters: readonly Letter[];
  /** The text begins with its first letter. */
  readonly isFirst: boolean;
  /** The text ends with it. */
  readonly isLast: boolean;
}

export function identifiersIn(text: string): readonly Identifier[] {
  const found: Identifier[] = [];
  let letters: Letter[] = [];
  let start = 0;
  const close = (end: number): void => {
    if (letters.length > 0)
      found.push({ letters, isFirst: start === 0, isLast: end === text.length });
    letters = [];
  };
  let at = 0;
  for (const sign of text) {
    const kind = classOf(sign.codePointAt(0) ?? 0);
    if ((kind & signs.letter) !== 0) {
      if (letters.length === 0) start = at;
      letters.push({
        sign: fold(sign),
        beginsSubWord: beginsSubWord(text, at),
        isIdeograph: (kind & signs.ideograph) !== 0,
      });
    } else if (sign !== '_' && sign !== '-') close(at);
    at += sign.length;
  }
  close(at);
  return found;
}
