import { wordOf } from '../timeline/entry.js';
import { element, isoOf, replace, shown } from './dom.js';
import type { Entries } from './entries.js';

const rowHeight = 32;
const beyond = 12;
/** Rows that are printed; a page of paper has about forty. */
const mostPrinted = 5_000;

/** The same entries for reading, screen readers and paper; only the visible rows are in the page. */
export class EntryTable {
  readonly root = element('section', {
    class: 'table',
    'aria-label': 'Events as a table',
    hidden: true,
  });
  readonly #entries: Entries;
  readonly #onPick: (entry: number) => void;
  readonly #body = element('tbody');
  readonly #table = element('table');
  #shown: readonly number[] = [];
  #selected: number | undefined;
  #from = -1;

  constructor(entries: Entries, onPick: (entry: number) => void) {
    this.#entries = entries;
    this.#onPick = onPick;
    const heads = ['Time', 'Agent', 'What', 'Step', 'About'].map((name) =>
      element('th', { scope: 'col' }, name),
    );
    this.#table.append(element('thead', {}, element('tr', {}, ...heads)), this.#body);
    this.root.tabIndex = 0;
    this.root.append(this.#table);
    this.root.addEventListener('scroll', () => this.#render());
    this.root.addEventListener('keydown', (event) => this.#key(event));
    new ResizeObserver(() => this.#render(true)).observe(this.root);
    window.addEventListener('beforeprint', () => this.#renderRange(0, mostPrinted));
    window.addEventListener('afterprint', () => this.#render(true));
  }

  show(indices: readonly number[]): void {
    this.#shown = indices;
    this.#table.setAttribute('aria-rowcount', String(indices.length + 1));
    this.#render(true);
  }

  select(entry: number | undefined): void {
    this.#selected = entry;
    const at = entry === undefined ? -1 : this.#shown.indexOf(entry);
    const y = at * rowHeight;
    const { scrollTop, clientHeight } = this.root;
    if (at !== -1 && (y < scrollTop || y > scrollTop + clientHeight - 2 * rowHeight - 40)) {
      this.root.scrollTop = y - clientHeight / 2;
    }
    this.#render(true);
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
    const rows = this.#shown.slice(from, end).map((entry, index) => this.#row(entry, from + index));
    replace(this.#body, spacer(from), ...rows, spacer(this.#shown.length - end));
  }

  #row(entry: number, index: number): HTMLElement {
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
      element('td', { class: 'time' }, isoOf(entries.timeMs(entry)).slice(0, 23)),
      element('td', {}, shown(entries.agent(entry) ?? '–')),
      element('td', { class: 'what' }, shown(wordOf(type))),
      element('td', {}, shown(entries.step(entry) ?? '')),
      element('td', { class: 'about', dir: 'auto' }, shown(entries.text(entry).slice(0, 300))),
    );
    row.addEventListener('click', () => this.#onPick(entry));
    return row;
  }

  #key(event: KeyboardEvent): void {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15 }[event.key];
    const last = this.#shown.length - 1;
    const at = this.#selected === undefined ? -1 : this.#shown.indexOf(this.#selected);
    const next =
      event.key === 'Home' ? 0 : event.key === 'End' ? last : by === undefined ? -1 : at + by;
    const entry = this.#shown[Math.min(last, Math.max(0, next))];
    if ((by === undefined && event.key !== 'Home' && event.key !== 'End') || entry === undefined)
      return;
    event.preventDefault();
    this.#onPick(entry);
  }
}

function spacer(rows: number): HTMLElement | undefined {
  if (rows <= 0) return undefined;
  const cell = element('td', { colspan: 5 });
  const row = element('tr', { class: 'spacer', 'aria-hidden': 'true' }, cell);
  cell.style.height = `${rows * rowHeight}px`;
  return row;
}
