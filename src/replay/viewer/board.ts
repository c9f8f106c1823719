import type { PageHeader } from '../page/data.js';
import { axisHeight } from './axis.js';
import { type Drawing, fitToScreen, type View } from './canvas.js';
import { barsAmong, type ClaimBar } from './claim-bars.js';
import { element, replace } from './dom.js';
import type { Entries } from './entries.js';
import { type Hit, hitAt, lineAt, markOf, promptAt } from './hit.js';
import { moveOf } from './keyboard-moves.js';
import { LabelWidths } from './label-widths.js';
import { headsNear, laneHeads, tellMark, tellStrip } from './lane-heads.js';
import { type Lane, layOutLanes, type PlacedMark, type PlacedStrip } from './lane-layout.js';
import { paint } from './paint.js';
import { listenToPointer } from './pointer.js';
import { type Colors, readColors } from './theme.js';
import { type Fold, fittingScale, type Span, type TimeScale } from './time-scale.js';
import { Tip } from './tip.js';
import type { Viewport } from './viewport.js';

export interface BoardInput {
  readonly header: PageHeader;
  readonly entries: Entries;
  readonly bars: readonly ClaimBar[];
  readonly span: Span;
  readonly folds: readonly Fold[];
  /** The run has no claims. */
  readonly isPlain: boolean;
  onMark(entry: number): void;
  onPlace(strip: PlacedStrip, line: number): void;
}

const mostZoom = 20_000;
const margin = 28;

/** The lanes: a canvas showing the visible part of a drawing whose width depends on the zoom. */
export class Board {
  readonly root = element('section', { class: 'board', 'aria-label': 'Time line' });
  readonly #input: BoardInput;
  readonly #scroller = element('div', { class: 'scroller' });
  readonly #space = element('div', { class: 'space' });
  readonly #names = element('div', { class: 'names' });
  readonly #stage = element('div', {
    class: 'stage',
    tabindex: 0,
    role: 'application',
    'aria-roledescription': 'time line',
  });
  readonly #canvas = element('canvas', { 'aria-hidden': 'true' });
  readonly #cursor = element('div', { class: 'cursor', hidden: true });
  readonly #tip = new Tip();
  #shown: readonly number[];
  #lanes: readonly Lane[] = [];
  #scale: TimeScale;
  #zoom = 1;
  #left = 0;
  #selected: number | undefined;
  #colors: Colors = readColors();
  #isPainting = false;
  readonly #widths: LabelWidths;
  #laidOutWidth = -1;
  /** The lanes whose names are in the page. */
  #headed: { readonly from: number; readonly to: number } | undefined;

  constructor(input: BoardInput) {
    this.#input = input;
    this.#widths = new LabelWidths(input.entries, () => this.#context);
    this.#shown = Array.from({ length: input.entries.count }, (_, index) => index);
    this.#scale = fittingScale(input.span, input.folds, 1000);
    this.#stage.append(this.#canvas);
    this.#space.append(this.#names, this.#cursor);
    this.#scroller.append(this.#stage, this.#space);
    this.root.append(this.#scroller, this.#tip.root);
    this.#listen();
  }

  show(indices: readonly number[]): void {
    this.#shown = indices;
    this.layOut();
  }

  select(entry: number | undefined): void {
    this.#selected = entry;
    if (entry !== undefined) this.#reveal(entry);
    this.#placeCursor();
    this.#paintSoon();
  }

  /** The current view, to return to. */
  get viewport(): Viewport {
    return { zoom: this.#zoom, left: this.#left, top: this.#scroller.scrollTop };
  }

  restore({ zoom, left, top }: Viewport): void {
    this.#zoom = zoom;
    this.layOut();
    this.#scrollTo(left);
    this.#scroller.scrollTop = top;
  }

  focus(): void {
    this.#stage.focus();
  }

  recolor(): void {
    this.#colors = readColors();
    this.#paintSoon();
  }

  /** Keeps the time at `atX` (pixels of the view) in place. */
  zoom(factor: number, atX = this.#width / 2): void {
    const ms = this.#scale.ms(this.#left + atX - margin);
    this.#zoom = Math.min(mostZoom, Math.max(1, this.#zoom * factor));
    this.layOut();
    this.#scrollTo(this.#scale.x(ms) + margin - atX);
  }

  fit(): void {
    this.#zoom = 1;
    this.#left = 0;
    this.layOut();
  }

  /**
   * Paper does not scroll, so the canvas must hold the whole drawing, as far as its maximum height
   * allows.
   */
  preparePrint(): void {
    const { left } = this.#view;
    const width = this.#stage.clientWidth;
    const height = Math.min(8_000, this.#space.offsetHeight);
    this.root.style.setProperty('--drawing', `${height}px`);
    this.#paintNow({ left, top: 0, width, height });
  }

  layOut(): void {
    const { span, folds, entries, header, bars } = this.#input;
    this.#laidOutWidth = this.#width;
    const room = Math.max(200, this.#width - 2 * margin - this.#tail);
    this.#scale = fittingScale(span, folds, room, this.#zoom);
    this.#lanes = layOutLanes({
      entries,
      agents: header.agents,
      isPlain: this.#input.isPlain,
      shown: this.#shown,
      bars: barsAmong(bars, this.#shown, entries),
      sessions: header.sessions,
      streams: header.streams,
      scale: this.#scale,
      measure: (entry) => this.#widths.of(entry),
    });
    const last = this.#lanes[this.#lanes.length - 1];
    const height = last === undefined ? 0 : last.top + last.height;
    const count = this.#lanes.reduce((sum, { marks }) => sum + marks.length, 0);
    this.#space.style.height = `${height + axisHeight}px`;
    this.#stage.setAttribute(
      'aria-label',
      `${count} marks in ${this.#lanes.length} lanes. Arrow keys go from mark to mark, Enter opens one.`,
    );
    this.#headed = undefined;
    this.#showHeads();
    this.#scrollTo(this.#left);
  }

  /** With thousands of lanes, only those near the view have their names in the page. */
  #showHeads(): void {
    const { header, onPlace } = this.#input;
    const { scrollTop, clientHeight } = this.#scroller;
    const { from, to } = headsNear(this.#lanes, scrollTop, clientHeight);
    if (this.#headed?.from === from && this.#headed.to === to) return;
    this.#headed = { from, to };
    const lanes = this.#lanes.slice(from, to);
    replace(this.#names, ...laneHeads(header, lanes, (strip) => onPlace(strip, 0)));
  }

  get #width(): number {
    return this.#stage.clientWidth;
  }

  /** Pixels reserved for the label of the last entry. */
  get #tail(): number {
    return Math.min(170, this.#width * 0.14);
  }

  get #context(): CanvasRenderingContext2D {
    const context = this.#canvas.getContext('2d');
    if (context === null) throw new Error('this browser draws no canvas');
    return context;
  }

  get #view(): View {
    const { clientWidth, clientHeight } = this.#stage;
    return {
      left: this.#left - margin,
      top: this.#scroller.scrollTop,
      width: clientWidth,
      height: clientHeight,
    };
  }

  #scrollTo(left: number): void {
    const most = Math.max(0, this.#scale.width + 2 * margin + this.#tail - this.#width);
    this.#left = Math.min(most, Math.max(0, left));
    this.#placeCursor();
    this.#paintSoon();
  }

  #paintSoon(): void {
    if (this.#isPainting) return;
    this.#isPainting = true;
    requestAnimationFrame(() => {
      this.#isPainting = false;
      this.#paintNow();
    });
  }

  #paintNow(view = this.#view): void {
    const drawing: Drawing = {
      entries: this.#input.entries,
      streams: this.#input.header.streams,
      lanes: this.#lanes,
      scale: this.#scale,
      colors: this.#colors,
    };
    fitToScreen(this.#context, view);
    paint(this.#context, drawing, view);
  }

  #placeCursor(): void {
    const mark = this.#markOf(this.#selected);
    const x = mark === undefined ? -1 : mark.x - this.#left + margin;
    this.#cursor.hidden = mark === undefined || x < 0 || x > this.#width;
    if (mark === undefined) return;
    this.#cursor.style.left = `${this.#stage.offsetLeft + x}px`;
    this.#cursor.style.top = `${mark.y + axisHeight}px`;
    this.#cursor.dataset.entry = String(mark.entry);
  }

  #markOf(entry: number | undefined): PlacedMark | undefined {
    if (entry === undefined) return undefined;
    const agent = this.#input.entries.agent(entry) ?? '';
    return markOf(this.#lanes.find((lane) => lane.agent === agent)?.marks ?? [], entry);
  }

  #reveal(entry: number): void {
    const mark = this.#markOf(entry);
    if (mark === undefined) return;
    const x = mark.x - this.#left + margin;
    if (x < 20 || x > this.#width - 60) this.#scrollTo(mark.x - this.#width / 2);
    const { scrollTop, clientHeight } = this.#scroller;
    const y = mark.y + axisHeight;
    if (y < scrollTop + axisHeight + 10 || y > scrollTop + clientHeight - 30) {
      this.#scroller.scrollTop = y - clientHeight / 2;
    }
  }

  #listen(): void {
    new ResizeObserver(() => this.#resized()).observe(this.#stage);
    this.#scroller.addEventListener('scroll', () => {
      this.#showHeads();
      this.#paintSoon();
    });
    this.#stage.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    this.#stage.addEventListener('keydown', (event) => this.#key(event));
    listenToPointer(this.#stage, {
      left: () => this.#left,
      onDrag: (left) => this.#scrollTo(left),
      onHover: (event) => this.#hover(event),
      onClick: (event) => this.#click(event),
      onLeave: () => this.#tip.hide(),
      onZoom: (event) => this.zoom(2.5, event.offsetX),
    });
  }

  #resized(): void {
    if (this.#width === this.#laidOutWidth) this.#paintSoon();
    else this.layOut();
  }

  #wheel(event: WheelEvent): void {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 300), event.offsetX);
      return;
    }
    const sideways = event.shiftKey ? event.deltaY : event.deltaX;
    if (sideways === 0) return;
    event.preventDefault();
    this.#scrollTo(this.#left + sideways);
  }

  #at(event: PointerEvent): Hit & { readonly x: number } {
    const box = this.#stage.getBoundingClientRect();
    const x = event.clientX - box.left + this.#left - margin;
    const y = event.clientY - box.top - axisHeight + this.#scroller.scrollTop;
    const isAxis = event.clientY - box.top < axisHeight;
    return { x, ...(isAxis ? {} : hitAt(this.#lanes, x, y, (entry) => this.#widths.of(entry))) };
  }

  #hover(event: PointerEvent): void {
    const { mark, strip, bar, x } = this.#at(event);
    const { entries, header } = this.#input;
    const entry = mark?.entry ?? bar?.entry;
    const text =
      entry !== undefined
        ? tellMark(entries, entry)
        : strip && [tellStrip(header, strip), this.#promptAt(strip, x)].join('');
    this.#stage.style.cursor = text === undefined ? 'grab' : 'pointer';
    if (text === undefined) this.#tip.hide();
    else this.#tip.show(text, event, this.root);
  }

  #promptAt({ stream }: PlacedStrip, x: number): string {
    const prompt = promptAt(this.#input.header.streams[stream], this.#scale, x);
    return prompt === undefined ? '' : `: “${prompt[2]}”`;
  }

  #click(event: PointerEvent): void {
    const { mark, strip, bar, x } = this.#at(event);
    const entry = mark?.entry ?? bar?.entry;
    if (entry !== undefined) {
      this.#input.onMark(entry);
      return;
    }
    if (strip === undefined) return;
    const stream = this.#input.header.streams[strip.stream];
    this.#input.onPlace(strip, lineAt(stream, this.#scale, x));
  }

  #key(event: KeyboardEvent): void {
    const handled = this.act(event.key);
    if (!handled) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Handles a key; `false` if it has no meaning here. */
  act(key: string): boolean {
    const { entries } = this.#input;
    const move = moveOf(key, {
      entries,
      shown: this.#shown,
      selected: this.#selected,
      lanes: this.#lanes,
    });
    if (move?.entry !== undefined) this.#input.onMark(move.entry);
    return move !== undefined;
  }
}
