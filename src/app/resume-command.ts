import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { NotFoundError } from '../errors.js';

export interface ResumeCommand {
  readonly words: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Hands the terminal to a program until it ends; returns its exit code. No shell reads the words. */
export function runResume({ words, cwd, env }: ResumeCommand): Promise<number> {
  const [program = '', ...parameters] = words;
  // The terminal signals both; what they mean is for the program to decide.
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore);
  process.on('SIGQUIT', ignore);
  return new Promise<number>((resolve, reject) => {
    const child = spawn(program, parameters, { cwd, env: { ...env }, stdio: 'inherit' });
    child.once('error', () =>
      reject(
        new NotFoundError(`cannot start ${program}`, {
          hint: 'It is restored: install the harness, or use the printed command where it is.',
        }),
      ),
    );
    child.once('exit', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  }).finally(() => {
    process.off('SIGINT', ignore);
    process.off('SIGQUIT', ignore);
  });
}
