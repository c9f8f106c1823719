import * as v from 'valibot';

const counter = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const text = v.pipe(v.string(), v.maxLength(1_000));

/** `_transcript.json` and `_trace.json`: what the object next to it was made from. Derived; nothing depends on it. */
export const compactionSchema = v.object({
  schema: v.literal(1),
  generation: counter,
  /** Of the chain: how many parts and lines went in. */
  parts: counter,
  lines: counter,
  /** Of the object itself. */
  bytes: counter,
  etag: text,
  /** Names, sizes and times from the stream's listing; no content. */
  listing: text,
  /** Which mapping made it; 0 if the lines are unchanged. */
  mapping: counter,
  at: text,
  host: text,
  nonce: text,
});
export type CompactionDocument = v.InferOutput<typeof compactionSchema>;
