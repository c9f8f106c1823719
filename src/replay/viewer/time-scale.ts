/** A stretch of time without events, drawn narrow. Milliseconds since the epoch. */
export interface Fold {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Where moments are on an axis, in pixels from its start. Time is linear except for folds. */
export interface TimeScale {
  readonly width: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly folds: readonly Fold[];
  x(ms: number): number;
  ms(x: number): number;
}

/** Shorter silences are never folded. */
const shortestFoldMs = 10 * 60_000;
/** Longer silences are always folded: a month. */
const longestShownMs = 30 * 24 * 3_600_000;
const mostFolds = 24;
/** Pixels of a folded silence. */
export const foldWidth = 44;
/** A silence counts only relative to what is usual in the run. */
const timesUsual = 6;

/** The silences worth folding, in order. `times` are ascending. */
export function foldsOf(times: ArrayLike<number>): readonly Fold[] {
  const gaps: Fold[] = [];
  for (let index = 1; index < times.length; index += 1) {
    const [fromMs = 0, toMs = 0] = [times[index - 1], times[index]];
    if (toMs - fromMs >= 1_000) gaps.push({ fromMs, toMs });
  }
  const lengths = gaps.map(({ fromMs, toMs }) => toMs - fromMs).sort((left, right) => left - right);
  const usual = lengths[lengths.length >> 1] ?? 0;
  const shortest = Math.min(longestShownMs, Math.max(shortestFoldMs, usual * timesUsual));
  return gaps
    .filter(({ fromMs, toMs }) => toMs - fromMs >= shortest)
    .sort((left, right) => right.toMs - right.fromMs - (left.toMs - left.fromMs))
    .slice(0, mostFolds)
    .sort((left, right) => left.fromMs - right.fromMs)
    .map(padded);
}

/** A little of the silence stays on both sides. */
function padded({ fromMs, toMs }: Fold): Fold {
  const pad = Math.min(60_000, (toMs - fromMs) / 20);
  return { fromMs: fromMs + pad, toMs: toMs - pad };
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The scale on which the whole span takes `width` pixels, or `zoom` times as much. */
export function fittingScale(
  span: Span,
  folds: readonly Fold[],
  width: number,
  zoom = 1,
): TimeScale {
  const open = openMs(span, folds);
  const left = Math.max(width * 0.25, width - folds.length * foldWidth);
  return timeScale(span, folds, (left / Math.max(1, open)) * zoom);
}

function timeScale({ fromMs, toMs }: Span, folds: readonly Fold[], perMs: number): TimeScale {
  const starts: number[] = [];
  const knots: number[] = [];
  let [ms, x] = [fromMs, 0];
  const add = (nextMs: number, nextX: number): void => {
    starts.push(ms);
    knots.push(x);
    [ms, x] = [nextMs, nextX];
  };
  for (const fold of folds) {
    add(fold.fromMs, x + (fold.fromMs - ms) * perMs);
    add(fold.toMs, x + foldWidth);
  }
  add(toMs, x + (toMs - ms) * perMs);
  starts.push(ms);
  knots.push(x);
  const between = (from: readonly number[], to: readonly number[], value: number): number => {
    const index = segmentOf(from, value);
    const [a = 0, b = 0, c = 0, d = 0] = [from[index], from[index + 1], to[index], to[index + 1]];
    return b === a ? c : c + ((value - a) / (b - a)) * (d - c);
  };
  return {
    width: x,
    fromMs,
    toMs,
    folds,
    x: (at) => between(starts, knots, at),
    ms: (at) => between(knots, starts, at),
  };
}

function openMs({ fromMs, toMs }: Span, folds: readonly Fold[]): number {
  return folds.reduce((sum, fold) => sum - (fold.toMs - fold.fromMs), toMs - fromMs);
}

/** The last segment that starts at or before the value. */
function segmentOf(from: readonly number[], value: number): number {
  let [low, high] = [0, from.length - 2];
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((from[middle] ?? 0) <= value) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, low);
}

const steps = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000,
  300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000,
  86_400_000, 172_800_000, 604_800_000, 2_592_000_000, 31_536_000_000,
];

/** Moments to label between two positions on the axis, about `apart` pixels from each other, none inside a fold. */
export function ticksOf(
  scale: TimeScale,
  fromX: number,
  toX: number,
  apart: number,
): { readonly stepMs: number; readonly ticks: readonly number[] } {
  const open = openMs(scale, scale.folds);
  const perMs = (scale.width - scale.folds.length * foldWidth) / Math.max(1, open);
  const wanted = apart / Math.max(perMs, 1e-12);
  const stepMs = steps.find((step) => step >= wanted) ?? steps[steps.length - 1] ?? 1;
  const ticks: number[] = [];
  const [begin, end] = [scale.ms(fromX), scale.ms(toX)];
  for (let ms = Math.ceil(begin / stepMs) * stepMs; ms <= end; ms += stepMs) {
    const fold = scale.folds.find(({ fromMs, toMs }) => ms > fromMs && ms < toMs);
    if (fold === undefined) ticks.push(ms);
    else ms = Math.floor(fold.toMs / stepMs) * stepMs;
  }
  return { stepMs, ticks };
}
