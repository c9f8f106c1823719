import { run } from '@oclif/core/run';
import { exitOnClosedPipes } from './closed-pipe.js';
import { exitOnSignals } from './signals.js';

/** Runs one command line to its end and sets the exit code. `root` holds package.json and the oclif manifest. */
export async function main(argv: readonly string[], root: string): Promise<void> {
  const words = helpAsFlag(argv);
  const fail = async (error: unknown): Promise<void> => {
    process.exitCode = await reported(error, words, root);
  };
  exitOnSignals();
  exitOnClosedPipes();
  process.on('uncaughtException', (error) => fail(error).then(exitWhenWritten));
  if (asksForFrontPage(argv)) return await showFrontPage(root).catch(fail);
  await run([...words], { root, userPlugins: false, devPlugins: false }).catch(fail);
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
