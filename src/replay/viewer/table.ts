import type { PageHeader } from '../page/data.js';
import { wordOf } from '../timeline/entry.js';
import { element, isoOf, replace, shown } from './dom.js';
import type { Entries } from './entries.js';
import { stateWords } from './labels.js';
import { streamTitle } from './stream-title.js';
import type { TableRow } from './table-rows.js';

const rowHeight = 32;
const beyond = 12;
/** Maximum number of rows printed; a page of paper has about forty. */
const mostPrinted = 5_000;

export interface TableInput {
  readonly header: PageHeader;
  /** No claims: sessions are identified by their folders. */
  readonly isPlain: boolean;
}

export interface TableActions {
  onEntry(entry: number): void;
  onSession(session: number): void;
}

/** The same entries for reading, screen readers and paper; only the visible rows are in the page. */
export class EntryTable {
  readonly root = element('section', {
    class: 'table',
    'aria-label': 'Events as a table',
    hidden: true,
  });
  readonly #entries: Entries;
  readonly #header: PageHeader;
  readonly #isPlain: boolean;
  readonly #actions: TableActions;
  readonly #body = element('tbody');
  readonly #table = element('table');
  #shown: readonly TableRow[] = [];
  #selected: number | undefined;
  #session: number | undefined;
  #from = -1;

  constructor(entries: Entries, { header, isPlain }: TableInput, actions: TableActions) {
    this.#entries = entries;
    this.#header = header;
    this.#isPlain = isPlain;
    this.#actions = actions;
    const heads = ['Time', isPlain ? 'Folder' : 'Agent', 'What', 'Step', 'About'].map((name) =>
      element('th', { scope: 'col' }, name),
    );
    this.#table.append(element('thead', {}, element('tr', {}, ...heads)), this.#body);
    this.root.tabIndex = 0;
    this.root.append(this.#table);
    this.root.addEventListener('scroll', () => this.#render());
    this.root.addEventListener('keydown', (event) => {
      if (!this.act(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
    });
    new ResizeObserver(() => this.#render(true)).observe(this.root);
    window.addEventListener('beforeprint', () => this.#renderRange(0, mostPrinted));
    window.addEventListener('afterprint', () => this.#render(true));
  }

  show(rows: readonly TableRow[]): void {
    this.#shown = rows;
    this.#table.setAttribute('aria-rowcount', String(rows.length + 1));
    this.#render(true);
  }

  select(entry: number | undefined, session?: number): void {
    this.#selected = entry;
    this.#session = session;
    const at = this.#at;
    const y = at * rowHeight;
    const { scrollTop, clientHeight } = this.root;
    if (at !== -1 && (y < scrollTop || y > scrollTop + clientHeight - 2 * rowHeight - 40)) {
      this.root.scrollTop = y - clientHeight / 2;
    }
    this.#render(true);
  }

  get #at(): number {
    return this.#shown.findIndex((row) =>
      'entry' in row ? row.entry === this.#selected : row.session === this.#session,
    );
  }

  #render(isForced = false): void {
    if (this.root.hidden) return;
    const from = Math.max(0, Math.floor(this.root.scrollTop / rowHeight) - beyond);
    if (!isForced && from === this.#from) return;
    this.#from = from;
    this.#renderRange(from, from + Math.ceil(this.root.clientHeight / rowHeight) + 2 * beyond);
  }

  #renderRange(from: number, to: number): void {
    const end = Math.min(this.#shown.length, to);
    const rows = this.#shown
      .slice(from, end)
      .map((row, index) =>
        'entry' in row
          ? this.#entry(row.entry, from + index)
          : this.#sessionRow(row.session, from + index),
      );
    replace(this.#body, spacer(from), ...rows, spacer(this.#shown.length - end));
  }

  #entry(entry: number, index: number): HTMLElement {
    const entries = this.#entries;
    const type = entries.type(entry);
    const row = element(
      'tr',
      {
        'data-entry': entry,
        'aria-rowindex': index + 2,
        'aria-selected': entry === this.#selected ? 'true' : 'false',
        class: type.replace('.', '-'),
      },
      element('td', { class: 'time' }, timeOf(entries.timeMs(entry))),
      element('td', {}, shown(entries.agent(entry) ?? '–')),
      element('td', { class: 'what' }, shown(wordOf(type))),
      element('td', {}, shown(entries.step(entry) ?? '')),
      element('td', { class: 'about', dir: 'auto' }, shown(entries.text(entry).slice(0, 300))),
    );
    row.addEventListener('click', () => this.#actions.onEntry(entry));
    return row;
  }

  #sessionRow(session: number, index: number): HTMLElement {
    const about = this.#header.sessions[session];
    const [main = -1] = about?.streams ?? [];
    const {
      sampleMs = [],
      turns = 0,
      calls = 0,
      state = 'done',
    } = this.#header.streams[main] ?? {};
    const row = element(
      'tr',
      {
        'data-session': session,
        'aria-rowindex': index + 2,
        'aria-selected': session === this.#session ? 'true' : 'false',
        class: `session ${state}`,
      },
      element('td', { class: 'time' }, sampleMs[0] === undefined ? '' : timeOf(sampleMs[0])),
      element('td', {}, shown((this.#isPlain ? about?.folder : about?.agent) ?? '–')),
      element('td', { class: 'what' }, shown(`session · ${about?.harness ?? ''}`)),
      element('td', {}, state === 'done' ? '' : stateWords[state]),
      element(
        'td',
        { class: 'title-of', dir: 'auto' },
        shown(streamTitle(this.#header, about, main).slice(0, 300)),
        element(
          'span',
          { class: 'counts' },
          ` ${counted(turns, 'turn')}, ${counted(calls, 'call')}`,
        ),
      ),
    );
    row.addEventListener('click', () => this.#actions.onSession(session));
    return row;
  }

  /** Handles a key; `false` if it has no meaning here. */
  act(key: string): boolean {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15 }[key];
    const last = this.#shown.length - 1;
    const at = this.#at;
    const next = key === 'Home' ? 0 : key === 'End' ? last : by === undefined ? -1 : at + by;
    const row = this.#shown[Math.min(last, Math.max(0, next))];
    if ((by === undefined && key !== 'Home' && key !== 'End') || row === undefined) return false;
    if ('entry' in row) this.#actions.onEntry(row.entry);
    else this.#actions.onSession(row.session);
    return true;
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** ISO 8601 UTC, to the millisecond. */
function timeOf(ms: number): string {
  return isoOf(ms).slice(0, 23).replace('T', ' ');
}

function spacer(rows: number): HTMLElement | undefined {
  if (rows <= 0) return undefined;
  const cell = element('td', { colspan: 5 });
  const row = element('tr', { class: 'spacer', 'aria-hidden': 'true' }, cell);
  cell.style.height = `${rows * rowHeight}px`;
  return row;
}
