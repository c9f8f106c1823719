import { newline } from './alphabet.js';
import { beforeBrokenEscape, pastBrokenEscape } from './boundary.js';
import { isJson, jsonStrings, looksLikeJson } from './json-strings.js';
import { markerText, nextMarker } from './marker.js';
import { type Span, weights } from './scan-context.js';

/**
 * Turns findings into replacements: sorted, disjoint, and without breaking the line's structure.
 */
export function normalizeSpans(bytes: Buffer, found: readonly Span[]): readonly Span[] {
  const outside = outsideMarkers(bytes, found);
  const apart = merge(outside.flatMap((span) => perLine(bytes, span)));
  const whole = apart
    .map((span) => betweenEscapes(bytes, span))
    .filter((span) => span.end > span.start);
  return insideJsonStrings(bytes, whole);
}

export function replace(bytes: Buffer, spans: readonly Span[]): Buffer {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const span of spans) {
    pieces.push(bytes.subarray(at, span.start), Buffer.from(markerText(span.kind), 'latin1'));
    at = span.end;
  }
  pieces.push(bytes.subarray(at));
  return Buffer.concat(pieces);
}

/**
 * Markers stay intact: spans inside one are dropped, and spans that overlap one are extended to
 * include it.
 */
function outsideMarkers(bytes: Buffer, spans: readonly Span[]): readonly Span[] {
  let marker = nextMarker(bytes, 0);
  if (marker === undefined) return spans;
  const kept: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    while (marker !== undefined && marker.end <= span.start) marker = nextMarker(bytes, marker.end);
    if (marker === undefined || marker.start >= span.end) {
      kept.push(span);
    } else if (marker.start > span.start || marker.end < span.end) {
      kept.push(...aroundMarkers(bytes, span));
    }
  }
  return kept;
}

function aroundMarkers(bytes: Buffer, span: Span): readonly Span[] {
  const start = Math.max(0, span.start - 100);
  let { start: from, end: to } = span;
  for (let marker = nextMarker(bytes, start); marker !== undefined && marker.start < to; ) {
    if (marker.end > from) {
      from = Math.min(from, marker.start);
      to = Math.max(to, marker.end);
    }
    marker = nextMarker(bytes, marker.end);
  }
  return [{ ...span, start: from, end: to }];
}

/** Newlines are never replaced. */
function perLine(bytes: Buffer, span: Span): readonly Span[] {
  if (!bytes.subarray(span.start, span.end).includes(newline)) return [span];
  const pieces: Span[] = [];
  for (let start = span.start; start < span.end; ) {
    const found = bytes.indexOf(newline, start);
    const end = found === -1 || found > span.end ? span.end : found;
    const textEnd = bytes[end - 1] === 0x0d ? end - 1 : end;
    if (textEnd > start) pieces.push({ ...span, start, end: textEnd });
    start = end + 1;
  }
  return pieces;
}

function merge(spans: readonly Span[]): readonly Span[] {
  const merged: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last === undefined || span.start >= last.end) {
      merged.push(span);
      continue;
    }
    const heavier = span.weight > last.weight ? span : last;
    merged[merged.length - 1] = {
      ...heavier,
      start: last.start,
      end: Math.max(last.end, span.end),
    };
  }
  return merged;
}

function betweenEscapes(bytes: Buffer, span: Span): Span {
  if (span.weight === weights.budget) return span;
  const start = pastBrokenEscape(bytes, span.start);
  return { ...span, start, end: beforeBrokenEscape(bytes, start, span.end) };
}

/**
 * Detectors stay inside strings by themselves. If a span touches a line's JSON structure all the
 * same (a known secret may contain quotes), only its parts inside strings are replaced.
 */
function insideJsonStrings(bytes: Buffer, spans: readonly Span[]): readonly Span[] {
  const kept: Span[] = [];
  for (let at = 0; at < spans.length; ) {
    const first = spans[at];
    if (first === undefined) break;
    const lineStart = bytes.lastIndexOf(newline, first.start) + 1;
    const found = bytes.indexOf(newline, first.start);
    const lineEnd = found === -1 ? bytes.length : found;
    let next = at;
    while ((spans[next]?.start ?? lineEnd) < lineEnd) next += 1;
    kept.push(...inJsonLine(bytes, lineStart, lineEnd, spans.slice(at, next)));
    at = next;
  }
  return kept;
}

function inJsonLine(
  bytes: Buffer,
  start: number,
  end: number,
  spans: readonly Span[],
): readonly Span[] {
  if (!looksLikeJson(bytes, start, end)) return spans;
  const clipped: Span[] = [];
  let at = 0;
  for (const text of jsonStrings(bytes, start, end)) {
    let span = spans[at];
    while (span !== undefined && span.end <= text.start) {
      at += 1;
      span = spans[at];
    }
    for (let next = at; span !== undefined && span.start < text.end; next += 1) {
      clipped.push({
        ...span,
        start: Math.max(span.start, text.start),
        end: Math.min(span.end, text.end),
      });
      span = spans[next + 1];
    }
    if (at >= spans.length) break;
  }
  const isUntouched =
    clipped.length === spans.length &&
    clipped.every(
      (span, index) => span.start === spans[index]?.start && span.end === spans[index]?.end,
    );
  if (isUntouched || !isJson(bytes, start, end)) return spans;
  return clipped.map((span) => betweenEscapes(bytes, span)).filter((span) => span.end > span.start);
}
