import { shown } from './dom.js';
import type { Entries } from './entries.js';
import { labelOf } from './labels.js';
import { fonts } from './theme.js';

/** Labels whose width is cached: words recur, texts do not. */
const mostWidths = 10_000;

/** The widths of the labels next to marks, in pixels. */
export class LabelWidths {
  readonly #entries: Entries;
  readonly #context: () => CanvasRenderingContext2D;
  readonly #widths = new Map<string, number>();

  constructor(entries: Entries, context: () => CanvasRenderingContext2D) {
    this.#entries = entries;
    this.#context = context;
  }

  of(entry: number): number {
    const label = shown(labelOf(this.#entries, entry));
    const known = this.#widths.get(label);
    if (known !== undefined) return known;
    const context = this.#context();
    context.font = fonts.word;
    const { width } = context.measureText(label);
    if (this.#widths.size < mostWidths) this.#widths.set(label, width);
    return width;
  }
}
