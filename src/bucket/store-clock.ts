import type { Clock } from '../clock.js';

/** The `Date` of an HTTP answer has whole seconds: the true time lies within this much after it. */
const resolutionMs = 1000;
/** Further apart than this, the machine slept or its clock was set, and what was learnt before is worth nothing. */
const toleratedJumpMs = 2000;

/** The store's clock, learnt from the `Date` of its answers and carried on by our monotonic clock. */
export interface StoreClock {
  /** `sentAt` and `answeredAt` are readings of the monotonic clock. */
  observe(date: string | undefined, sentAt: number, answeredAt: number): void;
  /** Milliseconds since the epoch; `undefined` when nothing was learnt, or too much happened since. */
  read(): number | undefined;
}

interface Learnt {
  /** Store time minus monotonic time lies between these. */
  readonly low: number;
  readonly high: number;
  /** Wall time minus monotonic time then; it changes when the machine sleeps. */
  readonly drift: number;
}

/**
 * Each answer says: at some moment between sending and answering, the store's clock stood within one second of its date. The
 * intersection of what several answers say is far closer than a second.
 */
export function createStoreClock(clock: Clock): StoreClock {
  let learnt: Learnt | undefined;
  const driftNow = (): number => clock.now() - clock.monotonic();

  return {
    observe: (date, sentAt, answeredAt) => {
      const at = date === undefined ? Number.NaN : Date.parse(date);
      if (Number.isNaN(at)) return;
      const seen = { low: at - answeredAt, high: at + resolutionMs - sentAt };
      const low = Math.max(seen.low, learnt?.low ?? seen.low);
      const high = Math.min(seen.high, learnt?.high ?? seen.high);
      // No common moment: the store's clock was set, or this machine slept. The newest answer counts.
      learnt = low <= high ? { low, high, drift: driftNow() } : { ...seen, drift: driftNow() };
    },
    read: () => {
      if (learnt === undefined || Math.abs(driftNow() - learnt.drift) > toleratedJumpMs) {
        return undefined;
      }
      return (learnt.low + learnt.high) / 2 + clock.monotonic();
    },
  };
}
