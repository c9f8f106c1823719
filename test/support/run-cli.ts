import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url));
const bin = join(repositoryRoot, 'bin', 'run.cjs');

export interface CliResult {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Written to stdin, which is then closed. Never a terminal. */
  readonly input?: string;
  /** Of the terminal; without it the terminal does not know its size. */
  readonly columns?: number;
}

/** A home folder and a project folder of their own, so that nothing of this machine's user is seen or changed. */
export interface CliWorld {
  /** Real path, so that it compares equal with what the commands print. */
  readonly root: string;
  readonly home: string;
  /** Where commands run unless told otherwise; below `root`, beside `home`. */
  readonly project: string;
  /** `HOME/.tracecraft`. */
  readonly stateFolder: string;
  run(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** Parses the one JSON value that a `--json` command prints. */
  runJson(
    args: readonly string[],
    options?: CliOptions,
  ): Promise<CliResult & { readonly json: unknown }>;
  /** As `run`, with a terminal as its stdout and stderr, both of which are `stdout` of the result. Linux only. */
  runInTerminal(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** A command that goes on; the caller ends it. */
  start(args: readonly string[], options?: CliOptions): ChildProcess;
  remove(): Promise<void>;
}

export async function createCliWorld(): Promise<CliWorld> {
  if (!existsSync(join(repositoryRoot, 'dist', 'cli.cjs'))) {
    throw new Error('the command tests run the built binary: npm run build');
  }
  const root = await realpath(await mkdtemp(join(tmpdir(), 'tracecraft-cli-')));
  const home = join(root, 'home');
  const project = join(root, 'project');
  await mkdir(home);
  await mkdir(project);

  const start: CliWorld['start'] = (args, { cwd = project, env = {} } = {}) =>
    spawn(process.execPath, [bin, ...args], {
      cwd,
      env: { PATH: process.env.PATH ?? '', HOME: home, TZ: 'UTC', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });

  const run: CliWorld['run'] = (args, options = {}) => {
    const child = start(args, options);
    child.stdin?.end(options.input ?? '');
    return collect(child);
  };

  const runInTerminal: CliWorld['runInTerminal'] = (args, options = {}) => {
    const { cwd = project, env = {}, columns } = options;
    const sized = columns === undefined ? '' : `stty columns ${columns} rows 24; `;
    const command = sized + [process.execPath, bin, ...args].map((word) => `'${word}'`).join(' ');
    const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      cwd,
      env: { PATH: process.env.PATH ?? '', HOME: home, TZ: 'UTC', SHELL: '/bin/sh', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return collect(child);
  };

  return {
    root,
    home,
    project,
    runInTerminal,
    stateFolder: join(home, '.tracecraft'),
    run,
    runJson: async (args, options) => {
      const result = await run([...args, '--json'], options);
      return { ...result, json: JSON.parse(result.stdout) };
    },
    start,
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

/** Everything that a child prints, once it has ended. */
export function collect(child: ChildProcess): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    child.stdout?.on('data', (chunk: Buffer) => chunks.stdout.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => chunks.stderr.push(chunk));
    child.once('error', reject);
    child.once('close', (code) =>
      resolve({
        code,
        stdout: Buffer.concat(chunks.stdout).toString('utf8'),
        stderr: Buffer.concat(chunks.stderr).toString('utf8'),
      }),
    );
  });
}
