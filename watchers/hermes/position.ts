import * as v from 'valibot';
import type { JsonValue } from '../../src/mirror/stream.js';
import {
  fingerprintLength,
  type Piece,
  type RowFingerprint,
  shippedFingerprint,
} from '../sqlite/row-fingerprint.js';
import { parseLine, sessionRow, usageRow } from './rows.js';

const count = v.pipe(v.number(), v.safeInteger());
const pieces = v.array(v.tuple([count, count, v.string()]));
const schema = v.object({
  session: v.nullable(v.union([v.string(), pieces])),
  usage: v.optional(v.union([v.string(), pieces])),
  rows: v.string(),
  redacted: v.optional(v.record(v.string(), pieces)),
  after: v.optional(count),
});

/** What was uploaded from a session: the fingerprint of its own row, of its counters and of each message. */
export interface Shipped {
  session: RowFingerprint | undefined;
  usage: RowFingerprint | undefined;
  readonly rows: Map<number, RowFingerprint>;
  /** Earlier reads compared messages up to this id, in a round that is not finished. */
  after: number | undefined;
}

export function nothingShipped(): Shipped {
  return { session: undefined, usage: undefined, rows: new Map(), after: undefined };
}

/**
 * As plain JSON. The ids ascend, and each is written as its distance from the previous one (base 36, empty for 1)
 * followed by its fingerprint, so 50,000 messages take half a megabyte.
 */
export function encodeShipped({ session, usage, rows, after }: Shipped): JsonValue {
  const entries: string[] = [];
  const redacted: Record<string, readonly Piece[]> = {};
  let before = 0;
  for (const id of [...rows.keys()].sort((left, right) => left - right)) {
    const print = rows.get(id) ?? '';
    const isPlain = typeof print === 'string';
    if (!isPlain) redacted[String(id)] = print;
    const distance = id - before === 1 ? '' : (id - before).toString(36);
    entries.push(distance + (isPlain ? print : noPrint));
    before = id;
  }
  return {
    session: session ?? null,
    ...(usage === undefined ? {} : { usage }),
    rows: entries.join(' '),
    ...(Object.keys(redacted).length === 0 ? {} : { redacted }),
    ...(after === undefined ? {} : { after }),
  };
}

const noPrint = '*'.repeat(fingerprintLength);

export function decodeShipped(at: JsonValue): Shipped | undefined {
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

/** Takes in lines that someone uploaded; lines that are not row states say nothing. */
export function foldShipped(shipped: Shipped, lines: readonly Buffer[]): void {
  for (const line of lines) {
    const parsed = parseLine(line);
    if (parsed === undefined) continue;
    const { operation, state } = parsed;
    const print = operation === 'delete' ? undefined : shippedFingerprint(state.body);
    if (state.id === sessionRow) shipped.session = print;
    else if (state.id === usageRow) shipped.usage = print;
    else if (print === undefined) shipped.rows.delete(state.id);
    else shipped.rows.set(state.id, print);
  }
  shipped.after = undefined;
}
