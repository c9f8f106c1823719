import { hexDigits, isIn } from '../alphabet.js';
import type { Trigger } from '../detector.js';
import { type ScanContext, weights } from '../scan-context.js';
import { commonWords } from './encoded.js';

/**
 * Text written as a list of its bytes: `50 41 53 53`, `50:41:53:53`, `0x50, 0x41`, `80, 65, 83`. Found by words that
 * accompany secrets; the whole list is redacted if its content is secret.
 */
export function listedBytesTriggers(): readonly Trigger[] {
  return commonWords.flatMap((word) => forms.map((form) => triggerOf(word, form)));
}

interface Form {
  /** Between two bytes. */
  readonly separator: string;
  readonly base: 10 | 16;
}

const forms: readonly Form[] = [
  { separator: ' ', base: 16 },
  { separator: ':', base: 16 },
  { separator: '-', base: 16 },
  { separator: ', 0x', base: 16 },
  { separator: ',0x', base: 16 },
  { separator: ' 0x', base: 16 },
  { separator: ', ', base: 10 },
  { separator: ',', base: 10 },
  { separator: ' ', base: 10 },
];
const longestList = 16 * 1024;
const leastBytes = 12;

function triggerOf(word: string, form: Form): Trigger {
  const numbers = [...Buffer.from(word)].map((byte) => byte.toString(form.base));
  return {
    literal: numbers.join(form.separator),
    fold: true,
    detector: {
      isWorthwhile: () => true,
      detect: (context, at) => detect(context, at, form),
    },
  };
}

function detect(context: ScanContext, at: number, form: Form): void {
  if (at < (context.searchedTo.get(form) ?? 0)) return;
  const { bytes } = context;
  let start = at;
  for (let before = numberBefore(bytes, start, form); before !== undefined; ) {
    start = before;
    before = at - start > longestList ? undefined : numberBefore(bytes, start, form);
  }
  const values: number[] = [];
  let end = start;
  for (let next = numberAt(bytes, start, form); next !== undefined; ) {
    values.push(next.value);
    end = next.end;
    const isOver = end - start > longestList || !isTextAt(bytes, end, form.separator);
    next = isOver ? undefined : numberAt(bytes, end + form.separator.length, form);
  }
  context.searchedTo.set(form, end);
  context.charge(8 + (values.length >> 2));
  if (values.length < leastBytes || values.some((value) => value > 0xff)) return;
  if (context.holdsSecret(Buffer.from(values))) {
    context.add(start, end, 'encoded-secret', weights.context);
  }
}

function isTextAt(bytes: Buffer, at: number, text: string): boolean {
  return bytes.toString('latin1', at, at + text.length).toLowerCase() === text;
}

/** Where the number before the separator before `at` begins. */
function numberBefore(bytes: Buffer, at: number, { separator, base }: Form): number | undefined {
  const end = at - separator.length;
  if (end <= 0 || !isTextAt(bytes, end, separator)) return undefined;
  const most = base === 16 ? 2 : 3;
  let start = end;
  while (end - start < most && isDigit(bytes[start - 1], base)) start -= 1;
  const isWhole = base === 16 ? end - start === 2 : end > start;
  return isWhole ? start : undefined;
}

function numberAt(
  bytes: Buffer,
  start: number,
  { base }: Form,
): { readonly value: number; readonly end: number } | undefined {
  const most = base === 16 ? 2 : 3;
  let end = start;
  while (end - start < most && isDigit(bytes[end], base)) end += 1;
  if (end === start || (base === 16 && end - start < 2)) return undefined;
  return { value: Number.parseInt(bytes.toString('latin1', start, end), base), end };
}

function isDigit(byte: number | undefined, base: 10 | 16): boolean {
  if (byte === undefined) return false;
  return base === 16 ? isIn(hexDigits, byte) : byte >= 0x30 && byte <= 0x39;
}
