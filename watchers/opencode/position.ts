import * as v from 'valibot';
import type { JsonValue } from '../../src/mirror/stream.js';
import { nothingShipped, type Shipped } from '../sqlite/row-comparison.js';

const count = v.pipe(v.number(), v.safeInteger());
const print = v.union([v.string(), v.array(v.tuple([count, count, v.string()]))]);
const schema = v.object({
  session: v.nullable(print),
  rows: v.array(v.tuple([v.string(), print])),
  after: v.optional(v.string()),
});

export function encodeShipped({ session, rows, after }: Shipped<string>): JsonValue {
  return {
    session: plain(session ?? null),
    rows: [...rows].map(([key, one]) => [key, plain(one)]),
    ...(after === undefined ? {} : { after }),
  };
}

export function decodeShipped(at: JsonValue): Shipped<string> | undefined {
  if (at === null) return nothingShipped();
  const result = v.safeParse(schema, at);
  if (!result.success) return undefined;
  const { session, rows, after } = result.output;
  return { session: session ?? undefined, usage: undefined, rows: new Map(rows), after };
}

function plain(one: Shipped<string>['session'] | null): JsonValue {
  return one === undefined || one === null || typeof one === 'string'
    ? (one ?? null)
    : one.map((piece) => [...piece]);
}
