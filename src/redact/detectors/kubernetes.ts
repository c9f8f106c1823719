import { alphabet, alphanumeric, beforeBackslashes, isIn, pastBackslashes } from '../alphabet.js';
import type { Trigger } from '../detector.js';
import { isPlaceholder } from '../placeholders.js';
import { type Match, type ScanContext, weights } from '../scan-context.js';

/**
 * Every value below `data` and `stringData` of a Kubernetes Secret, in YAML or JSON, whatever its
 * key.
 */
export const kubernetesTriggers: readonly Trigger[] = [
  { literal: 'Secret', detector: { isWorthwhile: isKind, detect } },
];

const around = 8 * 1024;
const mostEntries = 64;
/** Maximum length of a heading in bytes: its quotes have up to 64 backslashes each. */
const longestHeading = 160;
const documentRules = ['\n---', '\\n---'];
const separators = alphabet(' \t"\'');

/** Whether `kind:` precedes it and it is not part of a longer word. */
function isKind(bytes: Buffer, at: number): boolean {
  if (isIn(alphanumeric, bytes[at + 6])) return false;
  const colon = beforeQuotes(bytes, at);
  if (bytes[colon - 1] !== 0x3a) return false;
  const end = beforeQuotes(bytes, colon - 1);
  return bytes.toString('latin1', Math.max(0, end - 4), end) === 'kind';
}

function beforeQuotes(bytes: Buffer, to: number): number {
  let at = to;
  while (at > 0 && at > to - 12 && isIn(separators, bytes[at - 1]))
    at = beforeBackslashes(bytes, at - 1);
  return at;
}

const block =
  /(?:(?<![A-Za-z])|(?<=\\n))(?:\\{0,64}["'])?(?:stringData|data)(?:\\{0,64}["'])? ?: ?/g;
// A key, and its value if it matters; otherwise the rest of the line.
const yamlEntry =
  /[ \t]{0,8}(?:\\{1,64}r)?(?:\r?\n|\\{1,64}n)(?:\s{0,8}\d{1,6}(?:\\{1,64}t|\t|\xe2\x86\x92))?[ +]{1,16}["'\\]{0,4}[\w.-]{1,253}["'\\]{0,4}:[ ]{0,4}(?:(?:\\{0,64}["'])?(?<secret>[^\s"'\\]{6,200})|(?:[^\n\\]|\\{1,64}["']){0,200})/dy;
const jsonEntry =
  /[\s,{]{0,40}(?:\\{1,64}[nrt][\s]{0,16}){0,4}\\{0,64}"[\w.-]{1,253}\\{0,64}"\s?:\s?\\{0,64}"(?:(?<secret>[^\s"'\\]{6,200})|[^\s"'\\]{0,5}\\{0,64}")/dy;
const valueBytes = alphabet('!#-&(-[]-~');

function detect(context: ScanContext, at: number): void {
  const searchedTo = context.searchedTo.get(block) ?? 0;
  if (at + around <= searchedTo) return;
  const { start, end } = documentAround(context.bytes, at);
  // Every kind in a document looks at the same blocks; each is read once.
  const from = Math.max(start, searchedTo - longestHeading);
  if (from >= end) return;
  context.searchedTo.set(block, end);
  const text = context.text(from, end);
  context.charge(2 + (text.length >> 6));
  for (const found of text.matchAll(block)) {
    const position = from + found.index;
    // Negative, so it cannot collide with a position that an assignment uses.
    if (!context.isFirstVisit(-1 - position)) continue;
    if (isOfConfigMap(context, position, start, end)) continue;
    readEntries(context, position + found[0].length);
  }
}

const kind = /kind["'\\]{0,20}: ?["'\\]{0,20}(\w+)/;
const kinds = new RegExp(kind, 'g');

/** Lists hold several objects; the keys of each are in alphabetical order, or its kind comes first. */
function isOfConfigMap(context: ScanContext, at: number, start: number, end: number): boolean {
  const after = context.text(at, Math.min(end, at + around));
  context.charge(2 + (after.length >> 6));
  const next = kind.exec(after);
  const comesLast = next !== null && !after.slice(0, next.index).includes('apiVersion');
  if (comesLast) return next[1] === 'ConfigMap';
  const before = context.text(Math.max(start, at - around), at);
  context.charge(2 + (before.length >> 6));
  return [...before.matchAll(kinds)].at(-1)?.[1] === 'ConfigMap';
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** The YAML document or the stretch of JSON that contains the kind. */
function documentAround(bytes: Buffer, at: number): Range {
  const from = Math.max(0, at - around);
  const before = bytes.subarray(from, at);
  const rule = Math.max(...documentRules.map((text) => before.lastIndexOf(text)));
  const after = bytes.subarray(at, at + 2 * around);
  const ends = documentRules.map((text) => after.indexOf(text)).filter((index) => index !== -1);
  return {
    start: rule === -1 ? from : from + rule + 1,
    end: at + Math.min(after.length, ...ends),
  };
}

function readEntries(context: ScanContext, from: number): void {
  if (context.bytes[from] === 0x7b) readFields(context, from + 1);
  else readLines(context, from);
}

function readFields(context: ScanContext, from: number): void {
  let at = from;
  for (let count = 0; count < mostEntries; count += 1) {
    const entry = context.match(jsonEntry, at);
    if (entry === undefined) return;
    at = take(context, entry);
  }
}

/** Lines indented deeper than their heading. */
function readLines(context: ScanContext, from: number): void {
  const heading = /[ +]*(?:["'\\]{0,20}\w+["'\\]{0,20} ?: ?)$/.exec(
    context.text(Math.max(0, from - 64), from),
  );
  const depth = /^[ +]*/.exec(heading?.[0] ?? '')?.[0].length ?? 0;
  let at = from;
  for (let count = 0; count < mostEntries; count += 1) {
    const entry = context.match(yamlEntry, at);
    if (entry === undefined || indentOf(context.text(entry.start, entry.end)) <= depth) return;
    at = take(context, entry);
  }
}

function indentOf(entry: string): number {
  const found = /(?:\n|\\n)(?:\s{0,8}\d{1,6}(?:\\{1,64}t|\t|\xe2\x86\x92))?([ +]+)/.exec(entry);
  return found?.[1]?.length ?? 0;
}

/** Redacts the entry's value if it has one; returns where to continue. */
function take(context: ScanContext, entry: Match): number {
  if (entry.secretStart === entry.start) return entry.end;
  const end = context.runEnd(entry.secretEnd, valueBytes);
  const value = context.text(entry.secretStart, entry.secretEnd);
  if (!isPlaceholder(value) && /^[\x21-\x7e]+$/.test(value) && !/^[{<$]/.test(value)) {
    context.add(entry.secretStart, end, 'kubernetes-secret', weights.named);
  }
  const quote = pastBackslashes(context.bytes, end);
  return isIn(separators, context.bytes[quote]) ? quote + 1 : end;
}
