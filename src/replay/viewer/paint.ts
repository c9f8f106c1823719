import type { PageStream } from '../page/data.js';
import { wordOf } from '../timeline/entry.js';
import { isoOf, shown } from './dom.js';
import type { Entries } from './entries.js';
import {
  type Lane,
  type PlacedBar,
  type PlacedMark,
  type PlacedStrip,
  sizes,
} from './lane-layout.js';
import { type Colors, colorNameOf } from './theme.js';
import { foldWidth, type TimeScale, ticksOf } from './time-scale.js';

/** The visible area, in pixels of the whole drawing. */
export interface View {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Drawing {
  readonly entries: Entries;
  readonly streams: readonly PageStream[];
  readonly lanes: readonly Lane[];
  readonly scale: TimeScale;
  readonly colors: Colors;
}

export const axisHeight = 34;
/** With more in view, arrows would be a wall; in a crowd, where marks have no labels, there are none. */
const mostArrows = 400;

type Canvas = CanvasRenderingContext2D;

export function paint(canvas: Canvas, drawing: Drawing, view: View): void {
  canvas.clearRect(0, 0, view.width, view.height);
  canvas.save();
  canvas.translate(-view.left, axisHeight - view.top);
  for (const [index, lane] of drawing.lanes.entries()) {
    if (!isInView(lane, view)) continue;
    canvas.fillStyle = index % 2 === 0 ? drawing.colors.lane : drawing.colors.paper;
    canvas.fillRect(view.left, lane.top, view.width, lane.height);
  }
  paintFolds(canvas, drawing, view);
  for (const lane of drawing.lanes) {
    if (!isInView(lane, view)) continue;
    for (const strip of lane.strips) paintStrip(canvas, drawing, strip, view);
  }
  paintArrows(canvas, drawing, view);
  for (const lane of drawing.lanes) {
    if (!isInView(lane, view)) continue;
    for (const bar of lane.bars) if (isAcross(bar, view)) paintBar(canvas, drawing, bar, view);
    paintMarks(canvas, drawing, lane.visibleMarks, view);
  }
  canvas.restore();
  paintAxis(canvas, drawing, view);
}

function isInView(lane: Lane, { top, height }: View): boolean {
  return lane.top < top + height && lane.top + lane.height > top;
}

function isAcross(
  { x, width }: { readonly x: number; readonly width: number },
  view: View,
): boolean {
  return x < view.left + view.width && x + width > view.left;
}

function paintFolds(canvas: Canvas, { scale, lanes, colors }: Drawing, view: View): void {
  const last = lanes[lanes.length - 1];
  const bottom = last === undefined ? 0 : last.top + last.height;
  for (const fold of scale.folds) {
    const x = scale.x(fold.fromMs);
    if (!isAcross({ x, width: foldWidth }, view)) continue;
    canvas.save();
    canvas.beginPath();
    canvas.rect(x, 0, foldWidth, bottom);
    canvas.clip();
    canvas.strokeStyle = colors.line;
    canvas.lineWidth = 1;
    canvas.beginPath();
    const [from, to] = [
      Math.max(0, view.top - foldWidth),
      Math.min(bottom, view.top + view.height),
    ];
    for (let y = from - (from % 8); y < to; y += 8) {
      canvas.moveTo(x, y + foldWidth);
      canvas.lineTo(x + foldWidth, y);
    }
    canvas.stroke();
    canvas.restore();
  }
}

function paintStrip(canvas: Canvas, drawing: Drawing, strip: PlacedStrip, view: View): void {
  if (!isAcross(strip, view)) return;
  const { colors, streams, scale } = drawing;
  const { x, y, width, height } = strip;
  canvas.fillStyle = colors.strip;
  canvas.globalAlpha = 0.16;
  roundedBox(canvas, x, y, width, height, 3);
  canvas.fill();
  const times = streams[strip.stream]?.sampleMs ?? [];
  const bins = new Map<number, number>();
  const binWidth = 3;
  for (const ms of times) {
    const at = scale.x(ms);
    if (at < view.left - binWidth || at > view.left + view.width) continue;
    const bin = Math.floor(at / binWidth);
    bins.set(bin, (bins.get(bin) ?? 0) + 1);
  }
  const most = Math.max(1, ...bins.values());
  for (const [bin, count] of bins) {
    canvas.globalAlpha = 0.35 + 0.65 * (count / most);
    canvas.fillRect(bin * binWidth, y + 2, binWidth - 0.6, height - 4);
  }
  canvas.globalAlpha = 1;
}

const endColors = {
  complete: 'done',
  blocked: 'blocked',
  needs_review: 'amber',
  released: 'faint',
  'taken over': 'amber',
  expired: 'amber',
  held: 'claimEdge',
} as const satisfies Readonly<Record<PlacedBar['bar']['end'], keyof Colors>>;

function paintBar(canvas: Canvas, { colors }: Drawing, placed: PlacedBar, view: View): void {
  const { bar, x, width, y } = placed;
  const color = colors[endColors[bar.end]];
  roundedBox(canvas, x, y, width, sizes.bar, 5);
  canvas.fillStyle = colors.paper;
  canvas.fill();
  canvas.fillStyle = bar.end === 'blocked' ? color : colors.claim;
  canvas.globalAlpha = bar.end === 'blocked' ? 0.2 : 1;
  canvas.fill();
  canvas.globalAlpha = 1;
  canvas.strokeStyle = color;
  canvas.lineWidth = 1.5;
  canvas.setLineDash(bar.end === 'held' || bar.end === 'expired' ? [4, 3] : []);
  canvas.stroke();
  canvas.setLineDash([]);
  const from = Math.max(x, view.left);
  const room = Math.min(x + width, view.left + view.width) - from - 14;
  if (room < 24) return;
  canvas.fillStyle = bar.end === 'blocked' ? color : colors.ink;
  canvas.font = fonts.strong;
  canvas.textBaseline = 'middle';
  const label = bar.end === 'complete' ? bar.step : `${bar.step} · ${bar.end.replace('_', ' ')}`;
  canvas.fillText(fitted(canvas, shown(label), room), from + 7, y + sizes.bar / 2 + 0.5);
}

/** From the sender's mark to the recipient's lane; a broadcast goes to all. */
function paintArrows(canvas: Canvas, drawing: Drawing, view: View): void {
  const { lanes, entries, colors } = drawing;
  const laneOf = new Map(lanes.map((lane) => [lane.agent, lane]));
  let count = 0;
  canvas.strokeStyle = colors.message;
  canvas.fillStyle = colors.message;
  for (const lane of lanes) {
    const marks = lane.visibleMarks;
    const [from, to] = marksBetween(marks, view.left - 40, view.left + view.width + 40);
    for (let index = from; index < to; index += 1) {
      const mark = marks[index];
      if (mark === undefined || count > mostArrows) break;
      if (!mark.hasWord) continue;
      const type = entries.type(mark.entry);
      const recipient = laneOf.get(entries.to(mark.entry) ?? '');
      const targets =
        type === 'message.broadcast' ? lanes : type === 'message.sent' ? [recipient] : [];
      for (const target of targets) {
        if (target === undefined || target === lane || target.agent === '') continue;
        paintArrow(canvas, mark, target, type === 'message.broadcast' ? 0.35 : 0.75);
        count += 1;
      }
    }
  }
  canvas.globalAlpha = 1;
}

function paintArrow(canvas: Canvas, { x, y }: PlacedMark, target: Lane, alpha: number): void {
  const isDown = target.top > y;
  const direction = isDown ? 1 : -1;
  const endX = x + 22;
  const endY = isDown ? target.top + 5 : target.top + target.height - 5;
  const startY = y + direction * (sizes.mark + 1);
  canvas.globalAlpha = alpha;
  canvas.lineWidth = 1.4;
  canvas.beginPath();
  canvas.moveTo(x, startY);
  canvas.bezierCurveTo(
    x,
    startY + direction * 26,
    endX,
    endY - direction * 40,
    endX,
    endY - direction * 6,
  );
  canvas.stroke();
  canvas.beginPath();
  canvas.moveTo(endX, endY);
  canvas.lineTo(endX - 4.5, endY - direction * 8);
  canvas.lineTo(endX + 4.5, endY - direction * 8);
  canvas.closePath();
  canvas.fill();
}

function paintMarks(
  canvas: Canvas,
  { entries, colors }: Drawing,
  marks: readonly PlacedMark[],
  view: View,
): void {
  const [from, to] = marksBetween(marks, view.left - 160, view.left + view.width + 20);
  canvas.textBaseline = 'middle';
  canvas.font = fonts.word;
  for (let index = from; index < to; index += 1) {
    const mark = marks[index];
    if (mark === undefined) continue;
    const type = entries.type(mark.entry);
    const color = colors[colorNameOf(type)];
    paintGlyph(canvas, type, mark, color, colors.paper);
    if (!mark.hasWord) continue;
    canvas.fillStyle = type === 'step.blocked' ? color : colors.ink;
    canvas.fillText(shown(wordOf(type)), mark.x + sizes.mark + 4, mark.y + 0.5);
  }
}

function paintGlyph(
  canvas: Canvas,
  type: string,
  mark: PlacedMark,
  color: string,
  paper: string,
): void {
  const { x, y } = mark;
  const r = sizes.mark - 1;
  canvas.fillStyle = color;
  canvas.strokeStyle = paper;
  canvas.lineWidth = 1.5;
  canvas.beginPath();
  if (type.startsWith('memory.')) canvas.rect(x - r + 1, y - r + 1, 2 * r - 2, 2 * r - 2);
  else if (type.startsWith('artifact.'))
    polygon(canvas, [x, y - r - 1], [x + r + 1, y], [x, y + r + 1], [x - r - 1, y]);
  else if (type.startsWith('message.'))
    polygon(canvas, [x - r, y - r + 1], [x + r + 1, y], [x - r, y + r - 1]);
  else canvas.arc(x, y, r, 0, 2 * Math.PI);
  canvas.fill();
  // In a crowd outlines are invisible, and cost as much as everything else.
  if (!mark.hasWord) return;
  canvas.stroke();
  if (type !== 'step.blocked' && type !== 'step.claim_rejected') return;
  canvas.strokeStyle = paper;
  canvas.lineWidth = 2;
  canvas.beginPath();
  canvas.moveTo(x - 2.4, y - 2.4);
  canvas.lineTo(x + 2.4, y + 2.4);
  canvas.moveTo(x + 2.4, y - 2.4);
  canvas.lineTo(x - 2.4, y + 2.4);
  canvas.stroke();
}

function paintAxis(canvas: Canvas, { scale, colors }: Drawing, view: View): void {
  canvas.fillStyle = colors.paper;
  canvas.fillRect(0, 0, view.width, axisHeight);
  canvas.strokeStyle = colors.line;
  canvas.lineWidth = 1;
  canvas.beginPath();
  canvas.moveTo(0, axisHeight - 0.5);
  canvas.lineTo(view.width, axisHeight - 0.5);
  const { stepMs, ticks } = ticksOf(scale, view.left, view.left + view.width, 84);
  canvas.font = fonts.axis;
  canvas.textBaseline = 'middle';
  canvas.fillStyle = colors.faint;
  let free = -Infinity;
  for (const fold of scale.folds) {
    const x = scale.x(fold.fromMs) - view.left;
    if (x < -foldWidth || x > view.width) continue;
    const label = `⋯ ${shortDuration(fold.toMs - fold.fromMs)}`;
    const half = canvas.measureText(label).width / 2;
    const middle = x + foldWidth / 2;
    if (middle - half < free) continue;
    free = middle + half + 6;
    canvas.textAlign = 'center';
    canvas.fillText(label, middle, axisHeight / 2);
  }
  free = -Infinity;
  canvas.textAlign = 'left';
  for (const ms of ticks) {
    const x = scale.x(ms) - view.left;
    const label = axisLabel(ms, stepMs);
    const isOverFold = scale.folds.some((fold) => {
      const at = scale.x(fold.fromMs) - view.left;
      return x + 70 > at - 14 && x < at + foldWidth + 14;
    });
    canvas.moveTo(x + 0.5, axisHeight - 7);
    canvas.lineTo(x + 0.5, axisHeight);
    if (x < free || isOverFold) continue;
    canvas.fillText(label, x + 5, axisHeight / 2);
    free = x + 5 + canvas.measureText(label).width + 16;
  }
  canvas.stroke();
}

export const fonts = {
  word: '12px system-ui, sans-serif',
  strong: '600 12px system-ui, sans-serif',
  axis: '11.5px system-ui, sans-serif',
} as const;

/** UTC, like everything tracecraft prints. */
function axisLabel(ms: number, stepMs: number): string {
  const iso = isoOf(ms);
  if (stepMs >= 86_400_000) return iso.slice(0, 10);
  if (stepMs >= 60_000) return ms % 86_400_000 === 0 ? iso.slice(0, 10) : iso.slice(11, 16);
  return stepMs >= 1_000 ? iso.slice(11, 19) : iso.slice(14, 23);
}

function shortDuration(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours}h` : `${hours}h ${minutes % 60}m`;
  return `${Math.round(hours / 24)}d`;
}

/** Indices of the marks between two positions; they are in ascending order. */
export function marksBetween(
  marks: readonly PlacedMark[],
  from: number,
  to: number,
): [number, number] {
  const first = (x: number): number => {
    let [low, high] = [0, marks.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((marks[middle]?.x ?? 0) < x) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return [first(from), first(to)];
}

function fitted(canvas: Canvas, label: string, room: number): string {
  if (canvas.measureText(label).width <= room) return label;
  let cut = label.slice(0, 60);
  while (cut.length > 1 && canvas.measureText(`${cut}…`).width > room) cut = cut.slice(0, -1);
  return `${cut}…`;
}

function roundedBox(
  canvas: Canvas,
  x: number,
  y: number,
  width: number,
  height: number,
  r: number,
) {
  canvas.beginPath();
  canvas.roundRect(x, y, width, height, Math.min(r, width / 2));
}

function polygon(canvas: Canvas, ...points: readonly (readonly [number, number])[]): void {
  for (const [x, y] of points) canvas.lineTo(x, y);
  canvas.closePath();
}
