import * as v from 'valibot';

const timestamp = v.pipe(v.string(), v.maxLength(64));

/** `_writer.json`: which machines mirror into this project, and when each last started. */
export const writersSchema = v.object({
  schema: v.literal(1),
  hosts: v.record(v.pipe(v.string(), v.maxLength(255)), v.object({ at: timestamp })),
});
export type WritersDocument = v.InferOutput<typeof writersSchema>;
