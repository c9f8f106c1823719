import type { PageStream } from '../page/data.js';
import { type Canvas, type Drawing, fitted, isAcross, roundedBox, type View } from './canvas.js';
import { shown } from './dom.js';
import { stateWords } from './labels.js';
import type { PlacedStrip } from './lane-layout.js';
import { type Colors, fonts } from './theme.js';

const binWidth = 3;

/**
 * Shows how much was written when, with a mark for each prompt and the colour of the session's
 * final state.
 */
export function paintStrip(canvas: Canvas, drawing: Drawing, strip: PlacedStrip, view: View): void {
  if (!isAcross(strip, view)) return;
  const { colors, streams, scale } = drawing;
  const { x, y, width, height } = strip;
  const stream = streams[strip.stream];
  canvas.fillStyle = colors.strip;
  canvas.globalAlpha = 0.16;
  roundedBox(canvas, x, y, width, height, 3);
  canvas.fill();
  const bins = new Map<number, number>();
  for (const ms of stream?.sampleMs ?? []) {
    const at = scale.x(ms);
    if (at < view.left - binWidth || at > view.left + view.width) continue;
    const bin = Math.floor(at / binWidth);
    bins.set(bin, (bins.get(bin) ?? 0) + 1);
  }
  const most = Math.max(1, ...bins.values());
  for (const [bin, count] of bins) {
    canvas.globalAlpha = 0.3 + 0.5 * (count / most);
    canvas.fillRect(bin * binWidth, y + height - 7, binWidth - 0.6, 5);
  }
  canvas.globalAlpha = 1;
  paintPrompts(canvas, drawing, strip, view);
  const end = endColor(stream, colors);
  if (end === undefined) return;
  canvas.fillStyle = end;
  canvas.fillRect(x + width - 3, y, 3, height);
}

function paintPrompts(canvas: Canvas, drawing: Drawing, strip: PlacedStrip, view: View): void {
  const { colors, streams, scale } = drawing;
  canvas.fillStyle = colors.claimEdge;
  let free = -Infinity;
  for (const [ms] of streams[strip.stream]?.prompts ?? []) {
    const x = scale.x(ms);
    if (x < free || x < view.left - 4 || x > view.left + view.width) continue;
    canvas.beginPath();
    canvas.arc(x + 2, strip.y + 5, 3, 0, 2 * Math.PI);
    canvas.fill();
    free = x + 5;
  }
}

function endColor(stream: PageStream | undefined, colors: Colors): string | undefined {
  if (stream?.state === 'failed') return colors.blocked;
  return stream?.state === 'open' || stream?.state === 'interrupted' ? colors.amber : undefined;
}

/** The least width of a useful label, in pixels. */
const leastRoom = 70;

/** What the session is about, written after its strip if there is room, otherwise before it. */
export function paintStripLabel(
  canvas: Canvas,
  { colors, streams }: Drawing,
  { x, y, width, height, stream }: PlacedStrip,
  view: View,
): void {
  const about = streams[stream];
  if (about === undefined || about.name !== '') return;
  const after = x + width + 6;
  const room = view.left + view.width - Math.max(after, view.left) - 8;
  const before = Math.min(x, view.left + view.width) - 6 - view.left;
  const isAfter = room >= Math.min(220, before) || room >= 220;
  const space = isAfter ? room : before;
  if (space < leastRoom || after < view.left) return;
  canvas.font = fonts.word;
  canvas.textBaseline = 'middle';
  canvas.textAlign = isAfter ? 'left' : 'right';
  const label = fitted(canvas, shown(stripLabel(about)), space);
  const at = isAfter ? Math.max(after, view.left + 6) : Math.min(x, view.left + view.width) - 6;
  const { width: labelWidth } = canvas.measureText(label);
  canvas.globalAlpha = 0.85;
  canvas.fillStyle = colors.lane;
  canvas.fillRect(isAfter ? at - 2 : at - labelWidth - 2, y + 1, labelWidth + 4, height - 2);
  canvas.globalAlpha = 1;
  canvas.fillStyle = about.state === 'failed' ? colors.blocked : colors.soft;
  canvas.fillText(label, at, y + height / 2 + 0.5);
  canvas.textAlign = 'left';
}

/**
 * How much was done, how it ended, and the last thing said; the first prompt is usually in the
 * title.
 */
function stripLabel({ prompts, turns, calls, state, lastAnswer }: PageStream): string {
  const said = lastAnswer === '' ? (prompts[0]?.[2] ?? '') : lastAnswer;
  const about = [
    turns > 1 ? `${turns} turns` : undefined,
    calls > 0 ? `${calls} ${calls === 1 ? 'call' : 'calls'}` : undefined,
    state === 'done' ? undefined : stateWords[state],
    said === '' ? undefined : `“${said}”`,
  ];
  return about.filter((one) => one !== undefined).join(' · ');
}
