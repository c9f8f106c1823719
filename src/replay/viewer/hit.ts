import type { PageStream } from '../page/data.js';
import type { ClaimBar } from './claim-bars.js';
import { type Lane, type PlacedMark, type PlacedStrip, sizes } from './lane-layout.js';
import { marksBetween } from './paint-marks.js';
import type { TimeScale } from './time-scale.js';

/** What is under the pointer: at most one of these. */
export interface Hit {
  readonly mark?: PlacedMark;
  readonly strip?: PlacedStrip;
  readonly bar?: ClaimBar;
}

/** `x` and `y` in pixels of the drawing; `wordWidth` is the width of the label next to an entry's mark. */
export function hitAt(
  lanes: readonly Lane[],
  x: number,
  y: number,
  wordWidth: (entry: number) => number,
): Hit {
  const lane = lanes.find(({ top, height }) => y >= top && y < top + height);
  if (lane === undefined) return {};
  const [from, to] = marksBetween(lane.marks, x - 240, x + 12);
  for (let index = to - 1; index >= from; index -= 1) {
    const mark = lane.marks[index];
    if (mark === undefined || Math.abs(mark.y - y) > sizes.row / 2) continue;
    const right = sizes.mark + (mark.hasWord ? wordWidth(mark.entry) + 6 : 2);
    if (x >= mark.x - sizes.mark - 2 && x <= mark.x + right) return { mark };
  }
  const strip = lane.strips.find((one) => isAcross(one, x) && y >= one.y && y < one.y + one.height);
  if (strip !== undefined) return { strip };
  const bar = lane.bars.find((one) => isAcross(one, x) && y >= one.y && y < one.y + sizes.bar);
  return bar === undefined ? {} : { bar: bar.bar };
}

function isAcross(box: { readonly x: number; readonly width: number }, x: number): boolean {
  return x >= box.x && x < box.x + box.width;
}

/** The mark of an entry; marks are in the order of their entries. */
export function markOf(marks: readonly PlacedMark[], entry: number): PlacedMark | undefined {
  let [low, high] = [0, marks.length - 1];
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = marks[middle];
    if (found === undefined || found.entry === entry) return found;
    if (found.entry < entry) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

/** The prompt whose mark is at a position. */
export function promptAt(
  stream: PageStream | undefined,
  scale: TimeScale,
  x: number,
): PageStream['prompts'][number] | undefined {
  return stream?.prompts.findLast(([ms]) => Math.abs(scale.x(ms) + 2 - x) <= 5);
}

/** The line of a stream at a position: a prompt's, or the one written closest to that time. */
export function lineAt(stream: PageStream | undefined, scale: TimeScale, x: number): number {
  const prompt = promptAt(stream, scale, x);
  if (prompt !== undefined) return prompt[1];
  const { sampleMs = [], sampleLines = [] } = stream ?? {};
  const ms = scale.ms(x);
  let best = 0;
  sampleMs.forEach((at, index) => {
    if (Math.abs(at - ms) < Math.abs((sampleMs[best] ?? 0) - ms)) best = index;
  });
  return sampleLines[best] ?? 0;
}
