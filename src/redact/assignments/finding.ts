import { alphabet, isIn } from '../alphabet.js';
import { type ScanContext, weights } from '../scan-context.js';
import { fits, isBasic, isSecretValue } from './judge.js';
import type { NameSense } from './name-sense.js';
import type { Gap } from './tie.js';
import { type Assignment, readValue } from './value.js';

const longestJudged = 512;

/** The end of the value read, secret or not. */
export function readAndJudge(
  context: ScanContext,
  nameEnd: number,
  gap: Gap,
  sense: NameSense,
): number | undefined {
  const { bytes } = context;
  const isLoose = sense.secretName?.kind === 'password' || bytes[gap.valueAt - 1] === 0x3d;
  const read = readValue(bytes, nameEnd, gap, isLoose);
  if (read === undefined) return undefined;
  context.charge((read.valueEnd - read.valueStart) >> 5);
  judge(context, withoutScheme(context, read), sense);
  return read.valueEnd;
}

function judge(context: ScanContext, found: Assignment, sense: NameSense): void {
  const { valueStart, valueEnd } = found;
  if (valueEnd - valueStart < 6) return;
  const judgedEnd = Math.min(valueEnd, valueStart + longestJudged);
  if (isSentence(context.bytes, valueStart, judgedEnd, sense)) return;
  const value = plain(context.text(valueStart, judgedEnd));
  if (value.includes('[REDACTED:')) return;
  const kind = kindOf(value, found, sense);
  if (kind === undefined) return;
  const isNamed = kind !== sense.secretName?.kind;
  context.add(valueStart, valueEnd, kind, isNamed ? weights.named : weights.generic);
}

/** Of all values, only passwords and some vendors' formats may contain blanks. */
function isSentence(bytes: Buffer, start: number, end: number, sense: NameSense): boolean {
  if (sense.secretName?.kind === 'password' || sense.named.length > 0) return false;
  for (let at = start; at < end; at += 1) if (bytes[at] === 0x20) return true;
  return false;
}

function kindOf(value: string, found: Assignment, sense: NameSense): string | undefined {
  const rule = sense.named.find((row) => fits(row, value));
  if (rule !== undefined) return rule.kind;
  if (sense.mayBeBasic && isBasic(value)) return 'docker-auth';
  const name = sense.secretName;
  return name !== undefined && isSecretValue(name, value, found) ? name.kind : undefined;
}

function withoutScheme(context: ScanContext, found: Assignment): Assignment {
  if (!isIn(schemeStarts, context.bytes[found.valueStart])) return found;
  const start = context.text(found.valueStart, Math.min(found.valueEnd, found.valueStart + 24));
  const scheme = /^(?:bearer|basic|token|bot|apikey)(?:\s|%20|\+)+/i.exec(start);
  return scheme === null ? found : { ...found, valueStart: found.valueStart + scheme[0].length };
}

const schemeStarts = alphabet('ABTabt');

/** The value without escapes, whatever their depth. */
function plain(value: string): string {
  return value.includes('\\') ? value.replace(/\\+([^\\])/g, '$1') : value;
}
