import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.js';
import { repositoryRoot } from './run-cli.js';

/** Whether this machine lets us mount small disks that nobody else sees. Says so where it does not. */
export function canMountPrivately(): boolean {
  if (process.platform !== 'linux') return false;
  const tried = spawnSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'none', '/mnt']);
  if (tried.status === 0) return true;
  process.stderr.write('SKIPPED, since unshare cannot mount here: full and read-only disks\n');
  return false;
}

export interface Ended {
  readonly code: number;
  readonly output: string;
}

/** A shell in a mount namespace of its own: what it mounts is seen by what it starts, and by nothing else. */
export class MountNamespace {
  readonly #shell: ChildProcess;
  #output = '';
  #runs = 0;

  constructor(home: string) {
    this.#shell = spawn('unshare', ['-Urm', 'sh'], {
      cwd: home,
      env: { PATH: process.env.PATH ?? '', HOME: home, TZ: 'UTC' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#shell.stdout?.on('data', (chunk: Buffer) => {
      this.#output += chunk.toString();
    });
    this.#shell.stderr?.resume();
  }

  async run(command: string): Promise<Ended> {
    this.#runs += 1;
    const mark = `ended-${this.#runs}:`;
    const from = this.#output.length;
    this.#shell.stdin?.write(`{ ${command}\n} </dev/null 2>&1; echo "${mark}$?;"\n`);
    await this.#until(() =>
      this.#output.includes(';', this.#output.indexOf(mark, from) + 1 || Infinity),
    );
    const at = this.#output.indexOf(mark, from);
    const code = Number(this.#output.slice(at + mark.length, this.#output.indexOf(';', at)));
    return { code, output: this.#output.slice(from, at) };
  }

  /** As `run`; what fails is the test's own mistake. */
  async must(command: string): Promise<string> {
    const { code, output } = await this.run(command);
    if (code !== 0) throw new Error(`${command}: ${code}\n${output}`);
    return output;
  }

  tracecraft(args: string): Promise<Ended> {
    return this.run(`${cli} ${args}`);
  }

  /** A command that goes on, with all it prints in a file. */
  async start(args: string, log: string): Promise<Running> {
    await this.must(`${cli} ${args} > ${log} 2>&1 &`);
    const pid = Number(await this.must('echo $!'));
    return {
      printed: async (text) => {
        await this.#until(async () => (await this.run(`cat ${log}`)).output.includes(text), log);
      },
      end: async () => {
        const { code } = await this.run(`kill -TERM ${pid}; wait ${pid}`);
        return { code, output: await this.must(`cat ${log}`) };
      },
    };
  }

  async end(): Promise<void> {
    this.#shell.stdin?.end('kill $(jobs -p) 2>/dev/null; exit\n');
    await new Promise((resolve) => this.#shell.once('close', resolve));
  }

  async #until(isSo: () => boolean | Promise<boolean>, log?: string): Promise<void> {
    const untilMs = performance.now() + 25_000;
    while (!(await isSo())) {
      if (performance.now() > untilMs) {
        const seen = log === undefined ? this.#output : (await this.run(`cat ${log}`)).output;
        throw new Error(`it never happened; seen so far:\n${seen}`);
      }
      await systemClock.sleep(20);
    }
  }
}

export interface Running {
  /** Resolves when it has printed this. */
  printed(text: string): Promise<void>;
  /** Asks it to end, and waits. */
  end(): Promise<Ended>;
}

const cli = `'${process.execPath}' '${join(repositoryRoot, 'bin', 'run.cjs')}'`;
