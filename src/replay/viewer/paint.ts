import { axisHeight, paintAxis } from './axis.js';
import { type Canvas, type Drawing, fitted, isAcross, roundedBox, type View } from './canvas.js';
import { shown } from './dom.js';
import { type Lane, type PlacedBar, sizes } from './lane-layout.js';
import { paintArrows, paintMarks } from './paint-marks.js';
import { paintStrip, paintStripLabel } from './paint-strips.js';
import { noteOf } from './story.js';
import { type Colors, fonts } from './theme.js';

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
    for (const strip of lane.strips) paintStripLabel(canvas, drawing, strip, view);
  }
  canvas.restore();
  paintAxis(canvas, drawing.scale, drawing.colors, view);
}

function isInView(lane: Lane, { top, height }: View): boolean {
  return lane.top < top + height && lane.top + lane.height > top;
}

function paintFolds(canvas: Canvas, { scale, lanes, colors }: Drawing, view: View): void {
  const last = lanes[lanes.length - 1];
  const bottom = last === undefined ? 0 : last.top + last.height;
  const { foldWidth } = scale;
  for (const fold of scale.folds) {
    const x = scale.x(fold.fromMs);
    if (!isAcross({ x, width: foldWidth }, view)) continue;
    canvas.fillStyle = colors.line;
    canvas.globalAlpha = 0.25;
    canvas.fillRect(x, 0, foldWidth, bottom);
    canvas.globalAlpha = 1;
  }
}

const endColors = {
  complete: 'done',
  blocked: 'blocked',
  needs_review: 'amber',
  released: 'faint',
  'taken over': 'amber',
  expired: 'amber',
  held: 'claimEdge',
  planned: 'faint',
} as const satisfies Readonly<Record<PlacedBar['bar']['end'], keyof Colors>>;

function paintBar(canvas: Canvas, drawing: Drawing, placed: PlacedBar, view: View): void {
  const { colors } = drawing;
  const { bar, x, width, y } = placed;
  const isDone = bar.end === 'complete' || bar.verdict === 'approved';
  const color = isDone ? colors.done : colors[endColors[bar.end]];
  roundedBox(canvas, x, y, width, sizes.bar, 5);
  canvas.fillStyle = colors.paper;
  canvas.fill();
  if (bar.end !== 'planned') {
    canvas.fillStyle = bar.end === 'blocked' ? color : colors.claim;
    canvas.globalAlpha = bar.end === 'blocked' ? 0.2 : 1;
    canvas.fill();
  }
  canvas.globalAlpha = 1;
  canvas.strokeStyle = color;
  canvas.lineWidth = 1.5;
  canvas.setLineDash(isOpenEnded(bar) ? [4, 3] : []);
  canvas.stroke();
  canvas.setLineDash([]);
  if (bar.verdict === 'rejected') paintNotch(canvas, placed, colors.blocked);
  paintLabel(canvas, drawing, placed, view);
}

function isOpenEnded({ end }: PlacedBar['bar']): boolean {
  return end === 'held' || end === 'expired' || end === 'planned';
}

/** A step that was sent back has a notch in its bar's end. */
function paintNotch(canvas: Canvas, { x, width, y }: PlacedBar, color: string): void {
  const right = x + width;
  canvas.fillStyle = color;
  canvas.beginPath();
  canvas.moveTo(right - 9, y);
  canvas.lineTo(right, y);
  canvas.lineTo(right, y + 9);
  canvas.closePath();
  canvas.fill();
}

function paintLabel(
  canvas: Canvas,
  { colors, entries }: Drawing,
  { bar, x, width, y }: PlacedBar,
  view: View,
): void {
  const from = Math.max(x + 3, view.left);
  const room = Math.min(x + width, view.left + view.width) - from - 22;
  if (room < 24) return;
  canvas.fillStyle =
    bar.end === 'blocked' ? colors.blocked : bar.end === 'planned' ? colors.faint : colors.ink;
  canvas.font = fonts.strong;
  canvas.textBaseline = 'middle';
  canvas.textAlign = 'left';
  const note = noteOf(entries, bar);
  const label = `${bar.step}${endText(bar, note)}${note}`;
  canvas.fillText(fitted(canvas, shown(label), room), from + 8, y + sizes.bar / 2 + 0.5);
}

function endText({ end, verdict }: PlacedBar['bar'], note: string): string {
  if (end === 'complete' || verdict === 'approved') return ' ✓ ';
  const word = verdict === 'rejected' ? 'sent back' : end.replace('_', ' ');
  return ` · ${word}${note === '' ? '' : ': '}`;
}
