/** A stretch of time without events, drawn narrow. Milliseconds since the epoch. */
export interface Fold {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Where moments are on an axis, in pixels from its start. Time is linear between folds. */
export interface TimeScale {
  readonly width: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly folds: readonly Fold[];
  /** Pixels of a fold. */
  readonly foldWidth: number;
  /** The stretches between the folds. */
  readonly islands: readonly Island[];
  x(ms: number): number;
  ms(x: number): number;
}

export interface Island {
  readonly fromMs: number;
  readonly toMs: number;
  readonly x: number;
  readonly width: number;
}

/** Shorter silences are never folded. */
const shortestFoldMs = 10 * 60_000;
/** Longer silences are always folded: a month. */
const longestShownMs = 30 * 24 * 3_600_000;
const mostFolds = 24;
/** Width of a folded silence in pixels, less if there are many. */
const widestFold = 44;
const narrowestFold = 10;
/** The largest share of the total width that folds may take. */
const foldsShare = 0.35;
/**
 * Minimum width of an island in pixels, however short it is, as long as that leaves room for the
 * others.
 */
const leastIsland = 56;
const islandsShare = 0.6;
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
  const wanted = (width * foldsShare) / Math.max(1, folds.length);
  const foldWidth = Math.max(narrowestFold, Math.min(widestFold, wanted));
  const left = Math.max(width * 0.25, width - folds.length * foldWidth);
  const count = folds.length + 1;
  const least = count === 1 ? 0 : Math.min(leastIsland, (left * islandsShare) / count);
  const perMs = (left - least * count) / Math.max(1, openMs(span, folds));
  return timeScale(span, folds, foldWidth, (ms) => (least + ms * perMs) * zoom);
}

function timeScale(
  { fromMs, toMs }: Span,
  folds: readonly Fold[],
  foldWidth: number,
  pixelsOf: (ms: number) => number,
): TimeScale {
  const islands: Island[] = [];
  let [ms, x] = [fromMs, 0];
  for (const end of [...folds.map((fold) => fold.fromMs), toMs]) {
    const width = pixelsOf(Math.max(0, end - ms));
    islands.push({ fromMs: ms, toMs: end, x, width });
    ms = folds[islands.length - 1]?.toMs ?? end;
    x += width + foldWidth;
  }
  const starts = islands.flatMap((one) => [one.fromMs, one.toMs]);
  const knots = islands.flatMap((one) => [one.x, one.x + one.width]);
  const between = (from: readonly number[], to: readonly number[], value: number): number => {
    const index = segmentOf(from, value);
    const [a = 0, b = 0, c = 0, d = 0] = [from[index], from[index + 1], to[index], to[index + 1]];
    return b === a ? c : c + ((value - a) / (b - a)) * (d - c);
  };
  return {
    width: x - foldWidth,
    fromMs,
    toMs,
    folds,
    foldWidth,
    islands,
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

export interface Tick {
  readonly ms: number;
  /** The distance between ticks, which determines how precisely times are labelled. */
  readonly stepMs: number;
}

/** Round moments between two positions on the axis, at least `apart` pixels from each other; none inside a fold. */
export function ticksOf(
  { islands }: TimeScale,
  fromX: number,
  toX: number,
  apart: number,
): readonly Tick[] {
  return islands.flatMap((island) => {
    const { fromMs, toMs, x, width } = island;
    if (x + width < fromX || x > toX) return [];
    const msPerPixel = (toMs - fromMs) / Math.max(width, 1e-9);
    const wanted = apart * msPerPixel;
    const stepMs = steps.find((step) => step >= wanted) ?? steps[steps.length - 1] ?? 1;
    const begin = Math.max(fromMs, fromMs + (fromX - x) * msPerPixel);
    const end = Math.min(toMs, fromMs + (toX - x) * msPerPixel);
    const ticks: Tick[] = [];
    for (let ms = Math.ceil(begin / stepMs) * stepMs; ms <= end; ms += stepMs) {
      ticks.push({ ms, stepMs });
    }
    return ticks;
  });
}
