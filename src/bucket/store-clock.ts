import type { Clock } from '../clock.js';

/** An HTTP `Date` has whole seconds: the true time is within this much after it. */
const resolutionMs = 1000;
/**
 * A larger drift means that the machine slept or its clock was set, so earlier observations are
 * worthless.
 */
const toleratedJumpMs = 2000;

/** The store's clock, learnt from the `Date` of its answers and advanced by our monotonic clock. */
export interface StoreClock {
  /** `sentAt` and `answeredAt` are monotonic. */
  observe(date: string | undefined, sentAt: number, answeredAt: number): void;
  /** Milliseconds since the epoch; `undefined` if nothing was learnt or too much has happened since. */
  read(): number | undefined;
}

interface Learnt {
  /** Store time minus monotonic time lies between these. */
  readonly low: number;
  readonly high: number;
  /** Wall time minus monotonic time back then; changes when the machine sleeps. */
  readonly drift: number;
}

/**
 * Each answer says: at some moment between sending and answering, the store's clock was within one second of its
 * date. Intersecting several answers gets far below a second.
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
      // No common moment: the store's clock was set, or this machine slept. The newest answer wins.
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
