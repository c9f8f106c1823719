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

/** For a command in its own process group, which a terminal does not signal. */
export function openRunSignals(): RunSignals {
  let told = false;
  let resolve: (exit: number) => void = () => undefined;
  let restore: () => void = () => undefined;
  const interrupted = new Promise<number>((done) => {
    resolve = done;
  });
  return {
    interrupted,
    restore: () => restore(),
    passTo: (command) => {
      const onSignal = (name: NodeJS.Signals): void => {
        command.signal(told ? 'SIGKILL' : name);
        told = true;
        resolve(128 + constants.signals[name]);
      };
      const again = (name: NodeJS.Signals): void => {
        onSignal(name);
        restoreEnd = handleSignals(again);
      };
      let restoreEnd = handleSignals(again);
      // Ctrl-Z: a command in its own session would go on while the claim of its step runs out.
      const suspend = (): void => {
        command.signal('SIGSTOP');
        process.kill(process.pid, 'SIGSTOP');
      };
      const resume = (): void => command.signal('SIGCONT');
      process.on('SIGHUP', onSignal);
      process.on('SIGTSTP', suspend);
      process.on('SIGCONT', resume);
      restore = () => {
        restoreEnd();
        process.off('SIGHUP', onSignal);
        process.off('SIGTSTP', suspend);
        process.off('SIGCONT', resume);
      };
    },
  };
}
