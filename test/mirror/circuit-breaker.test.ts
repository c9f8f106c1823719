import { describe, expect, it } from 'vitest';
import { NotAllowedError, NotFoundError, UnreachableError, UsageError } from '../../src/errors.js';
import { CircuitBreaker } from '../../src/mirror/watch/circuit-breaker.js';

const unreachable = new UnreachableError('no answer');
const refused = new NotAllowedError('these keys are refused');
const worst = (): number => 1;
const best = (): number => 0;

/** How long each of so many failures in a row, all at one time, keeps the store closed. */
function delays(breaker: CircuitBreaker, count: number): number[] {
  return Array.from({ length: count }, () => {
    breaker.failed(unreachable, 0);
    return breaker.notBeforeMs;
  });
}

describe('the breaker', () => {
  it('lets everything through at first', () => {
    const breaker = new CircuitBreaker();
    expect(breaker.notBeforeMs).toBe(0);
    expect(breaker.trouble).toBeUndefined();
  });

  it('waits longer after each failure, up to about a minute', () => {
    const seconds = delays(new CircuitBreaker(worst), 12).map((ms) => ms / 1_000);
    expect(seconds.slice(0, 4)).toEqual([1.25, 2.25, 4.25, 8.25]);
    expect(seconds.every((one, index) => one >= (seconds[index - 1] ?? 0))).toBe(true);
    expect(seconds.at(-1)).toBe(60);
  });

  it('spreads the retries of many over the wait, but never retries at once', () => {
    expect(delays(new CircuitBreaker(best), 8).every((ms) => ms === 250)).toBe(true);
  });

  it('never shortens the wait because of a later, milder failure', () => {
    let random = 1;
    const breaker = new CircuitBreaker(() => random);
    delays(breaker, 6);
    const before = breaker.notBeforeMs;
    random = 0;
    breaker.failed(unreachable, 0);
    expect(breaker.notBeforeMs).toBe(before);
  });

  it("honours the store's Retry-After", () => {
    const breaker = new CircuitBreaker(best);
    breaker.failed(new UnreachableError('slow down', { retryAfterMs: 90_000 }), 1_000);
    expect(breaker.notBeforeMs).toBe(91_000);
  });

  it('does not wait for years because of one odd answer', () => {
    const breaker = new CircuitBreaker(best);
    breaker.failed(new UnreachableError('slow down', { retryAfterMs: 1e12 }), 0);
    expect(breaker.notBeforeMs).toBe(15 * 60_000);
  });

  it.each([refused, new NotFoundError('there is no such bucket')])(
    'asks again once a minute after %s',
    (error) => {
      const breaker = new CircuitBreaker(best);
      breaker.failed(error, 5_000);
      expect(breaker.notBeforeMs).toBe(65_000);
    },
  );

  it('closes after a success, and then starts from the shortest wait', () => {
    const breaker = new CircuitBreaker(worst);
    delays(breaker, 8);
    expect(breaker.succeeded()).toBe(true);
    expect(breaker.notBeforeMs).toBe(0);
    expect(delays(breaker, 1)).toEqual([1_250]);
  });

  it('reports a recovery only after a failure', () => {
    expect(new CircuitBreaker().succeeded()).toBe(false);
  });

  it('reports a failure once, and again if it is a different one', () => {
    const breaker = new CircuitBreaker();
    const news = [unreachable, unreachable, refused, refused, unreachable].map(
      (error) => breaker.failed(error, 0).isNews,
    );
    expect(news).toEqual([true, false, true, false, true]);
    breaker.succeeded();
    expect(breaker.failed(unreachable, 0).isNews).toBe(true);
  });

  it.each([new UsageError('a bad name'), new TypeError('a mistake'), 'text', undefined])(
    "ignores errors that are not the store's: %s",
    (error) => {
      const breaker = new CircuitBreaker();
      expect(breaker.failed(error, 1_000)).toEqual({ isTheStores: false, isNews: true });
      expect(breaker.notBeforeMs).toBe(0);
      expect(breaker.trouble).toBeUndefined();
    },
  );
});
