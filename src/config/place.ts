import type { BucketTarget } from '../bucket/open.js';

const shownLength = 120;

/**
 * Describes a bucket to a person who has to decide about it. The config's author chose the names,
 * so they are quoted to read as names, and truncated so that they cannot carry a message.
 */
export function placeText(target: BucketTarget): string {
  if (target.backend === 'local') return `the folder ${quoted(target.root)}`;
  const { backend, bucket, endpoint } = target;
  const kind = backend === 'hf' ? 'Hugging Face' : 'S3';
  const where = endpoint === undefined ? ownEndpoints[backend] : quoted(endpoint);
  return `the ${kind} bucket ${quoted(bucket)} at ${where}`;
}

/** Where a store is when the config names no endpoint. */
export const ownEndpoints = { s3: 'Amazon S3', hf: 'huggingface.co' } as const;

function quoted(name: string): string {
  const characters = [...name];
  if (characters.length <= shownLength) return JSON.stringify(name);
  return `${JSON.stringify(characters.slice(0, shownLength).join(''))}…`;
}
