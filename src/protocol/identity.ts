import * as v from 'valibot';

/** `_bucket.json`: distinguishes a bucket from another that has taken its place. */
export const identitySchema = v.object({
  schema: v.literal(1),
  id: v.pipe(v.string(), v.regex(/^[a-f0-9]{32}$/)),
});
export type IdentityDocument = v.InferOutput<typeof identitySchema>;
