import { join } from 'node:path';
import { exitOnClosedPipes } from './closed-pipe.js';
import { commandFile } from './command-file.js';
import { readPackage } from './package.js';
import { exitOnSignals } from './signals.js';

/** Loads a built file with its code cache. */
type Load = (file: string) => unknown;

/**
 * Runs one command line to its end and sets the exit code. `root` holds package.json and the oclif manifest.
 *
 * What plainly names a command is run at once. Only the rest needs oclif, its config and its manifest: help, topics and
 * what may be a mistake.
 */
export async function main(argv: readonly string[], root: string, load: Load): Promise<void> {
  const words = helpAsFlag(argv);
  const fail = async (error: unknown): Promise<void> => {
    process.exitCode = await reported(error, words, root);
  };
  exitOnSignals();
  exitOnClosedPipes();
  process.on('uncaughtException', (error) => fail(error).then(exitWhenWritten));
  await perform(argv, words, { root, load }).catch(fail);
}

async function perform(
  argv: readonly string[],
  words: readonly string[],
  { root, load }: { readonly root: string; readonly load: Load },
): Promise<void> {
  if (asksForFrontPage(argv)) return showFrontPage(root);
  if (asksForVersion(argv)) return showVersion(root);
  const named = commandFile(words, join(root, 'dist', 'commands'));
  if (named !== undefined) {
    const { default: command } = load(named.file) as CommandModule;
    return command.run(named.rest, { root });
  }
  const { run } = await import('@oclif/core/run');
  await run([...words], { root, userPlugins: false, devPlugins: false });
}

/** What a built command exports. */
interface CommandModule {
  readonly default: {
    run(argv: readonly string[], installation: { readonly root: string }): Promise<void>;
  };
}

/** After an uncaught error nothing can be relied on, not even that the event loop empties. */
function exitWhenWritten(): void {
  process.stdout.write('', () => process.exit());
}

/**
 * An error that cannot be shown, e.g. because one of our files is missing, must not end up here
 * repeatedly.
 */
async function reported(error: unknown, argv: readonly string[], root: string): Promise<number> {
  try {
    const { reportFailure } = await import('./report.js');
    return await reportFailure(error, argv, root);
  } catch {
    process.stderr.write(`Error: unexpected: ${JSON.stringify(String(error))}\n`);
    return 1;
  }
}

function asksForVersion([first = '']: readonly string[]): boolean {
  return ['--version', '-v', '-V'].includes(first);
}

function showVersion(root: string): void {
  const { name, version } = readPackage(root);
  const { platform, arch, version: node } = process;
  process.stdout.write(`${name}/${version} ${platform}-${arch} node-${node}\n`);
}

/** All commands on one page. oclif's own help has no groups and would have to be loaded. */
function asksForFrontPage(argv: readonly string[]): boolean {
  const [first = 'help'] = argv;
  return argv.length <= 1 && ['help', '--help', '-h'].includes(first);
}

async function showFrontPage(root: string): Promise<void> {
  const { printFrontPage } = await import('./manual/front-page.js');
  await printFrontPage(root);
}

/** `tracecraft help claim` means `tracecraft claim --help`. */
function helpAsFlag(argv: readonly string[]): readonly string[] {
  return argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv;
}
