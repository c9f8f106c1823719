import { join } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { mailContext } from '../src/cli/mail-context.js';
import { flushed, printJson } from '../src/cli/output.js';
import { tracecraftHome } from '../src/config/files.js';
import { loadSettings } from '../src/config/settings.js';
import { readNewestMail } from '../src/coordination/mail/inbox.js';
import { type Io, nodeIo } from '../src/io.js';
import { withoutLinks } from '../src/links.js';
import { exampleHarnesses, harnesses, harnessNames } from '../watchers/names.js';
import { loadSetup } from '../watchers/registry.js';

/** A prompt waits for this, so a slow store must not be noticeable. */
const patienceMs = 2_000;
/** After a store did not answer in time, prompts do not wait for it for this long. */
const pauseMs = 60_000;
/** More than fit into what an agent is shown at once. */
const mostMessages = 20;
const events = [...new Set(harnesses.flatMap(({ mailEvents }) => mailEvents))];

export default class Hook extends BaseCommand {
  static override hidden = true;
  static override summary = "what a harness's mail hook runs: unread mail, as the harness wants it";
  static override description =
    `Prints nothing when there is no new mail, no config, none that is trusted, no agent name, or no answer within ${patienceMs / 1000} s. "tracecraft setup HARNESS --mail" installs it.

Exit codes: always 0, since a hook must not fail its harness.`;
  static override examples = [
    `<%= config.bin %> hook ${exampleHarnesses[0]} --event UserPromptSubmit`,
  ];
  static override args = {
    harness: Args.string({ description: 'who asks', options: [...harnessNames], required: true }),
  };
  static override flags = {
    event: Flags.string({
      summary: 'for which of its events',
      options: events,
      required: true,
    }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Hook);
    // The harness's input is read but not used: the harness must not hit a closed pipe.
    process.stdin.on('error', () => undefined).resume();
    const home = tracecraftHome(this.surroundings);
    const own = withoutLinks(nodeIo, home);
    const pause = join(home, 'state', 'mail-hook-pause');
    const deadline = setTimeout(() => void this.giveUp(own, pause), patienceMs);
    try {
      const paused = await own.stat(pause);
      if (paused !== undefined && Math.abs(Date.now() - paused.mtimeMs) < pauseMs) return {};
      const { mailAnswer } = await loadSetup(args.harness);
      if (mailAnswer !== undefined) await this.showMail((text) => mailAnswer(flags.event, text));
    } catch {
      // The harness continues without mail; the next prompt asks again.
    } finally {
      deadline.unref();
      process.stdin.destroy();
    }
    return {};
  }

  private async giveUp(own: Io, pause: string): Promise<void> {
    await own.replaceFile(pause, '').catch(() => undefined);
    process.exit(0);
  }

  protected override async end(): Promise<void> {
    await super.end().catch(() => undefined);
  }

  private async showMail(answer: (context: string) => object): Promise<void> {
    const settings = await loadSettings(this.surroundings);
    const { agent, trusted } = settings;
    // A folder from elsewhere must not put words into the agent's context.
    if (!trusted || agent === undefined) return;
    const bucket = await this.openProvenBucket(settings);
    const { openCoordination } = await import('../src/app/coordination.js');
    const { context } = await openCoordination(bucket, settings, this.surroundings.env);
    const news = await readNewestMail(context, mostMessages);
    if (news.mail.length + news.unread > 0) {
      printJson(answer(mailContext(agent, news.mail, news.unread)));
      await flushed();
    }
    await news.remember();
  }
}
