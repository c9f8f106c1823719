import { setTimeout as pause } from 'node:timers/promises';
import * as Flags from '@oclif/core/flags';
import { type Overview, readOverview } from '../src/app/overview.js';
import { watchViewOf } from '../src/app/watch-view.js';
import type { Bucket } from '../src/bucket/bucket.js';
import { AlternateScreen } from '../src/cli/alternate-screen.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { printJson } from '../src/cli/output.js';
import { overviewLines } from '../src/cli/overview-lines.js';
import { OverviewScreen } from '../src/cli/overview-screen.js';
import { terminalWidth } from '../src/cli/terminal-width.js';
import { watchViewLines } from '../src/cli/watch-view-lines.js';
import type { Settings } from '../src/config/settings.js';
import { NotFoundError, UnreachableError } from '../src/errors.js';

const lookEveryMs = 2_000;

export default class Status extends BaseCommand {
  protected static override endsWithItsReader = true;
  static override summary = 'show the whole run: agents, steps, mail, sessions and what is behind';
  static override description =
    'Also shows which bucket, project and agent apply here, which file or variable says so, and how the watch on this machine is doing: what is behind or cannot be read, since when, and what it leaves alone. That comes from local files, so it is shown even without the store. Where a session shows "-" instead of "all sent", only reading it would tell: another machine mirrors it, or its harness rewrites its files or keeps them in a database. With --watch it refreshes every 2 s until you stop it; with --json it then prints one line of JSON each time.\n\nExit codes: 0 shown, 3 no config, 8 store unreachable (what is known without it is shown), 130 ended by Ctrl-C.';
  static override examples = [
    '<%= config.bin %> status',
    '<%= config.bin %> status --watch',
    "<%= config.bin %> status --json | jq '.data.steps[] | select(.expired)'",
  ];
  static override flags = {
    watch: Flags.boolean({ char: 'w', summary: 'refresh every 2 s' }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(Status);
    const settings = await this.settings();
    if (flags.watch) return this.follow(await this.openBucket(settings), settings);
    try {
      const overview = await this.look(await this.openBucket(settings), settings);
      for (const line of overviewLines(overview, terminalWidth())) this.print(line);
      return overview;
    } catch (error) {
      return this.withoutStore(settings, error);
    }
  }

  /** A folder that was mirrored into before and is not there is a store that cannot be reached. */
  private async withoutStore(settings: Settings, error: unknown): Promise<object> {
    const isAway = error instanceof UnreachableError || error instanceof NotFoundError;
    const watch = isAway ? await watchViewOf(settings) : null;
    if (!isAway || watch === null) throw error;
    const { message, hint } = error;
    const options = hint === undefined ? {} : { hint };
    for (const line of watchViewLines(watch).slice(1)) this.print(line);
    return this.answerFailure(new UnreachableError(message, options), { watch });
  }

  private async look(bucket: Bucket, settings: Settings): Promise<Overview> {
    const { overview, skipped } = await lookAt(bucket, settings);
    for (const message of skipped) this.warn(message);
    return overview;
  }

  private async follow(bucket: Bucket, settings: Settings): Promise<never> {
    const isScreen = process.stdout.isTTY === true && process.env.TERM !== 'dumb';
    if (isScreen && !this.jsonEnabled()) return followOnScreen(bucket, settings);
    for (;;) {
      const overview = await whileReachable(this.look(bucket, settings), (message) =>
        this.warn(message),
      );
      if (overview !== undefined && this.jsonEnabled()) printJson(overview);
      else if (overview !== undefined) this.printOverview(overview);
      await pause(lookEveryMs);
    }
  }

  private printOverview(overview: Overview): void {
    for (const line of [...overviewLines(overview, terminalWidth()), '']) this.print(line);
  }
}

interface Look {
  readonly overview: Overview;
  /** What could not be read. */
  readonly skipped: readonly string[];
}

async function lookAt(bucket: Bucket, settings: Settings): Promise<Look> {
  const watch = await watchViewOf(settings);
  const { overview, skipped } = await readOverview(bucket, settings, watch);
  return { overview, skipped: skipped.map(({ message }) => message) };
}

/** A signal ends it. */
async function followOnScreen(bucket: Bucket, settings: Settings): Promise<never> {
  const screen = new OverviewScreen(new AlternateScreen(process.stdout));
  screen.open();
  try {
    for (;;) {
      const look = await whileReachable(lookAt(bucket, settings), (text) => screen.fail(text));
      if (look !== undefined) screen.show(look.overview, look.skipped);
      await pause(lookEveryMs);
    }
  } finally {
    screen.close();
  }
}

/** An outage ends nothing. */
async function whileReachable<T>(
  looking: Promise<T>,
  tell: (message: string) => void,
): Promise<T | undefined> {
  try {
    return await looking;
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    tell(`${error.message}; trying again`);
    return undefined;
  }
}
