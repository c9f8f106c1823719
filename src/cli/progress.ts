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
  const painter = stream.isTTY === true ? bar(options, stream) : lines(options, stream, clock);
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

function bar(options: ProgressOptions, stream: ProgressStream): Painter {
  let shown: SingleBar | undefined;
  let form: Form = { format: '', barsize: 0 };
  let draw = (): void => undefined;
  let isLoading = false;
  let isFinished = false;
  let latest: State = { done: 0, total: options.total };

  async function show(): Promise<void> {
    const { SingleBar } = await import('cli-progress');
    if (isFinished) return;
    draw = () => {
      form = formFor(escapeTerminal(options.label), stream.columns || 80);
      shown = new SingleBar({
        stream,
        ...form,
        hideCursor: true,
        clearOnComplete: true,
        // The command's own handlers end the process, and `finish` restores the cursor.
        gracefulExit: false,
      });
      shown.start(latest.total, latest.done, { amount: amount(options, latest) });
    };
    draw();
    stream.on('resize', resized);
    process.once('exit', finish);
  }

  /** A narrower terminal has broken the line into rows, which are erased; the next line fits. */
  function resized(): void {
    const above = Math.floor(
      (lengthOf(form, amount(options, latest)) - 1) / (stream.columns || 80),
    );
    stream.write(`${above > 0 ? `\u001b[${above}A` : ''}\r\u001b[J`);
    shown?.stop();
    draw();
  }

  function finish(): void {
    isFinished = true;
    shown?.stop();
    stream.off('resize', resized);
    process.off('exit', finish);
  }

  return {
    paint: (state) => {
      latest = { ...state };
      if (shown === undefined && !isLoading) {
        isLoading = true;
        void show();
      }
      shown?.setTotal(state.total);
      shown?.update(state.done, { amount: amount(options, state) });
    },
    finish,
  };
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
