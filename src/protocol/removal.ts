import * as v from 'valibot';
import { parseStampName } from './keys.js';

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(100_000));

/**
 * `removed/<harness>/<session>.json`: a session that was taken out of the bucket on purpose. While it says `removed`, nobody
 * mirrors the session; `restored` takes that back. It is never deleted, because many stores have no conditional delete.
 */
export const removalSchema = v.object({
  schema: v.literal(1),
  harness: text,
  session_id: text,
  state: v.picklist(['removed', 'restored']),
  agent: text,
  at: v.pipe(v.string(), v.maxLength(64)),
  /** Distinguishes this decision from an earlier one. */
  nonce: v.pipe(v.string(), v.regex(/^[a-f0-9]{32}$/)),
  /** The name of its event, so that a second attempt writes no second one. */
  event: v.pipe(
    v.string(),
    v.check((name) => parseStampName(`${name}.json`) !== undefined),
  ),
});
export type RemovalDocument = v.InferOutput<typeof removalSchema>;
