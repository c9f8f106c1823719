import type { PageHeader } from '../page/data.js';
import { wordOf } from '../timeline/entry.js';
import { button, element, isoOf, shown } from './dom.js';
import type { Entries } from './entries.js';
import type { Lane, PlacedStrip } from './lane-layout.js';
import { axisHeight } from './paint.js';

/** Up to this many lanes all have their names in the page. */
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
    const name = shown(lane.agent === '' ? 'nobody known' : lane.agent);
    const count = `${lane.marks.length} ${lane.marks.length === 1 ? 'event' : 'events'}`;
    const head = element(
      'div',
      { class: 'lane-head' },
      element('div', { class: 'lane-name', title: name }, name),
      element('div', { class: 'lane-count' }, count),
      ...lane.strips.map((strip) => stripName(header, strip, lane.top, onOpen)),
    );
    head.style.top = `${lane.top + axisHeight}px`;
    head.style.height = `${lane.height}px`;
    return head;
  });
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

export function tellStrip({ sessions, streams }: PageHeader, strip: PlacedStrip): string {
  const { harness = '', title = null, id = '' } = sessions[strip.session] ?? {};
  const name = streams[strip.stream]?.name ?? '';
  return name === '' ? `${harness} · ${title ?? id.slice(0, 8)}` : `↳ ${name}`;
}

export function tellMark(entries: Entries, entry: number): string {
  const time = isoOf(entries.timeMs(entry)).slice(11, 19);
  const text = entries.text(entry).slice(0, 240);
  return [time, wordOf(entries.type(entry)), text].filter((part) => part !== '').join(' · ');
}
