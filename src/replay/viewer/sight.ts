import type { PlacedMark } from './lane-layout.js';

/** Which part of the lanes is looked at. */
export interface Sight {
  readonly zoom: number;
  readonly left: number;
  readonly top: number;
}

export function nearerTo(x: number, best: PlacedMark, mark: PlacedMark): PlacedMark {
  return Math.abs(mark.x - x) < Math.abs(best.x - x) ? mark : best;
}
