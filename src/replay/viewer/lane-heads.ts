import type { PageHeader } from '../page/data.js';
import { wordOf } from '../timeline/entry.js';
import { axisHeight } from './axis.js';
import { button, element, isoOf, shown } from './dom.js';
import type { Entries } from './entries.js';
import type { Lane, PlacedStrip } from './lane-layout.js';
import { streamTitle } from './stream-title.js';

/** Up to this many lanes, all names are in the page. */
const mostHeads = 200;

/**
 * Which lanes have their names in the page, `to` exclusive: in steps of one screen, so scrolling rarely creates new
 * ones.
 */
export function headsNear(
  lanes: readonly Lane[],
  scrollTop: number,
  height: number,
): { readonly from: number; readonly to: number } {
  if (lanes.length <= mostHeads) return { from: 0, to: lanes.length };
  const screen = Math.max(1, height);
  const top = Math.floor(scrollTop / screen) * screen;
  const first = lanes.findIndex((lane) => lane.top + lane.height > top - screen);
  const after = lanes.findIndex((lane) => lane.top > top + 3 * screen);
  return { from: Math.max(0, first), to: after === -1 ? lanes.length : after };
}

/** The names on the left: of agents, and of their sessions, which also open by keyboard. */
export function laneHeads(
  header: PageHeader,
  lanes: readonly Lane[],
  onOpen: (strip: PlacedStrip) => void,
): readonly HTMLElement[] {
  return lanes.map((lane) => {
    const name = shown(lane.name);
    const head = element(
      'div',
      { class: lane.agent === undefined ? 'lane-head folder' : 'lane-head' },
      element('div', { class: 'lane-name', title: name }, name),
      element('div', { class: 'lane-count' }, laneCount(header, lane)),
      ...lane.strips.map((strip) => stripName(header, strip, lane.top, onOpen)),
    );
    head.style.top = `${lane.top + axisHeight}px`;
    head.style.height = `${lane.height}px`;
    return head;
  });
}

function laneCount({ streams }: PageHeader, { agent, marks, strips }: Lane): string {
  if (agent !== undefined) return `${marks.length} ${marks.length === 1 ? 'event' : 'events'}`;
  const sessions = strips.filter(({ stream }) => streams[stream]?.name === '').length;
  return `${sessions} ${sessions === 1 ? 'session' : 'sessions'}`;
}

function stripName(
  header: PageHeader,
  strip: PlacedStrip,
  laneTop: number,
  onOpen: (strip: PlacedStrip) => void,
): HTMLElement {
  const isMain = header.streams[strip.stream]?.name === '';
  const label = shown(tellStrip(header, strip));
  const open = button(
    label,
    { class: isMain ? 'strip-name' : 'strip-name sub', title: label },
    () => onOpen(strip),
  );
  open.style.top = `${strip.y - laneTop}px`;
  open.style.height = `${strip.height}px`;
  return open;
}

export function tellStrip(header: PageHeader, { session, stream }: PlacedStrip): string {
  const about = header.sessions[session];
  const { name = '' } = header.streams[stream] ?? {};
  const title = streamTitle(header, about, stream);
  return name === '' ? `${title} · ${about?.harness ?? ''}` : `↳ ${title}`;
}

export function tellMark(entries: Entries, entry: number): string {
  const time = isoOf(entries.timeMs(entry)).slice(0, 19).replace('T', ' ');
  const text = entries.text(entry).slice(0, 240);
  return [time, wordOf(entries.type(entry)), text].filter((part) => part !== '').join(' · ');
}
