import { sha256Hex } from '../sha256.js';

/**
 * Names of the objects in a stream's chain. A part's name is a slot: its sequence number and the
 * first 8 hex digits of sha256("tcp1|<generation>|<first line>"). It does not depend on the
 * content, because a hash of source bytes would let anyone test guesses at a short secret. Knowing
 * where a part ends is enough to name the next one, so a reader follows a stream with one GET per
 * part and no LIST.
 */
interface PartName {
  readonly sequence: number;
  readonly tag: string;
}

const partPattern = /^part-(\d{5,9})-([a-f0-9]{8})\.jsonl$/;
const generationPattern = /^gen-(\d{5,9})\.json$/;

/** `startLine` is the number of lines in the generation's chain before this part. */
export function slotTag(generation: number, startLine: number): string {
  return sha256Hex(`tcp1|${generation}|${startLine}`).slice(0, 8);
}

/**
 * Where the store cannot refuse a second writer, both ends are in the name, so that no part ever overwrites another.
 */
export function rangeTag(generation: number, startLine: number, endLine: number): string {
  const text = `tcr1|${generation}|${startLine}|${endLine}`;
  return sha256Hex(text).slice(0, 8);
}

export function rangePartName(
  sequence: number,
  generation: number,
  startLine: number,
  endLine: number,
): string {
  return `part-${padded(sequence)}-${rangeTag(generation, startLine, endLine)}.jsonl`;
}

export function partName(sequence: number, generation: number, startLine: number): string {
  return `part-${padded(sequence)}-${slotTag(generation, startLine)}.jsonl`;
}

export function parsePartName(leaf: string): PartName | undefined {
  const match = partPattern.exec(leaf);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { sequence: Number(match[1]), tag: match[2] };
}

export function generationName(generation: number): string {
  return `gen-${padded(generation)}.json`;
}

export function parseGenerationName(leaf: string): number | undefined {
  const digits = generationPattern.exec(leaf)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function padded(number: number): string {
  return String(number).padStart(5, '0');
}
