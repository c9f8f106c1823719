import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export const hasTmux = spawnSync('tmux', ['-V']).status === 0;

/** What a suite that needs it is called. */
export function inTmux(what: string): string {
  return `${hasTmux ? '' : 'SKIPPED, no tmux here (Debian: apt-get install tmux): '}${what}, in tmux`;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A real terminal with one command in it, which stays as it is when the command ends. */
export class Tmux {
  readonly #socket: string;

  /** `folder`: for the socket of a server of its own. */
  constructor(folder: string) {
    this.#socket = join(folder, 'tmux');
  }

  start(
    command: readonly string[],
    env: Readonly<Record<string, string>>,
    { columns, rows }: TerminalSize,
  ): void {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const words = ['env', '-i', ...variables, ...command].map((word) => `'${word}'`).join(' ');
    const size = ['-x', String(columns), '-y', String(rows)];
    this.#tmux(
      'new-session',
      '-d',
      ...size,
      'sleep 600',
      ';',
      'set-option',
      '-w',
      'remain-on-exit',
      'on',
    );
    this.#tmux('respawn-pane', '-k', words);
  }

  /** The rows on the screen; a row that the terminal had to wrap is one with the next. */
  screen(): readonly string[] {
    return this.#tmux('capture-pane', '-p', '-J').trimEnd().split('\n');
  }

  /** How many rows were scrolled off the screen. */
  get scrolled(): number {
    return Number(this.#tmux('display-message', '-p', '#{history_size}'));
  }

  get hasEnded(): boolean {
    return this.#tmux('display-message', '-p', '#{pane_dead}').trim() === '1';
  }

  resize({ columns, rows }: TerminalSize): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  press(key: string): void {
    this.#tmux('send-keys', key);
  }

  close(): void {
    spawnSync('tmux', ['-S', this.#socket, 'kill-server']);
  }

  #tmux(...args: readonly string[]): string {
    const options = {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' },
    } as const;
    const { status, stdout, stderr } = spawnSync(
      'tmux',
      ['-S', this.#socket, '-f', '/dev/null', '-u', ...args],
      options,
    );
    if (status !== 0) throw new Error(`tmux ${args.join(' ')}: ${stderr}`);
    return stdout;
  }
}
