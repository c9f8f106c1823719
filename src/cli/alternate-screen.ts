import { fitted } from './table.js';

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/** A terminal that shows one changing page and afterwards looks as it did before. */
export interface Screen {
  readonly size: ScreenSize;
  /** `redraw` is called once a second, after a resize and after a suspension. */
  open(redraw: () => void): void;
  draw(lines: readonly string[]): void;
  close(): void;
}

/** No more lines than the terminal has rows, and none wider. */
export function screenful(lines: readonly string[], { columns, rows }: ScreenSize): string[] {
  const most = Math.max(1, rows);
  const shown = lines.length > most ? [...lines.slice(0, most - 1), '…'] : lines;
  return shown.map((line) => fitted(line, columns));
}

const redrawMs = 1_000;

type Terminal = NodeJS.WritableStream & { readonly columns?: number; readonly rows?: number };

/**
 * The alternate screen, so that nothing of the page stays in the scrollback. It is left however the process ends, and
 * while it is suspended.
 */
export class AlternateScreen implements Screen {
  readonly #terminal: Terminal;
  #shown = '';
  #timer: NodeJS.Timeout | undefined;
  #redraw: () => void = () => undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  get size(): ScreenSize {
    const { columns, rows } = this.#terminal;
    // A terminal that does not know its size says 0.
    return { columns: Math.max(20, columns || 80) - 1, rows: rows || 24 };
  }

  open(redraw: () => void): void {
    this.#redraw = redraw;
    this.#enter();
    this.#timer = setInterval(redraw, redrawMs);
    this.#timer.unref();
    this.#terminal.on('resize', this.#resized);
    process.on('SIGTSTP', this.#suspended);
    process.on('SIGCONT', this.#resumed);
    process.once('exit', this.#leave);
  }

  draw(lines: readonly string[]): void {
    const drawn = lines.map((line) => `${line}\u001b[K`).join('\n');
    if (drawn === this.#shown) return;
    this.#shown = drawn;
    this.#terminal.write(`\u001b[H${drawn}\u001b[J`);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#terminal.off('resize', this.#resized);
    process.off('SIGTSTP', this.#suspended);
    process.off('SIGCONT', this.#resumed);
    process.off('exit', this.#leave);
    this.#leave();
  }

  readonly #enter = (): void => {
    this.#terminal.write('\u001b[?1049h');
  };

  readonly #leave = (): void => {
    this.#terminal.write('\u001b[?1049l');
  };

  readonly #resized = (): void => {
    this.#shown = '';
    this.#redraw();
  };

  readonly #resumed = (): void => {
    this.#enter();
    this.#resized();
  };

  readonly #suspended = (): void => {
    this.#leave();
    process.kill(process.pid, 'SIGSTOP');
  };
}
