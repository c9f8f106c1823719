import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { type CliResult, collect, repositoryRoot } from './run-cli.js';

/** Files of a package, as `npm pack` would send them. */
export interface PackedFile {
  readonly path: string;
  readonly size: number;
}

/** The built package as a tarball in `folder`. Its scripts are not run: they would replace the build that others use. */
export async function packPackage(folder: string): Promise<string> {
  const { stdout } = await npm(['pack', '--ignore-scripts', '--silent', repositoryRoot], folder);
  return join(folder, stdout.trim());
}

/** What is needed to run a program of one version of Node. */
export interface NodeVersion {
  /** `v24.1.0` */
  readonly version: string;
  /** The folder of its executable. */
  readonly folder: string;
}

/** The Node that runs the tests, or one of the given major version, which is had from the registry. */
export async function nodeOf(major: string | undefined, folder: string): Promise<NodeVersion> {
  if (major === undefined) return { version: process.version, folder: dirname(process.execPath) };
  const script = 'node -p "process.version + process.execPath"';
  const args = ['exec', '--yes', '--prefer-offline', `--package=node@${major}`, '-c', script];
  const { stdout } = await npm(args, folder);
  const [, version = '', path = ''] = /^(v[\d.]+)(.+)$/.exec(stdout.trim()) ?? [];
  return { version, folder: dirname(path) };
}

/** A global installation in a folder of its own. */
export class Installation {
  readonly node: NodeVersion;
  /** What npm printed while it installed the package. */
  readonly said: string;
  readonly #prefix: string;

  private constructor(node: NodeVersion, prefix: string, said: string) {
    this.node = node;
    this.said = said;
    this.#prefix = prefix;
  }

  static async create(node: NodeVersion, tarball: string, prefix: string): Promise<Installation> {
    await mkdir(prefix, { recursive: true });
    const args = ['install', '--global', '--prefix', prefix, '--prefer-offline', '--no-audit'];
    const { stdout, stderr } = await npm([...args, tarball], prefix, node.folder);
    return new Installation(node, prefix, stdout + stderr);
  }

  get packageFolder(): string {
    return join(this.#prefix, 'lib', 'node_modules', 'tracecraft');
  }

  /** Lets programs in `folder` import it. */
  async linkInto(folder: string): Promise<void> {
    await mkdir(join(folder, 'node_modules'), { recursive: true });
    await symlink(this.packageFolder, join(folder, 'node_modules', 'tracecraft'));
  }

  /** A program of this Node and this installation, found as a shell would find it. Never a terminal. */
  run(program: string, args: readonly string[], options: RunOptions): Promise<CliResult> {
    const path = [join(this.#prefix, 'bin'), this.node.folder, '/usr/bin', '/bin'];
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { PATH: path.join(delimiter), TZ: 'UTC', ...options.env },
    });
    child.stdin.end(options.input ?? '');
    return collect(child);
  }
}

export interface RunOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** npm, with the Node in `nodeFolder` if one is named; what it says is in the error. */
export async function npm(
  args: readonly string[],
  cwd: string,
  nodeFolder = dirname(process.execPath),
): Promise<CliResult> {
  const path = [nodeFolder, dirname(process.execPath), process.env.PATH ?? ''];
  const child: ChildProcess = spawn('npm', args, {
    cwd,
    env: { ...process.env, PATH: path.join(delimiter) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const result = await collect(child);
  if (result.code === 0) return result;
  throw new Error(`npm ${args.join(' ')}: exit ${result.code}\n${result.stdout}${result.stderr}`);
}
