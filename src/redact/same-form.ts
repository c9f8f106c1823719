import { newline } from './alphabet.js';
import { agrees } from './redaction-match.js';

/**
 * Whether `after` is `before` with nothing but secrets replaced: JSON is still JSON of the same shape, anything else has
 * the same lines. Only then may it take the place of what a reader, or a chain of parts, relies on.
 */
export function keepsForm(before: Buffer, after: Buffer): boolean {
  const document = parsed(before);
  if (document === undefined) return keepsLines(before, after);
  const redacted = parsed(after);
  return redacted !== undefined && isSameShape(document.value, redacted.value);
}

function keepsLines(before: Buffer, after: Buffer): boolean {
  let [at, afterAt] = [0, 0];
  while (at < before.length || afterAt < after.length) {
    const [end, afterEnd] = [endOfLine(before, at), endOfLine(after, afterAt)];
    if (!agrees(after.subarray(afterAt, afterEnd), before.subarray(at, end))) return false;
    [at, afterAt] = [end, afterEnd];
  }
  return true;
}

/** Past its newline. */
function endOfLine(bytes: Buffer, from: number): number {
  const found = bytes.indexOf(newline, from);
  return found === -1 ? bytes.length : found + 1;
}

/** Without recursion: a hostile document may be nested deeply enough to exhaust the stack. */
function isSameShape(before: unknown, after: unknown): boolean {
  const pairs: [unknown, unknown][] = [[before, after]];
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [left, right] = pair;
    if (typeof left === 'string' && typeof right === 'string') {
      if (!isRedactedText(left, right)) return false;
      continue;
    }
    if (!isObject(left) || !isObject(right)) {
      if (left !== right) return false;
      continue;
    }
    const [entries, others] = [Object.entries(left), Object.entries(right)];
    if (entries.length !== others.length || Array.isArray(left) !== Array.isArray(right)) {
      return false;
    }
    for (const [index, [name, value]] of entries.entries()) {
      const [otherName = '', otherValue] = others[index] ?? [];
      if (!isRedactedText(name, otherName)) return false;
      pairs.push([value, otherValue]);
    }
  }
  return true;
}

function isRedactedText(before: string, after: string): boolean {
  return before === after || agrees(Buffer.from(after), Buffer.from(before));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** `undefined`: not JSON. */
function parsed(bytes: Buffer): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(bytes.toString('utf8')) };
  } catch {
    return undefined;
  }
}
