import type { WatchOutput } from '../app/mirroring.js';
import { systemClock } from '../clock.js';
import { LostError } from '../errors.js';
import { takeWatchLock } from '../mirror/watch/lock.js';

interface LockRequest {
  readonly path: string;
  /** Stand by while another watch holds it, instead of failing. */
  readonly mayWait: boolean;
}

/** The one watch of a bucket on this machine; the answer lets go of it. */
export async function lockWatch(
  { path, mayWait }: LockRequest,
  signal: AbortSignal,
  output: Pick<WatchOutput, 'note' | 'trouble'>,
): Promise<() => Promise<void>> {
  let isTold = false;
  for (;;) {
    const outcome = await takeWatchLock(path, new Date());
    if (outcome.held) {
      if (outcome.trouble !== undefined) {
        const hint = 'A second watch would go unnoticed; the mirror itself does not need the lock.';
        output.trouble(outcome.trouble, hint);
      }
      return outcome.release;
    }
    const { pid, since } = outcome.holder;
    const message = `another watch is running for this bucket: pid ${pid}, since ${since}`;
    if (!mayWait || signal.aborted) {
      throw new LostError(message, { hint: 'Use --wait to stand by until it ends.' });
    }
    if (!isTold) output.note(`Standing by: ${message}.`);
    isTold = true;
    await systemClock.sleep(1_000, signal);
  }
}
