import { alphabet, beforeBackslashes, isIn } from './alphabet.js';
import type { Trigger } from './detector.js';
import { isPlaceholder } from './likeness.js';
import { type Passage, weights } from './passage.js';

/** Every value below `data` and `stringData` of a Kubernetes Secret, in YAML or JSON, whatever its key is called. */
export const kubernetesTriggers: readonly Trigger[] = [
  { literal: 'Secret', detector: { isWorthwhile: isKind, detect } },
];

const around = 8 * 1024;
const separators = alphabet(' \t"\'');

/** Whether `kind:` stands before and nothing of a longer word after. */
function isKind(bytes: Buffer, at: number): boolean {
  if (isIn(alphabet('A-Za-z0-9'), bytes[at + 6])) return false;
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

const block = /(?:(?<![A-Za-z])|(?<=\\n))(?:\\*["'])?(?:stringData|data)(?:\\*["'])? ?: ?/g;
const yamlEntry =
  /(?:\\+r)?(?:\r?\n|\\+n)(?:\s{0,8}\d{1,6}(?:\\+t|\t|\xe2\x86\x92))?[ +]{1,16}["'\\]{0,4}[\w.-]{1,253}["'\\]{0,4}:[ ]{1,4}\\*["']?(?<secret>[^\s"'\\]{6,8000})\\*["']?/dy;
const jsonEntry =
  /[\s,{]{0,40}(?:\\+[nrt][\s]{0,16}){0,4}\\*"[\w.-]{1,253}\\*"\s?:\s?\\*"(?<secret>[^\s"\\]{6,8000})\\*"/dy;

function detect(passage: Passage, at: number): void {
  const { bytes } = passage;
  const start = Math.max(0, at - around);
  const text = documentAround(bytes, start, at);
  passage.charge(text.text.length >> 8);
  for (const found of text.text.matchAll(block)) {
    readEntries(passage, text.start + found.index + found[0].length);
  }
}

interface Excerpt {
  readonly start: number;
  readonly text: string;
}

/** The YAML document or the stretch of JSON that the kind belongs to. */
function documentAround(bytes: Buffer, from: number, at: number): Excerpt {
  const before = bytes.toString('latin1', from, at);
  const rule = Math.max(before.lastIndexOf('\n---'), before.lastIndexOf('\\n---'));
  const start = rule === -1 ? from : from + rule + 1;
  const after = bytes.toString('latin1', at, at + around);
  const end = after.search(/\\n---|\n---/);
  const text = bytes.toString('latin1', start, at + (end === -1 ? after.length : end));
  return { start, text };
}

function readEntries(passage: Passage, from: number): void {
  const isJson = passage.bytes[from] === 0x7b;
  let at = isJson ? from + 1 : from;
  for (let count = 0; count < 64; count += 1) {
    const entry = passage.match(isJson ? jsonEntry : yamlEntry, at);
    if (entry === undefined) return;
    at = entry.end;
    const value = passage.text(entry.secretStart, entry.secretEnd);
    if (isPlaceholder(value) || /^[{<$]/.test(value)) continue;
    passage.add(entry.secretStart, entry.secretEnd, 'kubernetes-secret', weights.named);
  }
}
