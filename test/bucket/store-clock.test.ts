import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createStoreClock } from '../../src/bucket/store-clock.js';
import type { Clock } from '../../src/clock.js';

/** A machine whose clocks a test sets, and a store whose clock is `offset` ahead of the monotonic one. */
function machine() {
  const state = { monotonic: 5_000, wall: 1_700_000_000_000, offset: 1_800_000_000_123 };
  const clock: Clock = {
    now: () => state.wall,
    monotonic: () => state.monotonic,
    sleep: async () => undefined,
  };
  const pass = (ms: number): void => {
    state.monotonic += ms;
    state.wall += ms;
  };
  const storeTime = (): number => state.monotonic + state.offset;
  const store = createStoreClock(clock);
  const exchange = (thereMs: number, backMs: number): void => {
    const sentAt = state.monotonic;
    pass(thereMs);
    const date = new Date(storeTime()).toUTCString();
    pass(backMs);
    store.observe(date, sentAt, state.monotonic);
  };
  return { state, pass, storeTime, store, exchange };
}

describe("the store's clock", () => {
  it('is unknown before the first answer, and after a nonsensical one', () => {
    const { store } = machine();
    expect(store.read()).toBeUndefined();
    store.observe(undefined, 0, 1);
    store.observe('yesterday', 0, 1);
    expect(store.read()).toBeUndefined();
  });

  it('is known to half a second after one answer, more precisely after several, never less', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(300), fc.nat(300), fc.nat(5_000)), {
          minLength: 1,
          maxLength: 30,
        }),
        (exchanges) => {
          const { pass, storeTime, store, exchange } = machine();
          let bound = Number.POSITIVE_INFINITY;
          for (const [there, back, pause] of exchanges) {
            exchange(there, back);
            bound = Math.min(bound, (1_000 + there + back) / 2);
            pass(pause);
            const error = Math.abs((store.read() ?? Number.NaN) - storeTime());
            expect(error).toBeLessThanOrEqual(bound + 0.001);
          }
        },
      ),
    );
  });

  it('is followed at once if it is set to another time', () => {
    const { state, storeTime, store, exchange } = machine();
    for (let round = 0; round < 5; round += 1) exchange(10, 10);
    state.offset -= 3_600_000;
    exchange(10, 10);
    expect(Math.abs((store.read() ?? 0) - storeTime())).toBeLessThanOrEqual(511);
  });

  it('is forgotten if this machine slept or its clock was set', () => {
    const { state, storeTime, store, exchange } = machine();
    exchange(10, 10);
    state.wall += 3_600_000;
    state.offset += 3_600_000;
    expect(store.read()).toBeUndefined();
    exchange(10, 10);
    expect(Math.abs((store.read() ?? 0) - storeTime())).toBeLessThanOrEqual(511);
    state.wall -= 86_400_000;
    expect(store.read()).toBeUndefined();
  });
});
