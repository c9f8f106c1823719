import { setTimeout as pause } from 'node:timers/promises';
import * as Flags from '@oclif/core/flags';
import { type Overview, readOverview } from '../src/app/overview.js';
import type { Bucket } from '../src/bucket/bucket.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { printJson } from '../src/cli/output.js';
import { overviewLines } from '../src/cli/overview-lines.js';
import type { Settings } from '../src/config/settings.js';
import { UnreachableError } from '../src/errors.js';

const lookEveryMs = 2_000;

export default class Status extends BaseCommand {
  static override summary = 'show the whole run: agents, steps, mail, sessions and what is behind';
  static override description =
    'Also shows which bucket, project and agent apply here, and which file or variable says so. With --watch it refreshes every 2 s until you stop it; with --json it then prints one line of JSON each time.\n\nExit codes: 0 shown, 3 no config, 8 store unreachable, 130 ended by Ctrl-C.';
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
    const bucket = await this.openBucket(settings);
    if (flags.watch) return this.follow(bucket, settings);
    const overview = await this.look(bucket, settings);
    for (const line of overviewLines(overview)) this.print(line);
    return overview;
  }

  private async look(bucket: Bucket, settings: Settings): Promise<Overview> {
    const { overview, skipped } = await readOverview(bucket, settings);
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
      else if (overview !== undefined) this.draw(overviewLines(overview));
      await pause(lookEveryMs);
    }
  }

  private draw(lines: readonly string[]): void {
    // Clears a terminal and redraws from the top; elsewhere prints one snapshot after another.
    if (process.stdout.isTTY) process.stdout.write('\u001b[H\u001b[2J');
    for (const line of lines) this.print(line);
    if (!process.stdout.isTTY) this.print('');
  }
}
