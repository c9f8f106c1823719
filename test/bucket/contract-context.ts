import type { Bucket, Entry, ListOptions } from '../../src/bucket/bucket.js';
import type { BucketTarget } from '../../src/bucket/open.js';

/** What the parts of the contract work with. The bucket, its target and the folder are there once tests run. */
export interface ContractContext {
  readonly bucket: Bucket;
  readonly target: BucketTarget;
  /** A folder on disk for files. */
  readonly folder: string;
  /** A prefix that no other test of this run uses. */
  fresh(): string;
  list(prefix: string, options?: ListOptions): Promise<readonly Entry[]>;
  /** Keys and groups without the prefix. */
  names(prefix: string, options?: ListOptions): Promise<readonly string[]>;
}

export const text = (value: string): Buffer => Buffer.from(value);

/** Sixteen at a time. */
export async function inLanes<T>(
  items: readonly T[],
  step: (item: T) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (;;) {
      const item = items[next];
      next += 1;
      if (item === undefined) return;
      await step(item);
    }
  };
  await Promise.all(Array.from({ length: 16 }, lane));
}
