import { describe, expect, it } from 'vitest';
import { fittingScale, foldsOf, ticksOf } from '../../src/replay/viewer/time-scale.js';

const minute = 60_000;

describe('folds', () => {
  it('are the long silences of a run, minus a little on both sides', () => {
    const times = [0, 1, 2, 3, 4, 5].flatMap((n) => [n * minute, n * minute + 200 * minute]);
    times.sort((left, right) => left - right);
    const [fold, ...others] = foldsOf(times);
    expect(others).toEqual([]);
    expect(fold?.fromMs).toBeGreaterThan(5 * minute);
    expect(fold?.toMs).toBeLessThan(200 * minute);
  });

  it('are absent in a run that is slow throughout, and never many', () => {
    expect(foldsOf(Array.from({ length: 20 }, (_, n) => n * 15 * minute))).toEqual([]);
    const times = Array.from(
      { length: 1_000 },
      (_, n) => Math.floor(n / 2) * 60 * minute + (n % 2) * 5_000,
    );
    expect(foldsOf(times).length).toBeLessThanOrEqual(24);
    expect(foldsOf([])).toEqual([]);
  });
});

describe('a scale', () => {
  const span = { fromMs: 0, toMs: 300 * minute };
  const folds = [{ fromMs: 10 * minute, toMs: 280 * minute }];
  const scale = fittingScale(span, folds, 1_000);

  it('fills the given width, with a fixed width per fold', () => {
    expect(scale.width).toBeCloseTo(1_000);
    expect(scale.x(280 * minute) - scale.x(10 * minute)).toBeCloseTo(44);
    expect(fittingScale(span, folds, 1_000, 10).width).toBeGreaterThan(9_000);
  });

  it('maps positions back to their times', () => {
    for (const ms of [0, 5 * minute, 10 * minute, 100 * minute, 290 * minute, 300 * minute]) {
      expect(scale.ms(scale.x(ms))).toBeCloseTo(ms, 3);
    }
  });

  it('labels round times, and none inside a fold', () => {
    const ticks = ticksOf(scale, 0, scale.width, 100);
    expect(ticks.length).toBeGreaterThan(4);
    for (const { ms, stepMs } of ticks) {
      expect(ms % stepMs).toBe(0);
      expect(ms <= 10 * minute || ms >= 280 * minute).toBe(true);
    }
  });

  it('leaves room for each island, however short it is and however many silences there are', () => {
    const times = Array.from({ length: 24 }, (_, n) => n * n * 1_000 * minute);
    const many = foldsOf([...times, ...times.map((ms) => ms + minute)].sort((l, r) => l - r));
    const last = (times.at(-1) ?? 0) + minute;
    const narrow = fittingScale({ fromMs: 0, toMs: last }, many, 1_000);
    expect(many.length).toBeGreaterThan(15);
    expect(narrow.width).toBeCloseTo(1_000);
    expect(Math.min(...narrow.islands.map(({ width }) => width))).toBeGreaterThan(15);
    for (const { fromMs, toMs, x } of narrow.islands) {
      expect(narrow.x(fromMs)).toBeCloseTo(x);
      expect(narrow.ms(narrow.x(toMs))).toBeCloseTo(toMs, 0);
    }
  });
});
