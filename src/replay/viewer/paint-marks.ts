import type { Canvas, Drawing, View } from './canvas.js';
import { shown } from './dom.js';
import { labelOf } from './labels.js';
import { type Lane, type PlacedMark, sizes } from './lane-layout.js';
import { colorNameOf, fonts } from './theme.js';

/** More arrows than this would hide the drawing; zooming in shows them. */
const mostArrows = 60;

interface Arrow {
  readonly mark: PlacedMark;
  readonly target: Lane;
  readonly alpha: number;
}

/** From the sender's mark to the recipient's lane; a broadcast goes to all. */
export function paintArrows(canvas: Canvas, drawing: Drawing, view: View): void {
  const arrows: Arrow[] = [];
  const laneOf = new Map(drawing.lanes.map((lane) => [lane.agent, lane]));
  for (const lane of drawing.lanes) {
    const [from, to] = marksBetween(lane.visibleMarks, view.left - 10, view.left + view.width + 10);
    for (const mark of lane.visibleMarks.slice(from, to)) {
      if (mark.hasWord) arrows.push(...arrowsOf(drawing, lane, mark, laneOf));
      if (arrows.length > mostArrows) return;
    }
  }
  canvas.strokeStyle = drawing.colors.message;
  canvas.fillStyle = drawing.colors.message;
  for (const { mark, target, alpha } of arrows) paintArrow(canvas, mark, target, alpha);
  canvas.globalAlpha = 1;
}

function arrowsOf(
  { entries, lanes }: Drawing,
  lane: Lane,
  mark: PlacedMark,
  laneOf: ReadonlyMap<string | undefined, Lane>,
): readonly Arrow[] {
  const type = entries.type(mark.entry);
  if (type !== 'message.sent' && type !== 'message.broadcast') return [];
  const isToAll = type === 'message.broadcast';
  const recipient = laneOf.get(entries.to(mark.entry) ?? '');
  const targets = isToAll ? lanes : recipient === undefined ? [] : [recipient];
  return targets
    .filter((target) => target !== lane && target.agent !== undefined && target.agent !== '')
    .map((target) => ({ mark, target, alpha: isToAll ? 0.35 : 0.75 }));
}

/** Straight up or down, behind all text. */
function paintArrow(canvas: Canvas, { x, y }: PlacedMark, target: Lane, alpha: number): void {
  const isDown = target.top > y;
  const direction = isDown ? 1 : -1;
  const endY = isDown ? target.top + 9 : target.top + target.height - 9;
  canvas.globalAlpha = alpha;
  canvas.lineWidth = 1.4;
  canvas.beginPath();
  canvas.moveTo(x, y + direction * (sizes.mark + 1));
  canvas.lineTo(x, endY - direction * 6);
  canvas.stroke();
  canvas.beginPath();
  canvas.moveTo(x, endY);
  canvas.lineTo(x - 4.5, endY - direction * 8);
  canvas.lineTo(x + 4.5, endY - direction * 8);
  canvas.closePath();
  canvas.fill();
}

export function paintMarks(
  canvas: Canvas,
  { entries, colors }: Drawing,
  marks: readonly PlacedMark[],
  view: View,
): void {
  const [from, to] = marksBetween(marks, view.left - 160, view.left + view.width + 20);
  canvas.textBaseline = 'middle';
  canvas.textAlign = 'left';
  canvas.font = fonts.word;
  for (let index = from; index < to; index += 1) {
    const mark = marks[index];
    if (mark === undefined) continue;
    const type = entries.type(mark.entry);
    const color = colors[colorNameOf(type)];
    paintGlyph(canvas, type, mark, color, colors.paper);
    if (!mark.hasWord) continue;
    const label = shown(labelOf(entries, mark.entry));
    if (label === '') continue;
    const x = mark.x + sizes.mark + 4;
    // A line behind a word must not run through it.
    canvas.globalAlpha = 0.85;
    canvas.fillStyle = colors.lane;
    canvas.fillRect(x - 2, mark.y - 8, canvas.measureText(label).width + 4, 16);
    canvas.globalAlpha = 1;
    canvas.fillStyle = type === 'step.blocked' ? color : colors.ink;
    canvas.fillText(label, x, mark.y + 0.5);
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
  // In a crowd outlines are invisible, yet cost as much as everything else.
  if (!mark.hasWord && !mark.isOnBar) return;
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

function polygon(canvas: Canvas, ...points: readonly (readonly [number, number])[]): void {
  for (const [x, y] of points) canvas.lineTo(x, y);
  canvas.closePath();
}
