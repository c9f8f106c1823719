import type { PageHeader } from '../page/data.js';
import { button, element, isoOf, shown } from './dom.js';
import type { Entries } from './entries.js';
import { counted, type StoryPart } from './story.js';
import { turnTheme } from './theme.js';

export interface HeadingActions {
  onEntry(entry: number): void;
  /** The selected entry. */
  present(): number | undefined;
}

/** Project, place and size of the run. */
export function titleLine(header: PageHeader): HTMLElement {
  const { project, location, writtenMs, followMs, streams, sessions } = header;
  const lines = streams.slice(1).reduce((sum, stream) => sum + stream.lines, 0);
  const written = isoOf(writtenMs).slice(0, 19).replace('T', ' ');
  const about = [
    location,
    `${counted(sessions.length, 'session')}, ${counted(lines, 'line')}`,
    `${followMs === null ? 'written' : 'following, last written'} ${written} UTC`,
  ].join(' · ');
  return element(
    'div',
    { class: 'title' },
    element('h1', {}, shown(project)),
    element('p', {}, shown(about)),
  );
}

/** The run in one sentence; clicking a step shows how it ended. */
export function storyLine(parts: readonly StoryPart[], { onEntry }: HeadingActions): HTMLElement {
  const line = element('p', { class: 'story' });
  for (const { text, tone, entry } of parts) {
    const className = tone === undefined ? 'part' : `part ${tone}`;
    line.append(
      entry === undefined
        ? element('span', { class: className }, shown(text))
        : button(shown(text), { class: `${className} link` }, () => onEntry(entry)),
    );
  }
  return line;
}

/** Counts what went wrong; each click moves to the next one. */
export function alarmButtons(entries: Entries, { onEntry, present }: HeadingActions): HTMLElement {
  const words = [
    ['step.blocked', 'blocked'],
    ['step.needs_review', 'sent to review'],
    ['step.claim_rejected', 'rejected'],
  ] as const;
  const buttons = words.flatMap(([type, word]) => {
    const found = Array.from({ length: entries.count }, (_, index) => index).filter(
      (index) => entries.type(index) === type,
    );
    const goOn = (): void => {
      const next = found.find((index) => index > (present() ?? -1)) ?? found[0];
      if (next !== undefined) onEntry(next);
    };
    const name = `${found.length.toLocaleString('en')} ${word}`;
    const className = `alarm ${type.replace('.', '-')}`;
    return found.length === 0 ? [] : [button(name, { class: className }, goOn)];
  });
  return element('div', { class: 'alarms' }, ...buttons);
}

export function warningList(warnings: readonly string[]): HTMLElement {
  const list = element(
    'ul',
    {},
    ...warnings.slice(0, 200).map((one) => element('li', {}, shown(one))),
  );
  const label =
    warnings.length === 1 ? '1 object was skipped' : `${warnings.length} objects were skipped`;
  return element('details', { class: 'warnings' }, element('summary', {}, label), list);
}

/** Shown for an empty run. */
export function nothingHere(project: string): HTMLElement {
  return element(
    'div',
    { class: 'nothing' },
    element('h2', {}, 'Nothing has happened here yet'),
    element(
      'p',
      {},
      `No event and no session was found in the project ${shown(project)}. Agents appear here once they claim steps, send messages or share memory; transcripts once “tracecraft watch” has mirrored them.`,
    ),
    element(
      'p',
      {},
      'If that has happened: is it another project, or did --since, --until or --agent leave it out?',
    ),
  );
}

export interface ToolActions {
  zoom(factor: number): void;
  fit(): void;
  turnView(): void;
  recolor(): void;
}

/** How much a key or button zooms. */
export const zoomStep = 1.6;

export function toolButtons({ zoom, fit, turnView, recolor }: ToolActions): HTMLElement {
  const turn = { class: 'turn', 'aria-pressed': 'false', title: 'Table or lanes ( t )' };
  return element(
    'div',
    { class: 'tools' },
    button('−', { 'aria-label': 'Zoom out', title: 'Zoom out ( - )' }, () => zoom(1 / zoomStep)),
    button('Fit', { title: 'All of the run ( 0 )' }, fit),
    button('+', { 'aria-label': 'Zoom in', title: 'Zoom in ( + )' }, () => zoom(zoomStep)),
    button('Table', turn, turnView),
    button('Theme', { title: 'Light, dark, or as the system has it' }, () => {
      turnTheme();
      recolor();
    }),
  );
}
