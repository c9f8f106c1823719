import type { Entries } from '../entries.js';
import { wordOf } from '../entry.js';
import type { Lane, PlacedStrip } from '../lane-layout.js';
import type { PageHeader } from '../page-data.js';
import { button, element, shown } from './dom.js';
import { axisHeight } from './paint.js';

/** The names at the left: of the agents, and of their sessions, which open by keyboard too. */
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
  const time = new Date(entries.timeMs(entry)).toISOString().slice(11, 19);
  const text = entries.text(entry).slice(0, 240);
  return [time, wordOf(entries.type(entry)), text].filter((part) => part !== '').join(' · ');
}
