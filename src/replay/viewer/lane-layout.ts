import type { PageSession, PageStream } from '../page/data.js';
import type { ClaimBar } from './claim-bars.js';
import type { Entries } from './entries.js';
import type { TimeScale } from './time-scale.js';

/** Pixels. */
export const sizes = {
  padding: 12,
  bar: 22,
  row: 24,
  mark: 7,
  strip: 18,
  subStrip: 15,
  gap: 4,
  /** Height of a lane's name and event count. */
  name: 42,
} as const;

const mostBarRows = 6;
/** For steps that are planned but not claimed yet. */
const mostPlannedRows = 3;

/** Rows of marks with their words in each lane: fewer where there are more lanes to see. */
function mostRowsOf({ agents, isPlain }: LaneInput): number {
  if (isPlain === true || agents.length <= 4) return 6;
  return agents.length <= 8 ? 3 : 2;
}

export interface PlacedMark {
  readonly entry: number;
  readonly x: number;
  /** Middle, measured from the top of all lanes. */
  readonly y: number;
  /** There is room for its label. */
  readonly hasWord: boolean;
  /** It marks one end of a claim's bar. */
  readonly isOnBar: boolean;
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
  /** '' for entries whose agent is unknown; `undefined` for sessions that worked in one folder. */
  readonly agent: string | undefined;
  readonly name: string;
  readonly top: number;
  readonly height: number;
  /** In time order. */
  readonly marks: readonly PlacedMark[];
  /** Only the visible ones: thousands may share one place. */
  readonly visibleMarks: readonly PlacedMark[];
  readonly bars: readonly PlacedBar[];
  readonly strips: readonly PlacedStrip[];
}

export interface LaneInput {
  readonly entries: Entries;
  readonly agents: readonly string[];
  /** No claims: sessions are grouped by folder, and a registration does not get a lane. */
  readonly isPlain?: boolean;
  /** Indices of the visible entries, in order. */
  readonly shown: readonly number[];
  readonly bars: readonly ClaimBar[];
  readonly sessions: readonly PageSession[];
  readonly streams: readonly PageStream[];
  readonly scale: TimeScale;
  /** Width of an entry's label in pixels; 0 without a label. */
  measure(entry: number): number;
}

interface LaneOf {
  readonly agent: string | undefined;
  readonly name: string;
  readonly shown: readonly number[];
  readonly bars: readonly ClaimBar[];
  readonly sessions: readonly number[];
}

/** One lane per agent, then one per folder of sessions without one; each as tall as its contents need. */
export function layOutLanes(input: LaneInput): readonly Lane[] {
  const lanes: Lane[] = [];
  let top = 0;
  for (const content of [...agentLanes(input), ...folderLanes(input)]) {
    const lane = layOutLane(input, content, top);
    lanes.push(lane);
    top += lane.height;
  }
  return lanes;
}

function agentLanes(input: LaneInput): readonly LaneOf[] {
  const { entries, isPlain = false } = input;
  const isWorth = (index: number): boolean =>
    !isPlain || entries.type(index) !== 'agent.registered';
  const shown = grouped(input.shown.filter(isWorth), (index) => entries.agent(index) ?? '');
  const bars = grouped(input.bars, ({ agent }) => agent ?? '');
  const sessions = grouped(
    [...input.sessions.keys()].filter((index) => !isOfFolder(input, index)),
    (index) => input.sessions[index]?.agent ?? '',
  );
  const isNobodyThere = !shown.has('') && !bars.has('');
  const agents = [...input.agents, ...(isNobodyThere ? [] : [''])];
  return agents.flatMap((agent) => {
    const own = [shown.get(agent) ?? [], bars.get(agent) ?? [], sessions.get(agent) ?? []] as const;
    if (isPlain && own.every(({ length }) => length === 0)) return [];
    const name = agent === '' ? 'nobody known' : agent;
    return [{ agent, name, shown: own[0], bars: own[1], sessions: own[2] }];
  });
}

function folderLanes(input: LaneInput): readonly LaneOf[] {
  const sessions = grouped(
    [...input.sessions.keys()].filter((index) => isOfFolder(input, index)),
    (index) => input.sessions[index]?.folder ?? '',
  );
  return [...sessions].map(([folder, own]) => {
    const name = folder === '' ? 'unknown folder' : folder;
    return { agent: undefined, name, shown: [], bars: [], sessions: own };
  });
}

function isOfFolder({ isPlain = false, sessions }: LaneInput, index: number): boolean {
  return isPlain || sessions[index]?.agent == null;
}

function layOutLane(input: LaneInput, content: LaneOf, top: number): Lane {
  let y = top + sizes.padding;
  const isPlanned = ({ end }: ClaimBar): boolean => end === 'planned';
  const claimed = content.bars.filter((bar) => !isPlanned(bar));
  const bars = placeBars(input.scale, claimed, y);
  y += bars.rows * (sizes.bar + sizes.gap);
  const planned = placePlanned(input.scale, content.bars.filter(isPlanned), y);
  y += planned.rows * (sizes.bar + sizes.gap);
  const marks = placeMarks(input, content, y, [...bars.placed, ...planned.placed]);
  y = Math.max(y + Math.max(1, marks.rows) * sizes.row, top + sizes.padding + sizes.name);
  if (content.agent === undefined) y = top + sizes.padding + 18;
  const strips = placeStrips(input, content.sessions, y);
  y = strips.bottom + sizes.padding;
  return {
    agent: content.agent,
    name: content.name,
    top,
    height: Math.max(content.agent === undefined ? 0 : 64, y - top),
    bars: [...bars.placed, ...planned.placed],
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
    const row = Math.min(freeRow(edges, x), mostBarRows - 1);
    edges[row] = x + width + 2;
    const place = placeOf(x, row, bar.end === 'blocked');
    if (width < 2 * grain && places.has(place)) continue;
    places.add(place);
    placed.push({ bar, x, width, y: top + row * (sizes.bar + sizes.gap) });
  }
  return { placed, rows: edges.length };
}

/** Those without a free row are left out: a plan of hundreds would bury the claims. */
function placePlanned(scale: TimeScale, bars: readonly ClaimBar[], top: number) {
  const edges: number[] = [];
  const placed = bars.flatMap((bar): PlacedBar[] => {
    const x = scale.x(bar.fromMs);
    const width = Math.max(6, scale.x(bar.toMs) - x);
    const row = freeRow(edges, x);
    if (row >= mostPlannedRows) return [];
    edges[row] = x + width + 2;
    return [{ bar, x, width, y: top + row * (sizes.bar + sizes.gap) }];
  });
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

/** With its label if a row has room for it, otherwise without one in a row below, where they may overlap. */
function placeMarks(
  input: LaneInput,
  { shown, agent }: LaneOf,
  top: number,
  bars: readonly PlacedBar[],
) {
  const { entries, scale, measure, agents } = input;
  const mostRows = mostRowsOf(input);
  const ends = barEnds(bars, scale);
  let isCrowded = false;
  const edges: number[] = [];
  const alone = 2 * sizes.mark + 2;
  const own = agents.indexOf(agent ?? '');
  const placed = shown.map((entry): PlacedMark => {
    const x = scale.x(entries.timeMs(entry));
    const end = ends.get(entry);
    if (end !== undefined) return { entry, ...end, hasWord: false, isOnBar: true };
    const left = x - sizes.mark;
    const isDown = agents.indexOf(entries.to(entry) ?? '') > own;
    const row = isDown ? rowAboveNothing(edges, left) : freeRow(edges, left);
    const isFull = row >= mostRows;
    if (isFull) isCrowded = true;
    else edges[row] = left + alone + widthOf(measure(entry));
    const y = top + Math.min(row, mostRows) * sizes.row + sizes.row / 2;
    return { entry, x, y, hasWord: !isFull, isOnBar: false };
  });
  return { placed, rows: isCrowded ? mostRows + 1 : edges.length };
}

function widthOf(label: number): number {
  return label === 0 ? 0 : label + 10;
}

/** A claim and its end are the ends of its bar. */
function barEnds(
  bars: readonly PlacedBar[],
  scale: TimeScale,
): ReadonlyMap<number, { x: number; y: number }> {
  const ends = new Map<number, { x: number; y: number }>();
  for (const { bar, x, y } of bars) {
    const middle = y + sizes.bar / 2;
    ends.set(bar.entry, { x, y: middle });
    if (bar.endEntry !== undefined) ends.set(bar.endEntry, { x: scale.x(bar.toMs), y: middle });
  }
  return ends;
}

/** The first row below which no label obstructs an arrow. */
function rowAboveNothing(rightEdges: readonly number[], x: number): number {
  return rightEdges.findLastIndex((edge) => edge > x) + 1;
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
      const width = Math.max(6, scale.x(to) - x);
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
