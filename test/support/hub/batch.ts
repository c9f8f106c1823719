import * as v from 'valibot';
import type { BucketState } from './bucket-state.js';
import type { HubAnswer } from './faults.js';
import type { XetStore } from './xet-store.js';

const operation = v.variant('type', [
  v.object({
    type: v.literal('addFile'),
    path: v.string(),
    xetHash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  }),
  v.object({ type: v.literal('deleteFile'), path: v.string() }),
  v.object({
    type: v.literal('copyFile'),
    path: v.string(),
    xetHash: v.string(),
    sourceRepoType: v.string(),
    sourceRepoId: v.string(),
  }),
]);

/** Applies what can be applied: 200 when at least one line was, 422 when none was. Nothing is undone. */
export function applyBatch(
  bucket: BucketState,
  xet: XetStore,
  body: Buffer,
  refuse: (path: string) => string | undefined,
): HubAnswer {
  const lines = body.toString('utf8').split('\n');
  const failed: { path: string; error: string }[] = [];
  for (const line of lines) {
    const one = v.parse(operation, JSON.parse(line));
    const error = refuse(one.path) ?? applyOne(bucket, xet, one);
    if (error !== undefined) failed.push({ path: one.path, error });
  }
  const succeeded = lines.length - failed.length;
  return {
    status: succeeded === 0 ? 422 : 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      success: failed.length === 0,
      processed: lines.length,
      succeeded,
      failed,
    }),
  };
}

function applyOne(
  bucket: BucketState,
  xet: XetStore,
  one: v.InferOutput<typeof operation>,
): string | undefined {
  if (one.type === 'deleteFile') {
    bucket.delete(one.path);
    return undefined;
  }
  const file = xet.file(one.xetHash);
  if (file === undefined) return 'Xet hash not found';
  bucket.put({ path: one.path, size: file.size, xetHash: file.hash });
  return undefined;
}
