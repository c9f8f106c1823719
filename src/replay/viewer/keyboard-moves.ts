import type { Entries } from './entries.js';
import { markOf } from './hit.js';
import type { Lane } from './lane-layout.js';
import { nearerTo } from './viewport.js';

export interface MarksShown {
  readonly entries: Entries;
  /** In the order of the run. */
  readonly shown: readonly number[];
  readonly selected: number | undefined;
  readonly lanes: readonly Lane[];
}

/** Where a key leads: an entry, or nowhere. `undefined`: the key has no meaning here. */
export function moveOf(
  key: string,
  marks: MarksShown,
): { readonly entry: number | undefined } | undefined {
  if (key === 'ArrowRight') return { entry: neighbour(marks, 1) };
  if (key === 'ArrowLeft') return { entry: neighbour(marks, -1) };
  if (key === 'ArrowDown') return { entry: inLane(marks, 1) };
  if (key === 'ArrowUp') return { entry: inLane(marks, -1) };
  if (key === 'Home') return { entry: marks.shown[0] };
  if (key === 'End') return { entry: marks.shown[marks.shown.length - 1] };
  return undefined;
}

/** In the order of the run, across lanes. */
function neighbour({ shown, selected }: MarksShown, by: number): number | undefined {
  const at = selected === undefined ? -1 : shown.indexOf(selected);
  if (at === -1) return shown[by > 0 ? 0 : shown.length - 1];
  return shown[at + by];
}

/** The nearest in time in the next lane that has marks. */
function inLane(marks: MarksShown, by: number): number | undefined {
  const { entries, selected, lanes } = marks;
  if (selected === undefined) return neighbour(marks, 1);
  const agent = entries.agent(selected) ?? '';
  const own = lanes.findIndex((lane) => lane.agent === agent);
  const x = markOf(lanes[own]?.marks ?? [], selected)?.x ?? 0;
  let index = own + by;
  while (lanes[index]?.marks.length === 0) index += by;
  const candidates = lanes[index]?.marks ?? [];
  const [first] = candidates;
  return first && candidates.reduce((best, mark) => nearerTo(x, best, mark), first).entry;
}
