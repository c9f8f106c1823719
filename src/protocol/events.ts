import * as v from 'valibot';

const timestamp = v.pipe(v.string(), v.maxLength(64));
const text = v.pipe(v.string(), v.maxLength(100_000));
const optionalText = v.optional(v.nullable(text), null);

/** The state object an event concerns, and which of its states. */
export const eventRefSchema = v.object({
  key: text,
  nonce: v.optional(v.nullable(text)),
  id: v.optional(v.nullable(text)),
  version: v.optional(v.nullable(v.number())),
});
export type EventRefDocument = v.InferOutput<typeof eventRefSchema>;

/**
 * `events/<ts>_<agent>_<id>.json`. Unknown types are kept: a later version, or another tool, wrote them. So is
 * everything else in `data`.
 */
export const eventSchema = v.object({
  type: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
  agent: optionalText,
  at: v.optional(v.nullable(timestamp), null),
  step: optionalText,
  session_id: optionalText,
  data: v.optional(v.nullable(v.record(v.string(), v.unknown())), null),
});
export type EventDocument = v.InferOutput<typeof eventSchema>;
