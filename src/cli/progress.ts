import type CliProgress from 'cli-progress';
import type { SingleBar } from 'cli-progress';
import { type Clock, systemClock } from '../clock.js';
import { escapeTerminal } from '../escape-terminal.js';
import { formatBytes, formatCount } from './format.js';

/** Progress of long work, on stderr. Work that takes less than a second shows nothing. */
export interface Progress {
  /** `total` may grow as more work is found. Calls are cheap: it draws at most 10 times a second. */
  update(done: number, total?: number): void;
  stop(): void;
}

interface ProgressOptions {
  readonly label: string;
  readonly total: number;
  readonly unit: 'bytes' | 'items';
  /** Draws nothing. */
  readonly isQuiet?: boolean;
  readonly stream?: ProgressStream;
  readonly clock?: Clock;
}

interface ProgressStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const delayMs = 1_000;
const lineEveryMs = 5_000;
const lineEveryPercent = 10;

/** A bar on a terminal; elsewhere a plain line every 10 % or 5 s. */
export function startProgress(options: ProgressOptions): Progress {
  if (options.isQuiet === true) return { update: () => undefined, stop: () => undefined };
  const { stream = process.stderr, clock = systemClock } = options;
  const state = { done: 0, total: options.total };
  const startedAt = clock.monotonic();
  const painter = stream.isTTY === true ? new Bar(options, stream) : lines(options, stream, clock);
  let isShown = false;
  return {
    update: (done, total) => {
      state.done = done;
      state.total = total ?? state.total;
      if (clock.monotonic() - startedAt < delayMs) return;
      isShown = true;
      painter.paint(state);
    },
    stop: () => {
      if (isShown) painter.finish(state);
    },
  };
}

interface State {
  readonly done: number;
  readonly total: number;
}

interface Painter {
  paint(state: State): void;
  finish(state: State): void;
}

function lines(options: ProgressOptions, stream: ProgressStream, clock: Clock): Painter {
  let last: { readonly percent: number; readonly at: number; readonly text: string } | undefined;
  const write = (state: State, percent: number): void => {
    const text = `${escapeTerminal(options.label)}: ${percent} % (${amount(options, state)})\n`;
    if (text !== last?.text) stream.write(text);
    last = { percent, at: clock.monotonic(), text };
  };
  return {
    paint: (state) => {
      const percent = percentOf(state);
      const isDue =
        last === undefined ||
        percent >= last.percent + lineEveryPercent ||
        clock.monotonic() - last.at >= lineEveryMs;
      if (isDue) write(state, percent);
    },
    finish: (state) => write(state, percentOf(state)),
  };
}

class Bar implements Painter {
  readonly #options: ProgressOptions;
  readonly #stream: ProgressStream;
  #library: Promise<typeof CliProgress> | undefined;
  #draw = (): void => undefined;
  #shown: SingleBar | undefined;
  #form: Form = { format: '', barsize: 0 };
  #isFinished = false;
  #latest: State;

  constructor(options: ProgressOptions, stream: ProgressStream) {
    this.#options = options;
    this.#stream = stream;
    this.#latest = { done: 0, total: options.total };
  }

  paint(state: State): void {
    this.#latest = { ...state };
    if (this.#library === undefined) {
      this.#library = import('cli-progress');
      void this.#library.then((library) => this.#open(library));
    }
    this.#shown?.setTotal(state.total);
    this.#shown?.update(state.done, { amount: this.#amount });
  }

  readonly finish = (): void => {
    this.#isFinished = true;
    this.#shown?.stop();
    this.#stream.off('resize', this.#resized);
    process.off('exit', this.finish);
  };

  #open(library: typeof CliProgress): void {
    if (this.#isFinished) return;
    this.#draw = () => {
      this.#form = formFor(escapeTerminal(this.#options.label), this.#columns);
      this.#shown = new library.SingleBar({
        stream: this.#stream,
        ...this.#form,
        hideCursor: true,
        clearOnComplete: true,
        // The command's own handlers end the process, and `finish` restores the cursor.
        gracefulExit: false,
      });
      this.#shown.start(this.#latest.total, this.#latest.done, { amount: this.#amount });
    };
    this.#draw();
    this.#stream.on('resize', this.#resized);
    process.once('exit', this.finish);
  }

  /**
   * A narrower terminal has broken the line into rows, which are erased; the next line fits. The bar that stops goes
   * back to the position that was last saved (ESC 7), and rows have moved since it began.
   */
  readonly #resized = (): void => {
    const above = Math.floor((lengthOf(this.#form, this.#amount) - 1) / this.#columns);
    this.#stream.write(`${above > 0 ? `\u001b[${above}A` : ''}\r\u001b[J\u001b7`);
    this.#shown?.stop();
    this.#draw();
  };

  get #columns(): number {
    return this.#stream.columns || 80;
  }

  get #amount(): string {
    return amount(this.#options, this.#latest);
  }
}

interface Form {
  readonly format: string;
  readonly barsize: number;
}

/** Some columns are left over, so that a little less width breaks nothing. */
function formFor(label: string, width: number): Form {
  if (width >= 80) {
    return {
      format: `${label} [{bar}] {percentage} %  {amount}  ETA {eta_formatted}`,
      barsize: 24,
    };
  }
  if (width >= 60) return { format: `${label} [{bar}] {percentage} %  {amount}`, barsize: 12 };
  return { format: `${label} [{bar}] {percentage} %`, barsize: 10 };
}

/** About as long as it is drawn. */
function lengthOf({ format, barsize }: Form, amount: string): number {
  const [bare, values] = [format.replace(/\{\w+\}/g, ''), format.match(/\{\w+\}/g) ?? []];
  const lengths: Readonly<Record<string, number>> = { '{bar}': barsize, '{amount}': amount.length };
  return values.reduce((sum, name) => sum + (lengths[name] ?? 2), bare.length);
}

function percentOf({ done, total }: State): number {
  return total <= 0 ? 100 : Math.min(100, Math.floor((done / total) * 100));
}

function amount({ unit }: ProgressOptions, { done, total }: State): string {
  const format = unit === 'bytes' ? formatBytes : formatCount;
  return `${format(done)} of ${format(total)}`;
}
