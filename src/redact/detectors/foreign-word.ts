import { alphabet, isIn } from '../alphabet.js';
import { readAndJudge } from '../assignments/finding.js';
import { foreignKeyWords, foreignPasswordWords } from '../assignments/foreign-words.js';
import { gapAfter } from '../assignments/gap.js';
import type { NameSense } from '../assignments/name-sense.js';
import type { Detector, Trigger } from '../detector.js';
import type { ScanContext } from '../scan-context.js';

/** Finds passwords and keys after the words for them in other languages. */
export function foreignWordTriggers(): readonly Trigger[] {
  return [
    ...foreignPasswordWords.map((word) => triggerOf(word, 'password')),
    ...foreignKeyWords.map((word) => triggerOf(word, 'key')),
  ];
}

function triggerOf(word: string, kind: 'password' | 'key'): Trigger {
  const bytes = Buffer.from(word, 'utf8').toString('latin1');
  const literal = bytes.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return { literal, fold: true, detector: new WordDetector(literal, kind) };
}

function senseOf(kind: 'password' | 'key'): NameSense {
  return {
    secretName: { kind, isVague: false, isConstant: false, words: [kind] },
    named: [],
    mayBeBasic: false,
  };
}
const longestEnding = 12;
/** Turkish states a password by naming its owner: `veritabanı şifresi …`. */
const possessive = /^(?:\xc5[\x9e\x9f]ifre(?:si|m|miz|niz)|parola(?:s\xc4\xb1|m\xc4\xb1z))$/;
const firstBeyondLatin = 0xce;
const lowerCase = alphabet('a-z');

/** Words of other languages, with or without suffixes: each is a name by itself. */
class WordDetector implements Detector {
  readonly #length: number;
  readonly #sense: NameSense;

  constructor(literal: string, kind: 'password' | 'key') {
    this.#length = literal.length;
    this.#sense = senseOf(kind);
  }

  isWorthwhile(bytes: Buffer, at: number): boolean {
    return this.#endOf(bytes, at) !== undefined;
  }

  detect(context: ScanContext, at: number): void {
    const { bytes } = context;
    const end = this.#endOf(bytes, at);
    if (end === undefined || !context.isFirstVisit(end)) return;
    context.charge(2);
    const gap = gapAfter(bytes, at, end);
    if (gap === undefined) return;
    const isStated = gap.tie === 'placed' && this.#isStatement(context, at, end, gap.valueAt);
    readAndJudge(context, end, isStated ? { ...gap, tie: 'stated' } : gap, this.#sense);
  }

  /** In other scripts, a word of ASCII letters right after the word for a password is no prose. */
  #isStatement({ bytes }: ScanContext, start: number, end: number, valueAt: number): boolean {
    if (this.#sense.secretName?.kind !== 'password' || !isIn(lowerCase, bytes[valueAt]))
      return false;
    if ((bytes[start] ?? 0) >= firstBeyondLatin) return true;
    return possessive.test(bytes.toString('latin1', start, end));
  }

  /** The end of the word, including its suffix if only that is followed by a value. */
  #endOf(bytes: Buffer, at: number): number | undefined {
    const end = at + this.#length;
    if (gapAfter(bytes, at, end) !== undefined) return end;
    const ending = /^(?:[a-z]|[\xc3\xc4\xc5\xce\xcf\xd0\xd1][\x80-\xbf]){1,6}/.exec(
      bytes.toString('latin1', end, end + longestEnding),
    );
    if (ending === null) return undefined;
    const declined = end + ending[0].length;
    return gapAfter(bytes, at, declined) === undefined ? undefined : declined;
  }
}
