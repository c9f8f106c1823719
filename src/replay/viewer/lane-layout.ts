import type { PageSession, PageStream } from '../page/data.js';
import { wordOf } from '../timeline/entry.js';
import type { ClaimBar } from './claim-bars.js';
import type { Entries } from './entries.js';
import type { TimeScale } from './time-scale.js';

/** Pixels. */
export const sizes = {
  padding: 12,
  bar: 20,
  row: 24,
  mark: 7,
  strip: 16,
  subStrip: 12,
  gap: 4,
  /** Height of a lane's name and event count. */
  name: 42,
  mostRows: 6,
} as const;

export interface PlacedMark {
  readonly entry: number;
  readonly x: number;
  /** Middle, measured from the top of all lanes. */
  readonly y: number;
  /** There is room for its label. */
  readonly hasWord: boolean;
}

export interface PlacedBar {
  readonly bar: ClaimBar;
  readonly x: number;
  readonly width: number;
  readonly y: number;
}

export interface PlacedStrip {
  readonly session: number;
  readonly stream: number;
  readonly x: number;
  readonly width: number;
  readonly y: number;
  readonly height: number;
}

export interface Lane {
  /** '' for entries whose agent is unknown. */
  readonly agent: string;
  readonly top: number;
  readonly height: number;
  /** In time order. */
  readonly marks: readonly PlacedMark[];
  /** Those that are visible: thousands may be in one place. */
  readonly visibleMarks: readonly PlacedMark[];
  readonly bars: readonly PlacedBar[];
  readonly strips: readonly PlacedStrip[];
}

export interface LaneInput {
  readonly entries: Entries;
  readonly agents: readonly string[];
  /** Indices of the visible entries, in order. */
  readonly shown: readonly number[];
  readonly bars: readonly ClaimBar[];
  readonly sessions: readonly PageSession[];
  readonly streams: readonly PageStream[];
  readonly scale: TimeScale;
  /** Pixels of a label. */
  measure(word: string): number;
}

/** One lane per agent, each as tall as its contents need. */
export function layOutLanes(input: LaneInput): readonly Lane[] {
  const shown = grouped(input.shown, (index) => input.entries.agent(index) ?? '');
  const bars = grouped(input.bars, ({ agent }) => agent ?? '');
  const sessions = grouped(
    [...input.sessions.keys()],
    (index) => input.sessions[index]?.agent ?? '',
  );
  const isNobodyThere = [shown, bars, sessions].every((group) => !group.has(''));
  const lanes: Lane[] = [];
  let top = 0;
  for (const agent of [...input.agents, ...(isNobodyThere ? [] : [''])]) {
    const lane = layOutLane(input, agent, top, {
      shown: shown.get(agent) ?? [],
      bars: bars.get(agent) ?? [],
      sessions: sessions.get(agent) ?? [],
    });
    lanes.push(lane);
    top += lane.height;
  }
  return lanes;
}

interface LaneContent {
  readonly shown: readonly number[];
  readonly bars: readonly ClaimBar[];
  readonly sessions: readonly number[];
}

function layOutLane(input: LaneInput, agent: string, top: number, content: LaneContent): Lane {
  let y = top + sizes.padding;
  const bars = placeBars(input.scale, content.bars, y);
  y += bars.rows * (sizes.bar + sizes.gap);
  const marks = placeMarks(input, content.shown, y);
  y = Math.max(y + Math.max(1, marks.rows) * sizes.row, top + sizes.padding + sizes.name);
  const strips = placeStrips(input, content.sessions, y);
  y = strips.bottom + sizes.padding;
  return {
    agent,
    top,
    height: Math.max(64, y - top),
    bars: bars.placed,
    marks: marks.placed,
    visibleMarks: visibleOnly(marks.placed, input.entries),
    strips: strips.placed,
  };
}

/** The first row that is free at `x`. */
function freeRow(rightEdges: readonly number[], x: number): number {
  const row = rightEdges.findIndex((edge) => edge <= x);
  return row === -1 ? rightEdges.length : row;
}

/** Of short bars too close to tell apart, one is kept; blocked ones are never hidden. */
function placeBars(scale: TimeScale, bars: readonly ClaimBar[], top: number) {
  const edges: number[] = [];
  const places = new Set<number>();
  const placed: PlacedBar[] = [];
  for (const bar of bars) {
    const x = scale.x(bar.fromMs);
    const width = Math.max(6, scale.x(bar.toMs) - x);
    const row = Math.min(freeRow(edges, x), sizes.mostRows - 1);
    edges[row] = x + width + 2;
    const place = placeOf(x, row, bar.end === 'blocked');
    if (width < 2 * grain && places.has(place)) continue;
    places.add(place);
    placed.push({ bar, x, width, y: top + row * (sizes.bar + sizes.gap) });
  }
  return { placed, rows: edges.length };
}

/** Pixels within which two things look like one. */
const grain = 4;

function placeOf(x: number, row: number, isAlarm: boolean): number {
  return (Math.round(x / grain) * 4096 + row) * 2 + (isAlarm ? 1 : 0);
}

const alarms = new Set([
  'step.blocked',
  'step.claim_rejected',
  'step.needs_review',
  'step.rejected',
]);

function visibleOnly(marks: readonly PlacedMark[], entries: Entries): readonly PlacedMark[] {
  const places = new Set<number>();
  return marks.filter(({ entry, x, y, hasWord }) => {
    const place = placeOf(x, Math.round(y) % 4096, alarms.has(entries.type(entry)));
    if (!hasWord && places.has(place)) return false;
    places.add(place);
    return true;
  });
}

/** With its label if a row has room for it, otherwise without, otherwise overlapping. */
function placeMarks({ entries, scale, measure }: LaneInput, shown: readonly number[], top: number) {
  const edges: number[] = [];
  const alone = 2 * sizes.mark + 2;
  const placed = shown.map((entry): PlacedMark => {
    const x = scale.x(entries.timeMs(entry));
    const left = x - sizes.mark;
    const row = freeRow(edges, left);
    const isFull = row >= sizes.mostRows;
    const at = isFull ? emptiest(edges) : row;
    const word = measure(wordOf(entries.type(entry))) + 10;
    edges[at] = Math.max(edges[at] ?? 0, left + alone + (isFull ? 0 : word));
    return { entry, x, y: top + at * sizes.row + sizes.row / 2, hasWord: !isFull };
  });
  return { placed, rows: edges.length };
}

function emptiest(rightEdges: readonly number[]): number {
  return rightEdges.indexOf(Math.min(...rightEdges));
}

/** A row per session, named on the left; sub-agents below it. */
function placeStrips(
  { sessions, streams, scale }: LaneInput,
  indices: readonly number[],
  top: number,
) {
  const placed: PlacedStrip[] = [];
  let bottom = top;
  for (const session of indices) {
    for (const [order, stream] of (sessions[session]?.streams ?? []).entries()) {
      const times = streams[stream]?.sampleMs ?? [];
      if (times.length === 0) continue;
      const [from, to] = extent(times);
      const height = order === 0 ? sizes.strip : sizes.subStrip;
      const x = scale.x(from);
      const width = Math.max(4, scale.x(to) - x);
      placed.push({ session, stream, x, width, y: bottom + sizes.gap, height });
      bottom += height + sizes.gap;
    }
  }
  return { placed, bottom };
}

export function extent(values: readonly number[]): readonly [number, number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return [least, most];
}

function grouped<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
