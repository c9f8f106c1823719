import { readerOf } from '../../../watchers/readers.js';
import type { RowReading } from '../../conversation/row.js';
import { button, element, fillLong, isoOf, shown } from './dom.js';

/** Characters of one row shown before the user asks for more. */
const mostShown = 6_000;

/** One line of a transcript: its text, and its JSON. */
export function rowElement(harness: string, line: string, number: number): HTMLElement {
  const { label, timeMs, role, text } = readLine(harness, line);
  const raw = element('pre', { class: 'json', hidden: true });
  const toggle = button('JSON', { class: 'raw-toggle', 'aria-expanded': 'false' }, () => {
    const isOpen = raw.hidden;
    if (isOpen) fillLong(raw, indented(line), mostShown);
    raw.hidden = !isOpen;
    toggle.setAttribute('aria-expanded', String(isOpen));
  });
  const head = element(
    'header',
    {},
    element('span', { class: 'label' }, shown(label)),
    element('span', { class: 'time' }, timeMs === undefined ? '' : clockOf(timeMs)),
    element('span', { class: 'number' }, `#${number}`),
    toggle,
  );
  const said = element('div', { class: 'text', dir: 'auto' });
  if (text !== undefined) fillLong(said, text, mostShown);
  return element(
    'article',
    { class: `row ${role}`, 'data-line': number },
    head,
    text === undefined ? undefined : element('div', { class: `block ${role}` }, said),
    raw,
  );
}

interface Line {
  readonly label: string;
  readonly timeMs: number | undefined;
  readonly role: string;
  readonly text: string | undefined;
}

function readLine(harness: string, line: string): Line {
  const reader = readerOf(harness);
  try {
    const value: unknown = JSON.parse(line);
    const reading: RowReading | undefined = reader?.read(value);
    const said = reader?.textOf(value);
    return {
      label: reading?.name ?? 'row',
      timeMs: reading?.atMs,
      role: said?.role ?? 'bare',
      text: said?.text,
    };
  } catch {
    return { label: 'not readable', timeMs: undefined, role: 'bare', text: undefined };
  }
}

function indented(line: string): string {
  try {
    return JSON.stringify(JSON.parse(line), null, 2);
  } catch {
    return line;
  }
}

/** Hours, minutes and seconds, UTC. */
export function clockOf(ms: number): string {
  return isoOf(ms).slice(11, 19);
}
