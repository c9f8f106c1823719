import { isoOf } from './dom.js';
import { type Colors, fonts } from './theme.js';
import { type TimeScale, ticksOf } from './time-scale.js';

/** Pixels: dates above, times below. */
export const axisHeight = 44;
const dateRow = 13;
const timeRow = 31;
const dayMs = 86_400_000;

type Canvas = CanvasRenderingContext2D;

interface Strip {
  readonly left: number;
  readonly width: number;
}

/** Dates and times, UTC, like everything tracecraft prints. At least one date is always in view. */
export function paintAxis(canvas: Canvas, scale: TimeScale, colors: Colors, view: Strip): void {
  canvas.fillStyle = colors.paper;
  canvas.fillRect(0, 0, view.width, axisHeight);
  canvas.strokeStyle = colors.line;
  canvas.lineWidth = 1;
  canvas.beginPath();
  canvas.moveTo(0, axisHeight - 0.5);
  canvas.lineTo(view.width, axisHeight - 0.5);
  canvas.textBaseline = 'middle';
  canvas.textAlign = 'left';
  const ticks = ticksOf(scale, view.left, view.left + view.width, 70);
  paintTimes(canvas, scale, colors, view, ticks);
  canvas.stroke();
  paintDates(canvas, scale, colors, view);
}

function paintTimes(
  canvas: Canvas,
  scale: TimeScale,
  colors: Colors,
  view: Strip,
  ticks: ReturnType<typeof ticksOf>,
): void {
  canvas.font = fonts.axis;
  canvas.fillStyle = colors.faint;
  for (const fold of scale.folds) {
    const label = durationLabel(fold.toMs - fold.fromMs);
    const [x, width] = [scale.x(fold.fromMs) - view.left, canvas.measureText(label).width];
    if (width < scale.foldWidth) {
      canvas.fillText(label, x + (scale.foldWidth - width) / 2, timeRow);
    }
  }
  let free = -Infinity;
  for (const { x, label } of timesOf(scale, ticks, view)) {
    canvas.moveTo(Math.round(x) + 0.5, axisHeight - 6);
    canvas.lineTo(Math.round(x) + 0.5, axisHeight);
    const width = canvas.measureText(label).width;
    const at = Math.max(3, x - width / 2);
    const isOverFold = scale.folds.some((fold) => {
      const fromX = scale.x(fold.fromMs) - view.left;
      return scale.foldWidth > 30 && at + width > fromX && at < fromX + scale.foldWidth;
    });
    if (label === '' || at < free || at + width > view.width || isOverFold) continue;
    canvas.fillText(label, at, timeRow);
    free = at + width + 10;
  }
}

/** The round times, or an island's beginning if it contains none. */
function timesOf(scale: TimeScale, ticks: ReturnType<typeof ticksOf>, view: Strip) {
  const round = ticks.map(({ ms, stepMs }) => ({ ms, label: timeLabel(ms, stepMs) }));
  const bare = scale.islands
    .filter(({ fromMs, toMs }) => !round.some(({ ms }) => ms >= fromMs && ms <= toMs))
    .map(({ fromMs }) => ({ ms: fromMs, label: timeLabel(fromMs, 60_000) }));
  return [...round, ...bare]
    .map(({ ms, label }) => ({ x: scale.x(ms) - view.left, label }))
    .filter(({ x }) => x >= -40 && x <= view.width + 40)
    .sort((left, right) => left.x - right.x);
}

function timeLabel(ms: number, stepMs: number): string {
  const iso = isoOf(ms);
  if (stepMs >= dayMs) return '';
  if (stepMs >= 60_000) return iso.slice(11, 16);
  return stepMs >= 1_000 ? iso.slice(11, 19) : iso.slice(14, 23);
}

function paintDates(canvas: Canvas, scale: TimeScale, colors: Colors, view: Strip): void {
  canvas.font = fonts.date;
  canvas.fillStyle = colors.ink;
  let [free, told] = [-Infinity, { day: '', year: '' }];
  for (const { x, ms } of daysOf(scale, view)) {
    const iso = isoOf(ms);
    const [day, year] = [iso.slice(0, 10), iso.slice(0, 4)];
    if (day === told.day || x < free) continue;
    const label = dateLabel(ms, year !== told.year);
    const width = canvas.measureText(label).width;
    if (x + width > view.width && free > 0) continue;
    canvas.fillText(label, x, dateRow);
    free = x + width + 14;
    told = { day, year };
  }
}

/** The left edge, the beginning of each island, and each midnight in view. */
function daysOf(
  scale: TimeScale,
  view: Strip,
): readonly { readonly x: number; readonly ms: number }[] {
  const [begin, end] = [scale.ms(view.left), scale.ms(view.left + view.width)];
  const days: { x: number; ms: number }[] = [{ x: 4, ms: begin }];
  for (const island of scale.islands) {
    if (island.toMs < begin || island.fromMs > end) continue;
    const from = Math.max(island.fromMs, begin);
    const to = Math.min(island.toMs, end);
    const most = 400;
    const step = Math.max(1, Math.ceil((to - from) / dayMs / most)) * dayMs;
    days.push({ x: scale.x(from) - view.left, ms: from });
    for (let ms = Math.ceil(from / dayMs) * dayMs; ms <= to; ms += step) {
      days.push({ x: scale.x(ms) - view.left + 4, ms });
    }
  }
  return days.filter(({ x }) => x >= 0).sort((left, right) => left.x - right.x);
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `22 Nov`, with the year if it differs from the previous one. */
function dateLabel(ms: number, hasYear: boolean): string {
  const iso = isoOf(ms);
  const month = months[Number(iso.slice(5, 7)) - 1];
  if (month === undefined || iso.length !== 24) return iso.slice(0, 10);
  const day = `${Number(iso.slice(8, 10))} ${month}`;
  return hasYear ? `${day} ${iso.slice(0, 4)}` : day;
}

/** `23 min`, `14 h 41 min`, `22 days`. */
function durationLabel(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.round(hours / 24)} days`;
  return minutes % 60 === 0 || hours >= 10 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}
