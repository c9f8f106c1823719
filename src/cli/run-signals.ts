import { constants } from 'node:os';
import { handleSignals } from './signals.js';

interface Signalled {
  signal(name: NodeJS.Signals): void;
}

interface RunSignals {
  /** Resolves with the exit code that stands for the first signal. */
  readonly interrupted: Promise<number>;
  /**
   * From now on signals go to this command: the first is passed on as it is, a second one kills it. Ctrl-Z stops both, and
   * whatever lets this process go on lets the command go on.
   */
  passTo(command: Signalled): void;
  restore(): void;
}

/**
 * For a command in its own process group, which a terminal does not signal. To be opened as soon as the step is held: a
 * signal that comes before the command is started must not leave the step behind.
 */
export function openRunSignals(): RunSignals {
  let command: Signalled | undefined;
  let told = false;
  let resolve: (exit: number) => void = () => undefined;
  const interrupted = new Promise<number>((done) => {
    resolve = done;
  });
  const onSignal = (name: NodeJS.Signals): void => {
    command?.signal(told ? 'SIGKILL' : name);
    told = true;
    resolve(128 + constants.signals[name]);
  };
  const again = (name: NodeJS.Signals): void => {
    onSignal(name);
    restoreEnd = handleSignals(again);
  };
  let restoreEnd = handleSignals(again);
  process.on('SIGHUP', onSignal);
  // Ctrl-Z: a command in its own session would go on while the claim of its step runs out.
  const suspend = (): void => {
    command?.signal('SIGSTOP');
    process.kill(process.pid, 'SIGSTOP');
  };
  const resume = (): void => command?.signal('SIGCONT');
  return {
    interrupted,
    passTo: (started) => {
      command = started;
      process.on('SIGTSTP', suspend);
      process.on('SIGCONT', resume);
    },
    restore: () => {
      restoreEnd();
      process.off('SIGHUP', onSignal);
      process.off('SIGTSTP', suspend);
      process.off('SIGCONT', resume);
    },
  };
}
