import type { PageStream } from '../page/data.js';
import type { Entries } from './entries.js';
import type { Lane } from './lane-layout.js';
import type { Colors } from './theme.js';
import type { TimeScale } from './time-scale.js';

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

export type Canvas = CanvasRenderingContext2D;

/** As many pixels as the screen has for the view. */
export function fitToScreen(context: Canvas, view: View): void {
  const { canvas } = context;
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
}

export function isAcross(
  { x, width }: { readonly x: number; readonly width: number },
  view: View,
): boolean {
  return x < view.left + view.width && x + width > view.left;
}

export function fitted(canvas: Canvas, label: string, room: number): string {
  if (canvas.measureText(label).width <= room) return label;
  let cut = label.slice(0, 160);
  while (cut.length > 1 && canvas.measureText(`${cut}…`).width > room) cut = cut.slice(0, -1);
  return `${cut}…`;
}

export function roundedBox(
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
