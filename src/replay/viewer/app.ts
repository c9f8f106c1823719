import type { PageHeader, PageSession } from '../page/data.js';
import { Board } from './board.js';
import { claimBars } from './claim-bars.js';
import type { Lines } from './data.js';
import { button, element, replace } from './dom.js';
import { Entries } from './entries.js';
import { EntryFilter } from './entry-filter.js';
import { type FilterState, Filters } from './filters.js';
import {
  alarmButtons,
  type HeadingActions,
  nothingHere,
  storyLine,
  titleLine,
  toolButtons,
  warningList,
  zoomStep,
} from './heading.js';
import { readLocation, type ViewLocation, writeLocation } from './location.js';
import { showRecord } from './record.js';
import { sessionsMatching } from './session-filter.js';
import { spanOf } from './span.js';
import { storyOf } from './story.js';
import { EntryTable } from './table.js';
import { rowsByTime } from './table-rows.js';
import { foldsOf } from './time-scale.js';
import { Transcript } from './transcript.js';
import { TranscriptHits } from './transcript-hits.js';
import type { Viewport } from './viewport.js';

/** The user's position, for the page that replaces this one. */
export interface UserPosition {
  readonly place: ViewLocation;
  readonly filters: FilterState;
  readonly viewport: Viewport;
}

const start: ViewLocation = {
  entry: undefined,
  view: 'lanes',
  stream: undefined,
  line: 0,
  isRows: false,
};

/** The page: decides what is shown where, and handles keys and clicks. */
export class App {
  readonly #root: HTMLElement;
  readonly #header: PageHeader;
  readonly #entries: Entries;
  readonly #filter: EntryFilter;
  readonly #lines: Lines;
  readonly #filters: Filters;
  readonly #board: Board;
  readonly #table: EntryTable;
  readonly #found: TranscriptHits;
  readonly #story: HTMLElement;
  readonly #panel = element('aside', {
    class: 'panel',
    hidden: true,
    'aria-label': 'Details',
    tabindex: -1,
  });
  readonly #content = element('div', { class: 'content' });
  readonly #count = element('span', { class: 'count', role: 'status' });
  readonly #transcript: Transcript;
  readonly #stop = new AbortController();
  readonly #actions: HeadingActions = {
    onEntry: (entry) => this.#openEntry(entry),
    present: () => this.#place.entry,
  };
  #place = start;

  constructor(root: HTMLElement, header: PageHeader, lines: Lines) {
    this.#root = root;
    this.#header = header;
    this.#lines = lines;
    this.#entries = new Entries(header.entries);
    this.#filter = new EntryFilter(this.#entries);
    this.#filters = new Filters(this.#entries, header.agents, () => this.#refilter());
    const isPlain = !this.#hasSteps;
    const { span, times } = spanOf(header, isPlain);
    const bars = claimBars(this.#entries, header.expiries, span.toMs);
    this.#story = storyLine(storyOf(this.#entries, bars, header), this.#actions);
    this.#board = new Board({
      header,
      entries: this.#entries,
      bars,
      span,
      folds: foldsOf(times),
      isPlain,
      onMark: (entry) => this.#openEntry(entry),
      onPlace: ({ stream }, line) => this.#openPlace(stream, line),
    });
    this.#table = new EntryTable(
      this.#entries,
      { header, isPlain },
      {
        onEntry: (entry) => this.#openEntry(entry),
        onSession: (session) => this.#openPlace(header.sessions[session]?.streams[0] ?? -1, 0),
      },
    );
    this.#found = new TranscriptHits(header, lines, {
      onOpen: () => this.#openFound(),
      onPlace: (stream, line) => this.#openPlace(stream, line),
    });
    this.#transcript = new Transcript(this.#content, {
      header,
      lines,
      onPlace: (stream, line, isRows) => {
        this.#place = { ...this.#place, stream, line, isRows };
        this.#remember();
      },
    });
  }

  start(before?: UserPosition): void {
    const { signal } = this.#stop;
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
    document.addEventListener('keydown', (event) => this.#key(event), { signal });
    matchMedia('(prefers-color-scheme: dark)').addEventListener(
      'change',
      () => this.#board.recolor(),
      { signal },
    );
    window.addEventListener('beforeprint', () => this.#board.preparePrint(), { signal });
    window.addEventListener('afterprint', () => this.#board.layOut(), { signal });
    const kept = before ?? readLocation();
    if (kept?.filters !== undefined) this.#filters.restore(kept.filters);
    this.#refilter();
    if (before !== undefined) this.#board.restore(before.viewport);
    if (kept !== undefined) this.#restore(kept.place);
    else if (this.#only !== undefined) this.#openPlace(this.#only.streams[0] ?? -1, 0);
    this.#root.dataset.ready = 'true';
    setTimeout(() => this.#filter.prepare(), 50);
  }

  /** Stops it, so that another one can take its place. */
  stop(): UserPosition {
    this.#stop.abort();
    const line = this.#place.stream === undefined ? this.#place.line : this.#transcript.line;
    return {
      place: { ...this.#place, line },
      filters: this.#filters.state,
      viewport: this.#board.viewport,
    };
  }

  /** The user is typing, and should not be disturbed. */
  get isBusy(): boolean {
    return document.activeElement === this.#filters.search;
  }

  /** The page is about one session. */
  get #only(): PageSession | undefined {
    const { sessions, session } = this.#header;
    return session === null ? undefined : sessions[session];
  }

  get #hasSteps(): boolean {
    for (let index = 0; index < this.#entries.count; index += 1) {
      if (this.#entries.type(index).startsWith('step.')) return true;
    }
    return false;
  }

  #views(): readonly HTMLElement[] {
    const { project, sessions } = this.#header;
    const isEmpty = this.#entries.count === 0 && sessions.length === 0;
    return isEmpty ? [nothingHere(project)] : [this.#board.root, this.#table.root];
  }

  #restore(place: ViewLocation): void {
    if (place.view === 'table') this.#turnView();
    if (place.stream !== undefined) this.#openPlace(place.stream, place.line, place.isRows);
    else if (place.entry !== undefined && place.entry < this.#entries.count)
      this.#openEntry(place.entry);
  }

  #top(): HTMLElement {
    const { warnings } = this.#header;
    const tools = toolButtons({
      zoom: (factor) => this.#board.zoom(factor),
      fit: () => this.#board.fit(),
      turnView: () => this.#turnView(),
      recolor: () => this.#board.recolor(),
    });
    const alarms = alarmButtons(this.#entries, this.#actions);
    const { button: found } = this.#found;
    return element(
      'header',
      { class: 'top' },
      titleLine(this.#header),
      this.#story,
      element('div', { class: 'bar' }, this.#filters.root, this.#count, found, alarms, tools),
      warnings.length === 0 ? undefined : warningList(warnings),
    );
  }

  #refilter(): void {
    const started = performance.now();
    const { filter } = this.#filters;
    const indices = this.#filter.indices(filter);
    const sessions = sessionsMatching(this.#header, filter);
    this.#board.show(indices);
    this.#table.show(rowsByTime(this.#entries, indices, this.#header, sessions));
    const all = this.#entries.count;
    const shownCount = indices.length.toLocaleString('en');
    this.#count.textContent =
      indices.length === all
        ? `${shownCount} ${all === 1 ? 'event' : 'events'}`
        : `${shownCount} of ${all.toLocaleString('en')} events`;
    this.#count.dataset.filterMs = (performance.now() - started).toFixed(1);
    this.#found.search(filter.words);
    this.#selectPresent();
    this.#remember();
  }

  #selectPresent(): void {
    const { entry, stream } = this.#place;
    const session = this.#header.sessions.findIndex(
      ({ streams }) => stream !== undefined && streams.includes(stream),
    );
    this.#board.select(entry);
    if (session === -1) this.#table.select(entry);
    else this.#table.select(undefined, session);
  }

  #openEntry(entry: number): void {
    this.#place = { ...this.#place, entry, stream: undefined };
    this.#openPanel('record');
    this.#selectPresent();
    const input = {
      header: this.#header,
      entries: this.#entries,
      lines: this.#lines,
      onPlace: (stream: number, line: number) => this.#openPlace(stream, line),
    };
    void showRecord(this.#content, input, entry);
    this.#remember();
  }

  #openPlace(stream: number, line: number, isRows = false): void {
    const session = this.#header.sessions.findIndex(({ streams }) => streams.includes(stream));
    if (session === -1) return;
    this.#place = { ...this.#place, stream, line, isRows };
    this.#openPanel('conversation');
    this.#selectPresent();
    void this.#transcript.open(session, stream, line, isRows);
    this.#remember();
  }

  #openFound(): void {
    this.#openPanel('found-list');
    this.#found.show(this.#content);
  }

  #openPanel(kind: 'record' | 'conversation' | 'found-list'): void {
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
    this.#selectPresent();
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
    const isTyping = event.target instanceof HTMLInputElement;
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const isControl =
      event.target instanceof Element &&
      event.target.closest('button, select, summary, label') !== null;
    const acts: Readonly<Record<string, () => void>> = {
      '/': () => this.#filters.search.focus(),
      t: () => this.#turnView(),
      '+': () => this.#board.zoom(zoomStep),
      '=': () => this.#board.zoom(zoomStep),
      '-': () => this.#board.zoom(1 / zoomStep),
      '0': () => this.#board.fit(),
      Enter: () => this.#focusPanel(),
    };
    const act = Object.hasOwn(acts, event.key) ? acts[event.key] : undefined;
    if (act === undefined) {
      this.#keyAnywhere(event);
      return;
    }
    if (isControl && event.key === 'Enter') return;
    event.preventDefault();
    act();
  }

  /** Arrow keys work before anything has been clicked. */
  #keyAnywhere(event: KeyboardEvent): void {
    if (event.target !== document.body) return;
    const { key } = event;
    const isHandled = this.#place.view === 'table' ? this.#table.act(key) : this.#board.act(key);
    if (isHandled) event.preventDefault();
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
}

const hint =
  '← → through the events · ↑ ↓ between lanes · Enter into the details · / search · t table · + − 0 zoom (or Ctrl and wheel) · Esc back · times in UTC';
