import { UsageError } from '../errors.js';
import type { GetOptions } from './bucket.js';

export type Range = NonNullable<GetOptions['range']>;

export function checkRange(range: Range | undefined): void {
  if (range === undefined) return;
  const { start, end } = range;
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end >= start) {
    return;
  }
  throw new UsageError(`not a usable range of bytes: ${start} to ${end}`);
}

/** The slice of a whole object that a range names. */
export function sliceRange(body: Buffer, { start, end }: Range): Buffer {
  return body.subarray(start, end + 1);
}
