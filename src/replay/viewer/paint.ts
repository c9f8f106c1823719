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
} as const satisfies Readonly<Record<PlacedBar['bar']['end'], keyof Colors>>;

function paintBar(canvas: Canvas, drawing: Drawing, placed: PlacedBar, view: View): void {
  const { colors, entries } = drawing;
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
  const from = Math.max(x + 3, view.left);
  const room = Math.min(x + width, view.left + view.width) - from - 22;
  if (room < 24) return;
  canvas.fillStyle = bar.end === 'blocked' ? color : colors.ink;
  canvas.font = fonts.strong;
  canvas.textBaseline = 'middle';
  canvas.textAlign = 'left';
  const note = noteOf(entries, bar);
  const end =
    bar.end === 'complete' ? ' ✓ ' : ` · ${bar.end.replace('_', ' ')}${note === '' ? '' : ': '}`;
  const label = `${bar.step}${end}${note}`;
  canvas.fillText(fitted(canvas, shown(label), room), from + 8, y + sizes.bar / 2 + 0.5);
}
