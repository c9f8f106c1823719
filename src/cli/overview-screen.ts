import type { Overview } from '../app/overview.js';
import { type Screen, screenful } from './alternate-screen.js';
import { printLine } from './output.js';
import { overviewLines } from './overview-lines.js';
import { wrapped } from './table.js';

/** `status --watch` at a terminal: redrawn in place, and printed for good as it last was. */
export class OverviewScreen {
  readonly #screen: Screen;
  #overview: Overview | undefined;
  #troubles: readonly string[] = [];

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  open(): void {
    this.#screen.open(() => this.#draw());
    process.once('exit', this.close);
  }

  show(overview: Overview, troubles: readonly string[]): void {
    this.#overview = overview;
    this.#troubles = troubles;
    this.#draw();
  }

  /** The last look failed; what the one before it saw stays. */
  fail(trouble: string): void {
    this.#troubles = [trouble];
    this.#draw();
  }

  readonly close = (): void => {
    process.off('exit', this.close);
    this.#screen.close();
    for (const line of this.#lines()) printLine(line);
  };

  #draw(): void {
    this.#screen.draw(screenful(this.#lines(), this.#screen.size));
  }

  #lines(): readonly string[] {
    const width = this.#screen.size.columns;
    return [
      ...this.#troubles.flatMap((text) => wrapped(`! ${text}`, width, '  ')),
      ...(this.#overview === undefined ? [] : overviewLines(this.#overview, width)),
    ];
  }
}
