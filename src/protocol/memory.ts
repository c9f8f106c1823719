import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { UsageError } from '../errors.js';
import { DocumentError, encodeDocument, parseDocument } from './documents.js';
import type { Layout, Stamp } from './keys.js';
import { checkMemoryKey, isName } from './names.js';

const timestamp = v.pipe(v.string(), v.maxLength(64));
const text = v.pipe(v.string(), v.maxLength(1_000));
const nullableText = v.optional(v.nullable(text), null);

/** Bytes of a value as compact JSON. */
const maxValueBytes = 1_048_576;
/** Bytes of an object read as a memory; another tool's may exceed what we write. */
export const maxMemoryBytes = 16_777_216;
/** How deeply arrays and objects may nest: printing and parsing must not exhaust the stack. */
const maxDepth = 64;
/** Larger documents are written on one line: nobody reads them without a tool. */
const maxPrettyBytes = 65_536;

/** `memory/<dotted.key>.json`, and each of its earlier states. */
const memorySchema = v.object({
  value: v.optional(v.unknown(), null),
  set_by: nullableText,
  set_at: v.optional(v.nullable(timestamp), null),
  /** 0: written by a tool without versions. */
  version: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)), 0),
  deleted: v.optional(v.nullable(v.boolean()), false),
  /** 8 hex digits that distinguish this state from others with the same content. */
  id: v.optional(v.nullable(v.string()), null),
});
export type MemoryDocument = v.InferOutput<typeof memorySchema>;

/** `DocumentError`, also for a document too large or too deep to handle. */
export function parseMemory(key: string, body: Buffer, size = body.byteLength): MemoryDocument {
  if (size > maxMemoryBytes) throw new DocumentError(key, `larger than ${maxMemoryBytes} bytes`);
  // One level is the document's own.
  if (isDeeper(body.toString('utf8'), maxDepth + 1)) {
    throw new DocumentError(key, `more than ${maxDepth} levels deep`);
  }
  return parseDocument(memorySchema, key, body);
}

export function encodeMemory(document: MemoryDocument): Buffer {
  const { deleted, ...rest } = document;
  const written = deleted === true ? document : rest;
  const compact = JSON.stringify(written);
  return compact.length > maxPrettyBytes ? Buffer.from(`${compact}\n`) : encodeDocument(written);
}

/**
 * The value of a command-line argument: its parsed JSON, or the text itself. `UsageError` if it is
 * too large, too deep, or a number that would change when read back.
 */
export function parseValue(word: string): unknown {
  const value = jsonOf(word);
  if (value !== undefined) {
    const text = word.trim();
    if (isDeeper(text, maxDepth)) throw new UsageError(`more than ${maxDepth} levels deep`);
    checkNumbers(text);
  }
  return checkValue(value === undefined ? word : value);
}

/** Returns the value, or throws `UsageError` if it is too large. */
export function checkValue(value: unknown): unknown {
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes <= maxValueBytes) return value;
  throw new UsageError(`the value has ${bytes} bytes; a memory holds ${maxValueBytes}`, {
    hint: 'Upload it with "tracecraft artifact upload", and remember its name.',
  });
}

/** `undefined`: not JSON. */
function jsonOf(word: string): unknown {
  try {
    return JSON.parse(word);
  } catch {
    return undefined;
  }
}

/** JSON's numbers have any precision; JavaScript's do not. */
function checkNumbers(json: string): void {
  for (const [number] of withoutStrings(json).matchAll(/-?\d[\d.eE+-]*/g)) {
    const value = Number(number);
    const isWhole = /^-?\d+$/.test(number);
    if (Number.isFinite(value) && (!isWhole || Number.isSafeInteger(value))) continue;
    throw new UsageError(`a number that cannot be kept exactly: ${number.slice(0, 40)}`, {
      hint: 'Write it as a string: with --string, or in quotes inside JSON.',
    });
  }
}

/** Of JSON text. */
function isDeeper(json: string, levels: number): boolean {
  let depth = 0;
  for (const [bracket] of withoutStrings(json).matchAll(/[[\]{}]/g)) {
    depth += bracket === '[' || bracket === '{' ? 1 : -1;
    if (depth > levels) return true;
  }
  return false;
}

function withoutStrings(json: string): string {
  const pieces: string[] = [];
  let from = 0;
  for (let open = json.indexOf('"'); open !== -1; open = json.indexOf('"', from)) {
    pieces.push(json.slice(from, open));
    from = endOfString(json, open);
  }
  pieces.push(json.slice(from));
  return pieces.join('""');
}

/** The position after the closing quote of the string opened at `open`. */
function endOfString(json: string, open: number): number {
  let at = open + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** Where the Python tool may have put it: `design.contract` as `memory/design/contract.json`. */
export function slashKey(layout: Layout, key: string): string | undefined {
  const segments = checkMemoryKey(key).split('.');
  if (segments.length === 1) return undefined;
  return `${layout.memories()}${segments.join('/')}.json`;
}

/** The dotted key of an object below `memory/`, in either form; `undefined` if it has none. */
export function memoryKeyOf(layout: Layout, objectKey: string): string | undefined {
  const path = objectKey.slice(layout.memories().length);
  if (!path.endsWith('.json')) return undefined;
  const segments = path.slice(0, -'.json'.length).split('/');
  const isSlashForm = segments.length > 1;
  const areNames = segments.every((one) => isName(one) && !(isSlashForm && one.includes('.')));
  const key = segments.join('.');
  return areNames && isName(key) && !key.endsWith('.') ? key : undefined;
}

/**
 * A state's name in the history. Every process derives the same name, so if a writer was stopped,
 * the next one stores that state, and only once.
 */
export function historyStamp(document: MemoryDocument, body: Buffer, modifiedAt: Date): Stamp {
  const { set_at, set_by, id } = document;
  const ms = Date.parse(set_at ?? '');
  const isTime = ms >= 0 && ms < 9e12;
  const known = id !== null && /^[0-9a-f]{8}$/.test(id);
  return {
    timeNs: BigInt(isTime ? ms : modifiedAt.getTime()) * 1_000_000n,
    agent: set_by !== null && isName(set_by) ? set_by : 'unknown',
    id: known ? id : createHash('sha256').update(body).digest('hex').slice(0, 8),
  };
}
