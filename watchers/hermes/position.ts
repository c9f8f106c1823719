import * as v from 'valibot';
import type { JsonValue } from '../../src/mirror/stream.js';
import { nothingShipped, type Shipped } from '../sqlite/row-comparison.js';
import { fingerprintLength, type Piece, type RowFingerprint } from '../sqlite/row-fingerprint.js';

const count = v.pipe(v.number(), v.safeInteger());
const pieces = v.array(v.tuple([count, count, v.string()]));
const schema = v.object({
  session: v.nullable(v.union([v.string(), pieces])),
  usage: v.optional(v.union([v.string(), pieces])),
  rows: v.string(),
  redacted: v.optional(v.record(v.string(), pieces)),
  after: v.optional(count),
});

/** The rows up to one id, as written before. */
export interface EncodedRows {
  readonly upTo: number;
  readonly text: string;
  readonly redacted: Readonly<Record<string, readonly Piece[]>>;
}

const noRows: EncodedRows = { upTo: 0, text: '', redacted: {} };

/**
 * As plain JSON. The ids ascend, and each is written as its distance from the previous one (base 36, empty for 1)
 * followed by its fingerprint, so 50,000 messages take half a megabyte. `known` are rows that need not be written again.
 */
export function encodeShipped(
  { session, usage, rows, after }: Shipped<number>,
  known?: EncodedRows,
): JsonValue {
  const { text, redacted } = encodeRows(rows, Number.POSITIVE_INFINITY, known);
  return {
    session: session ?? null,
    ...(usage === undefined ? {} : { usage }),
    rows: text,
    ...(Object.keys(redacted).length === 0 ? {} : { redacted }),
    ...(after === undefined ? {} : { after }),
  };
}

export function encodeRows(
  rows: ReadonlyMap<number, RowFingerprint>,
  upTo: number,
  known?: EncodedRows,
): EncodedRows {
  const { upTo: from, text, redacted: before } = known ?? noRows;
  const redacted: Record<string, readonly Piece[]> = { ...before };
  const entries = text === '' ? [] : [text];
  let last = from;
  const isNew = (id: number): boolean => id <= upTo && (known === undefined || id > from);
  for (const id of [...rows.keys()].filter(isNew).sort((left, right) => left - right)) {
    const print = rows.get(id) ?? '';
    const isPlain = typeof print === 'string';
    if (!isPlain) redacted[String(id)] = print;
    const distance = id - last === 1 ? '' : (id - last).toString(36);
    entries.push(distance + (isPlain ? print : noPrint));
    last = id;
  }
  return { upTo: last, text: entries.join(' '), redacted };
}

const noPrint = '*'.repeat(fingerprintLength);

export function decodeShipped(at: JsonValue): Shipped<number> | undefined {
  if (at === null) return nothingShipped();
  const result = v.safeParse(schema, at);
  if (!result.success) return undefined;
  const { session, usage, rows: text, redacted = {}, after } = result.output;
  const rows = new Map<number, RowFingerprint>();
  let id = 0;
  for (const entry of text === '' ? [] : text.split(' ')) {
    const distance = entry.slice(0, -fingerprintLength);
    id += distance === '' ? 1 : Number.parseInt(distance, 36);
    const print = entry.slice(-fingerprintLength);
    if (!Number.isSafeInteger(id) || print.length !== fingerprintLength) return undefined;
    rows.set(id, print === noPrint ? (redacted[String(id)] ?? '') : print);
  }
  return { session: session ?? undefined, usage, rows, after };
}
