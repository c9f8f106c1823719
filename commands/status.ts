import { setTimeout as pause } from 'node:timers/promises';
import * as Flags from '@oclif/core/flags';
import { type Overview, readOverview } from '../src/app/overview.js';
import { watchViewOf } from '../src/app/watch-view.js';
import type { Bucket } from '../src/bucket/bucket.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { printJson } from '../src/cli/output.js';
import { overviewLines } from '../src/cli/overview-lines.js';
import { printScreen, terminalWidth } from '../src/cli/table.js';
import { watchViewLines } from '../src/cli/watch-view-lines.js';
import type { Settings } from '../src/config/settings.js';
import { NotFoundError, UnreachableError } from '../src/errors.js';

const lookEveryMs = 2_000;

export default class Status extends BaseCommand {
  static override summary = 'show the whole run: agents, steps, mail, sessions and what is behind';
  static override description =
    'Also shows which bucket, project and agent apply here, which file or variable says so, and how the watch on this machine is doing: what is behind or cannot be read, since when, and what it leaves alone. That comes from local files, so it is shown even without the store. With --watch it refreshes every 2 s until you stop it; with --json it then prints one line of JSON each time.\n\nExit codes: 0 shown, 3 no config, 8 store unreachable (what is known without it is shown), 130 ended by Ctrl-C.';
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
    const watch = await watchViewOf(settings);
    const { overview, skipped } = await readOverview(bucket, settings, watch);
    for (const error of skipped) this.warn(error.message);
    return overview;
  }

  private async follow(bucket: Bucket, settings: Settings): Promise<never> {
    for (;;) {
      const overview = await this.look(bucket, settings).catch((error: unknown) => {
        if (!(error instanceof UnreachableError)) throw error;
        this.warn(`${error.message}; trying again`);
        return undefined;
      });
      if (overview !== undefined && this.jsonEnabled()) printJson(overview);
      else if (overview !== undefined) this.draw(overviewLines(overview, terminalWidth()));
      await pause(lookEveryMs);
    }
  }

  private draw(lines: readonly string[]): void {
    if (process.stdout.isTTY) printScreen(lines);
    else for (const line of [...lines, '']) this.print(line);
  }
}
