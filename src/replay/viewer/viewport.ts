import type { PlacedMark } from './lane-layout.js';

/** The visible part of the lanes. */
export interface Viewport {
  readonly zoom: number;
  readonly left: number;
  readonly top: number;
}

export function nearerTo(x: number, best: PlacedMark, mark: PlacedMark): PlacedMark {
  return Math.abs(mark.x - x) < Math.abs(best.x - x) ? mark : best;
}
