import { join } from 'node:path';
import type { Io } from '../io.js';
import { withoutLinks } from '../links.js';

/**
 * This machine's latest timestamp. A store reports time in whole seconds, so each process knows it
 * only to within half a second, and one process's write right after another's could sort before it.
 */
export interface LastTimestamp {
  /** Nanoseconds of store time. */
  last(): Promise<bigint | undefined>;
  /** Never fails: an order that is right to half a second is better than no event. */
  remember(timeNs: bigint): Promise<void>;
}

/** In this machine's folder for the destination. */
export function openLastTimestamp(disk: Io, folder: string): LastTimestamp {
  const io = withoutLinks(disk, folder);
  const path = join(folder, 'last-stamp');
  let latest = 0n;
  let written: Promise<void> = Promise.resolve();
  return {
    last: async () => {
      const text = (await io.readFile(path).catch(() => undefined))?.toString('utf8') ?? '';
      return /^\d{1,19}$/.test(text) ? BigInt(text) : undefined;
    },
    remember: (timeNs) => {
      if (timeNs > latest) latest = timeNs;
      written = written.then(() => io.replaceFile(path, String(latest)).catch(() => undefined));
      return written;
    },
  };
}
