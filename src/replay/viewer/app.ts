import type { PageHeader } from '../page/data.js';
import { Board } from './board.js';
import { claimBars } from './claim-bars.js';
import { Conversation } from './conversation.js';
import { Lines } from './data.js';
import { button, element, isoOf, replace, shown } from './dom.js';
import { Entries } from './entries.js';
import { EntryFilter } from './entry-filter.js';
import { Filters } from './filters.js';
import { readLocation, type ViewLocation, writeLocation } from './location.js';
import { showRecord } from './record.js';
import { EntryTable } from './table.js';
import { turnTheme } from './theme.js';
import { foldsOf, type Span } from './time-scale.js';

/** The page: what is shown where, and what keys and clicks do. */
export class App {
  readonly #root: HTMLElement;
  readonly #header: PageHeader;
  readonly #entries: Entries;
  readonly #filter: EntryFilter;
  readonly #lines: Lines;
  readonly #filters: Filters;
  readonly #board: Board;
  readonly #table: EntryTable;
  readonly #panel = element('aside', {
    class: 'panel',
    hidden: true,
    'aria-label': 'Details',
    tabindex: -1,
  });
  readonly #content = element('div', { class: 'content' });
  readonly #count = element('span', { class: 'count', role: 'status' });
  readonly #conversation: Conversation;
  #place: ViewLocation = { entry: undefined, view: 'lanes', stream: undefined, line: 0 };

  constructor(root: HTMLElement, header: PageHeader) {
    this.#root = root;
    this.#header = header;
    this.#entries = new Entries(header.entries);
    this.#filter = new EntryFilter(this.#entries);
    this.#lines = new Lines(header);
    this.#filters = new Filters(this.#entries, header.agents, () => this.#refilter());
    const { span, times } = spanOf(header);
    this.#board = new Board({
      header,
      entries: this.#entries,
      bars: claimBars(this.#entries, header.expiries, span.toMs),
      span,
      folds: foldsOf(times),
      onMark: (entry) => this.#openEntry(entry),
      onPlace: ({ stream }, line) => this.#openPlace(stream, line),
    });
    this.#table = new EntryTable(this.#entries, (entry) => this.#openEntry(entry));
    this.#conversation = new Conversation(this.#content, { header, lines: this.#lines });
  }

  start(): void {
    const close = button('Close', { class: 'close', 'aria-label': 'Close details' }, () =>
      this.#closePanel(),
    );
    this.#panel.append(close, this.#content);
    replace(
      this.#root,
      this.#top(),
      element('main', {}, ...this.#views(), this.#panel),
      element('p', { class: 'hint' }, hint),
    );
    document.addEventListener('keydown', (event) => this.#key(event));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () =>
      this.#board.recolor(),
    );
    window.addEventListener('beforeprint', () => this.#board.preparePrint());
    window.addEventListener('afterprint', () => this.#board.layOut());
    const before = readLocation();
    if (before?.filters !== undefined) this.#filters.restore(before.filters);
    this.#refilter();
    if (before !== undefined) this.#restore(before.place);
    this.#root.dataset.ready = 'true';
    setTimeout(() => this.#filter.prepare(), 50);
    this.#follow();
  }

  #views(): readonly HTMLElement[] {
    const { project, sessions } = this.#header;
    const isEmpty = this.#entries.count === 0 && sessions.length === 0;
    return isEmpty ? [nothingHere(project)] : [this.#board.root, this.#table.root];
  }

  #restore(place: ViewLocation): void {
    if (place.view === 'table') this.#turnView();
    if (place.stream !== undefined) this.#openPlace(place.stream, place.line);
    else if (place.entry !== undefined && place.entry < this.#entries.count)
      this.#openEntry(place.entry);
  }

  #top(): HTMLElement {
    const { project, location, writtenMs, warnings, followMs, streams } = this.#header;
    const lines = streams.slice(1).reduce((sum, stream) => sum + stream.lines, 0);
    const about = [
      location,
      `${counted(this.#header.sessions.length, 'session')}, ${counted(lines, 'line')}`,
      `${followMs === null ? 'written' : 'following, last written'} ${isoOf(writtenMs).slice(0, 19).replace('T', ' ')} UTC`,
    ].join(' · ');
    const tools = element(
      'div',
      { class: 'tools' },
      button('−', { 'aria-label': 'Zoom out', title: 'Zoom out ( - )' }, () =>
        this.#board.zoom(1 / 1.6),
      ),
      button('Fit', { title: 'All of the run ( 0 )' }, () => this.#board.fit()),
      button('+', { 'aria-label': 'Zoom in', title: 'Zoom in ( + )' }, () => this.#board.zoom(1.6)),
      button(
        'Table',
        { class: 'turn', 'aria-pressed': 'false', title: 'Table or lanes ( t )' },
        () => this.#turnView(),
      ),
      button('Theme', { title: 'Light, dark, or as the system has it' }, () => {
        turnTheme();
        this.#board.recolor();
      }),
    );
    return element(
      'header',
      { class: 'top' },
      element(
        'div',
        { class: 'title' },
        element('h1', {}, shown(project)),
        element('p', {}, shown(about)),
      ),
      element('div', { class: 'bar' }, this.#filters.root, this.#count, this.#alarms(), tools),
      warnings.length === 0 ? undefined : warningList(warnings),
    );
  }

  /** How much went wrong; a click moves from one to the next. */
  #alarms(): HTMLElement {
    const words = [
      ['step.blocked', 'blocked'],
      ['step.needs_review', 'to review'],
      ['step.claim_rejected', 'rejected'],
    ] as const;
    const buttons = words.flatMap(([type, word]) => {
      const found = Array.from({ length: this.#entries.count }, (_, index) => index).filter(
        (index) => this.#entries.type(index) === type,
      );
      const goOn = (): void => {
        const next = found.find((index) => index > (this.#place.entry ?? -1)) ?? found[0];
        if (next !== undefined) this.#openEntry(next);
      };
      const name = `${found.length.toLocaleString('en')} ${word}`;
      const className = `alarm ${type.replace('.', '-')}`;
      return found.length === 0 ? [] : [button(name, { class: className }, goOn)];
    });
    return element('div', { class: 'alarms' }, ...buttons);
  }

  #refilter(): void {
    const started = performance.now();
    const indices = this.#filter.indices(this.#filters.filter);
    this.#board.show(indices);
    this.#table.show(indices);
    const all = this.#entries.count;
    const shownCount = indices.length.toLocaleString('en');
    this.#count.textContent =
      indices.length === all
        ? `${shownCount} ${all === 1 ? 'event' : 'events'}`
        : `${shownCount} of ${all.toLocaleString('en')} events`;
    this.#count.dataset.filterMs = (performance.now() - started).toFixed(1);
    this.#select(this.#place.entry);
    this.#remember();
  }

  #select(entry: number | undefined): void {
    this.#board.select(entry);
    this.#table.select(entry);
  }

  #openEntry(entry: number): void {
    this.#place = { ...this.#place, entry, stream: undefined };
    this.#openPanel('record');
    this.#select(entry);
    const input = {
      header: this.#header,
      entries: this.#entries,
      lines: this.#lines,
      onPlace: (stream: number, line: number) => this.#openPlace(stream, line),
    };
    void showRecord(this.#content, input, entry);
    this.#remember();
  }

  #openPlace(stream: number, line: number): void {
    const session = this.#header.sessions.findIndex(({ streams }) => streams.includes(stream));
    if (session === -1) return;
    this.#place = { ...this.#place, stream, line };
    this.#openPanel('conversation');
    void this.#conversation.open(session, stream, line);
    this.#remember();
  }

  #openPanel(kind: 'record' | 'conversation'): void {
    this.#panel.hidden = false;
    this.#content.className = `content ${kind}`;
  }

  #closePanel(): void {
    this.#panel.hidden = true;
    this.#place = { ...this.#place, stream: undefined };
    this.#remember();
    if (this.#place.view === 'table') this.#table.root.focus();
    else this.#board.focus();
  }

  #turnView(): void {
    const view = this.#place.view === 'table' ? 'lanes' : 'table';
    this.#place = { ...this.#place, view };
    this.#board.root.hidden = view === 'table';
    this.#table.root.hidden = view === 'lanes';
    this.#root.querySelector('.turn')?.setAttribute('aria-pressed', String(view === 'table'));
    if (view === 'table') this.#table.root.focus();
    this.#select(this.#place.entry);
    this.#remember();
  }

  #remember(): void {
    if (this.#root.dataset.ready !== 'true') return;
    writeLocation({ place: this.#place, filters: this.#filters.state });
  }

  #key(event: KeyboardEvent): void {
    if (event.key === 'Escape') {
      this.#escape();
      return;
    }
    const isTyping = event.target instanceof HTMLInputElement && event.target.type === 'search';
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const isControl =
      event.target instanceof Element &&
      event.target.closest('button, select, summary, label') !== null;
    const acts: Readonly<Record<string, () => void>> = {
      '/': () => this.#filters.search.focus(),
      t: () => this.#turnView(),
      '+': () => this.#board.zoom(1.6),
      '=': () => this.#board.zoom(1.6),
      '-': () => this.#board.zoom(1 / 1.6),
      '0': () => this.#board.fit(),
      Enter: () => this.#focusPanel(),
    };
    const act = Object.hasOwn(acts, event.key) ? acts[event.key] : undefined;
    if (act === undefined || (isControl && event.key === 'Enter')) return;
    event.preventDefault();
    act();
  }

  #escape(): void {
    if (document.activeElement === this.#filters.search && this.#filters.search.value !== '') {
      this.#filters.search.value = '';
      this.#refilter();
      return;
    }
    if (!this.#panel.hidden) this.#closePanel();
  }

  #focusPanel(): void {
    if (this.#panel.hidden) return;
    const first = this.#content.querySelector('button, select, input, [tabindex]');
    if (first instanceof HTMLElement) first.focus();
    else this.#panel.focus();
  }

  /** The writer replaces this page with a new one; a user who is reading or typing is not disturbed. */
  #follow(): void {
    const { followMs } = this.#header;
    if (followMs === null) return;
    let lastActMs = 0;
    for (const type of ['keydown', 'pointerdown', 'wheel', 'scroll']) {
      document.addEventListener(
        type,
        () => {
          lastActMs = performance.now();
        },
        { capture: true, passive: true },
      );
    }
    setInterval(
      () => {
        const isBusy =
          performance.now() - lastActMs < 4_000 || document.activeElement === this.#filters.search;
        if (!isBusy) location.reload();
      },
      Math.max(2_000, followMs),
    );
  }
}

const hint =
  '← → through the events · ↑ ↓ between lanes · Enter into the details · / search · t table · + − 0 zoom (or Ctrl and wheel) · Esc back';

/** From the first to the last thing that happened, and all moments at which something did. */
function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** Shown when there is nothing to show. */
function nothingHere(project: string): HTMLElement {
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

function spanOf({ entries, streams, writtenMs }: PageHeader): {
  readonly span: Span;
  readonly times: Float64Array;
} {
  const samples = streams.map(({ sampleMs }) => sampleMs);
  const count = samples.reduce((sum, { length }) => sum + length, entries.timeMs.length);
  const times = new Float64Array(count);
  let at = 0;
  for (const list of [entries.timeMs, ...samples]) {
    times.set(list, at);
    at += list.length;
  }
  times.sort();
  const [first = writtenMs, last = writtenMs] = [times[0], times[times.length - 1]];
  const isMoment = first === last;
  return { span: { fromMs: first, toMs: isMoment ? last + 1_000 : last }, times };
}

function warningList(warnings: readonly string[]): HTMLElement {
  const list = element(
    'ul',
    {},
    ...warnings.slice(0, 200).map((one) => element('li', {}, shown(one))),
  );
  const label =
    warnings.length === 1 ? '1 object was skipped' : `${warnings.length} objects were skipped`;
  return element('details', { class: 'warnings' }, element('summary', {}, label), list);
}
