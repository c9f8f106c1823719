import { type Clock, systemClock } from '../../src/clock.js';

/** Real time, only so many times faster: waiting is short, and still takes its turn among everything else. */
export function hastyClock(times: number): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now() * times,
    sleep: (ms, signal) => systemClock.sleep(ms / times, signal),
  };
}
