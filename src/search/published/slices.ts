import type { Clock } from '../../clock.js';
import type { Turn } from '../pack/turns.js';

/** What waits in this process meanwhile waits no longer than this, and a step. */
const sliceMs = 2;
/** As long as four slices, so that of the events a flush waits for few meet a slice. */
export const restMs = 8;

export interface Slicing {
  readonly signal: AbortSignal;
  /** 0: no more than a turn of the event loop. */
  readonly restMs: number;
  /** Gives back memory that the slices before have left behind. */
  readonly reclaim: () => void;
}

/** Work in slices, with rests between them. */
export function slices(clock: Clock, { signal, restMs: rest, reclaim }: Slicing): Turn {
  let beganMs = clock.monotonic();
  const pause = async (): Promise<void> => {
    if (rest === 0) await new Promise((resolve) => setImmediate(resolve));
    else await clock.sleep(rest, signal);
    signal.throwIfAborted();
    reclaim();
    beganMs = clock.monotonic();
  };
  return () => {
    signal.throwIfAborted();
    return clock.monotonic() - beganMs < sliceMs ? undefined : pause();
  };
}
