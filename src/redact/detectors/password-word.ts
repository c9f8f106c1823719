import { readAndJudge } from '../assignments/finding.js';
import { foreignPasswordWords } from '../assignments/foreign-words.js';
import { gapAfter } from '../assignments/gap.js';
import type { NameSense } from '../assignments/name-sense.js';
import type { Detector, Trigger } from '../detector.js';
import type { ScanContext } from '../scan-context.js';

/** Finds passwords after the words for them in other languages. */
export function passwordWordTriggers(): readonly Trigger[] {
  return foreignPasswordWords.map((word) => {
    const literal = Buffer.from(word, 'utf8').toString('latin1');
    return { literal, fold: true, detector: new WordDetector(literal.length) };
  });
}

const password: NameSense = {
  secretName: { kind: 'password', isVague: false, isConstant: false, words: ['password'] },
  named: [],
  mayBeBasic: false,
};
const longestEnding = 12;

/** Words for passwords in other languages, with or without suffixes: each is a name by itself. */
class WordDetector implements Detector {
  readonly #length: number;

  constructor(length: number) {
    this.#length = length;
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
    if (gap !== undefined) readAndJudge(context, end, gap, password);
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
