import { newline } from './alphabet.js';
import { isJson, jsonStrings } from './json-strings.js';
import { type Span, weights } from './scan-context.js';

const lookBack = 128;

/**
 * What to replace if the allowance ran out before the hits at these positions (ascending) were
 * scanned: every JSON string that contains one or, if the line is not JSON, everything from the
 * first one to the end of the line.
 */
export function budgetSpans(bytes: Buffer, hits: readonly number[]): readonly Span[] {
  const spans: Span[] = [];
  for (let at = 0; at < hits.length; ) {
    const hit = hits[at] ?? 0;
    const lineStart = hit === 0 ? 0 : bytes.lastIndexOf(newline, hit - 1) + 1;
    const found = bytes.indexOf(newline, hit);
    const lineEnd = found === -1 ? bytes.length : found;
    let next = at + 1;
    while ((hits[next] ?? lineEnd) < lineEnd) next += 1;
    const inLine = hits.slice(at, next);
    if (isJson(bytes, lineStart, lineEnd))
      spans.push(...wholeStrings(bytes, lineStart, lineEnd, inLine));
    else spans.push(budgetSpan(Math.max(lineStart, hit - lookBack), lineEnd));
    at = next;
  }
  return spans;
}

function wholeStrings(
  bytes: Buffer,
  start: number,
  end: number,
  hits: readonly number[],
): readonly Span[] {
  const spans: Span[] = [];
  let at = 0;
  for (const text of jsonStrings(bytes, start, end)) {
    while ((hits[at] ?? text.start) < text.start) at += 1;
    if ((hits[at] ?? text.end) < text.end) spans.push(budgetSpan(text.start, text.end));
    if (at >= hits.length) break;
  }
  return spans;
}

function budgetSpan(start: number, end: number): Span {
  return { start, end, kind: 'budget', weight: weights.budget };
}
