import type { BucketTarget } from '../bucket/open.js';

const shownLength = 120;

/**
 * A bucket in words, for somebody who is to decide about it. Whoever wrote the config chose the names: they are quoted, so
 * that they read as names, and cut, so that no message to the reader fits in.
 */
export function placeText(target: BucketTarget): string {
  if (target.backend === 'local') return `the folder ${quoted(target.root)}`;
  const { backend, bucket, endpoint } = target;
  const kind = backend === 'hf' ? 'Hugging Face' : 'S3';
  const where = endpoint === undefined ? ownEndpoints[backend] : quoted(endpoint);
  return `the ${kind} bucket ${quoted(bucket)} at ${where}`;
}

/** Where a store is that no endpoint was named for. */
export const ownEndpoints = { s3: 'Amazon S3', hf: 'huggingface.co' } as const;

function quoted(name: string): string {
  const characters = [...name];
  if (characters.length <= shownLength) return JSON.stringify(name);
  return `${JSON.stringify(characters.slice(0, shownLength).join(''))}…`;
}
