/**
 * A second signal ends the process at once. Both codes are what a shell reports for a process killed by that signal.
 */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;
type EndSignal = keyof typeof exitCodes;

const endSignals: readonly EndSignal[] = ['SIGINT', 'SIGTERM'];

/**
 * The default for every command. A handler is needed at all because process 1 of a container ignores unhandled
 * signals.
 */
export function exitOnSignals(): void {
  for (const signal of endSignals) process.on(signal, exit);
}

/**
 * For commands that shut down cleanly: the first signal calls `onFirst`, the second exits at once. Returns a function
 * that restores the default.
 */
export function handleSignals(onFirst: (signal: EndSignal) => void): () => void {
  const first = (signal: EndSignal): void => {
    restore();
    onFirst(signal);
  };
  const restore = (): void => {
    for (const signal of endSignals) process.off(signal, first).off(signal, exit).on(signal, exit);
  };
  for (const signal of endSignals) process.off(signal, exit).on(signal, first);
  return restore;
}

export interface Stop {
  readonly signal: AbortSignal;
  /** The signal received, if any. */
  readonly received: () => EndSignal | undefined;
  restore(): void;
}

/** Like `handleSignals`, for work that takes an `AbortSignal`. */
export function stopOnSignals(onFirst: () => void): Stop {
  const stop = new AbortController();
  let received: EndSignal | undefined;
  const restore = handleSignals((signal) => {
    received = signal;
    onFirst();
    stop.abort();
  });
  return { signal: stop.signal, received: () => received, restore };
}

/** The exit code for a signal. */
export function signalExitCode(signal: EndSignal): number {
  return exitCodes[signal];
}

function exit(signal: EndSignal): void {
  process.exit(exitCodes[signal]);
}
