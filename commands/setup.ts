import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { createTwoFilesPatch } from 'diff';
import { BaseCommand } from '../src/cli/base-command.js';
import { hookSignalFolder } from '../src/config/destination.js';
import { tracecraftHome } from '../src/config/files.js';
import { nodeIo } from '../src/io.js';
import { createRedactor } from '../src/redact/redactor.js';
import { planRemoval, planSetup, type SetupPlan } from '../src/setup/apply.js';
import { snippetOf } from '../src/setup/snippet.js';
import { exampleHarnesses, harnesses, harnessNames, requireHarness } from '../watchers/names.js';
import { loadSetup } from '../watchers/registry.js';
import type { SetupDescription } from '../watchers/setup.js';

const [first, second, third] = exampleHarnesses;
const withMail = harnesses.filter(({ mailEvents }) => mailEvents.length > 0);

export default class Setup extends BaseCommand {
  static override summary = 'connect a harness to tracecraft: a hook, and a skill for the agent';
  static override description =
    `Adds a hook to the harness's own settings that tells a running watch when a session starts, advances or ends (without a watch, the signal waits in a small folder), and a skill that teaches the agent the commands. Keeps comments, order and layout of the settings, and shows the diff. Running it twice changes nothing; --remove removes exactly what was added.

The hook is a few lines of POSIX sh: it takes milliseconds, prints nothing and never fails the harness. Nothing depends on it: watch finds everything by itself within seconds.

With --mail the agent is shown its unread mail, each message once, when a session starts and with each prompt (${withMail.map(({ title }) => title).join(', ')}).

Exit codes: 0 done (or nothing to do), 2 the settings cannot be read or edited, or the harness does not support it, 4 someone changed the settings at the same time, 7 not writable.`;
  static override examples = [
    `<%= config.bin %> setup ${first}`,
    `<%= config.bin %> setup ${second} --dry-run`,
    `<%= config.bin %> setup ${first} --mail`,
    `<%= config.bin %> setup ${third} --remove`,
    {
      description: "a paragraph for the agents' instructions of a project:",
      command: `<%= config.bin %> setup ${first} --snippet >> CLAUDE.md`,
    },
  ];
  static override args = {
    harness: Args.string({
      description: 'which harness',
      options: [...harnessNames],
      required: true,
    }),
  };
  static override flags = {
    'dry-run': Flags.boolean({ summary: 'show the diff and change nothing' }),
    remove: Flags.boolean({ summary: 'remove everything again, what --mail added as well' }),
    mail: Flags.boolean({ summary: 'also show the agent its unread mail, each message once' }),
    snippet: Flags.boolean({
      summary: 'print a paragraph for CLAUDE.md or AGENTS.md and change nothing',
      exclusive: ['remove', 'mail', 'dry-run'],
    }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Setup);
    if (flags.snippet) return this.snippet();
    const { name, mailEvents } = requireHarness(args.harness);
    // Removes whatever may have been inserted.
    const isAnyMail = flags.remove ? mailEvents.length > 0 : flags.mail;
    const setup = await this.plan(name, isAnyMail);
    const place = { io: nodeIo, tracecraftHome: tracecraftHome(this.surroundings) };
    const plan = await (flags.remove ? planRemoval(place, setup) : planSetup(place, setup));
    if (plan.isChange && !flags['dry-run']) await plan.apply();
    return this.show(name, plan, flags['dry-run']);
  }

  private async plan(harness: string, mail: boolean): Promise<SetupDescription> {
    const home = tracecraftHome(this.surroundings);
    const setup = await loadSetup(harness);
    return setup.plan({
      env: process.env,
      home: this.surroundings.home,
      tracecraftHome: home,
      spool: hookSignalFolder(home),
      skill: await this.skill(),
      mail: mail
        ? { node: process.execPath, program: join(this.installation.root, 'bin', 'run.cjs') }
        : undefined,
    });
  }

  private skill(): Promise<string> {
    return readFile(join(this.installation.root, 'skills', 'tracecraft', 'SKILL.md'), 'utf8');
  }

  private snippet(): object {
    this.printText(snippetOf());
    return { snippet: snippetOf() };
  }

  private show(harness: string, plan: SetupPlan, isDry: boolean): object {
    const { settings, after, files, notes, isChange } = plan;
    const diff = differenceOf(plan);
    if (diff !== '') this.printText(diff);
    for (const { path, action } of files) {
      if (action === 'write') this.say(`${isDry ? 'Would write' : 'Wrote'} ${path}`);
      if (action === 'remove') this.say(`${isDry ? 'Would remove' : 'Removed'} ${path}`);
    }
    if (settings.exists && after === undefined)
      this.say(`${isDry ? 'Would remove' : 'Removed'} ${settings.path}`);
    if (!isChange) this.say(`Nothing to change for ${harness}.`);
    for (const note of notes) this.note(note);
    return {
      harness,
      settings: settings.path,
      changed: isChange,
      applied: isChange && !isDry,
      diff,
      files,
      notes,
    };
  }
}

function differenceOf({ settings, after = '' }: SetupPlan): string {
  if (settings.text === after) return '';
  const diff = createTwoFilesPatch(settings.path, settings.path, settings.text, after, '', '', {
    context: 2,
    headerOptions: { includeIndex: false, includeUnderline: false, includeFileHeaders: true },
  });
  // The lines around ours may hold keys, and an agent that runs this keeps a transcript.
  return createRedactor().redact(Buffer.from(diff)).bytes.toString();
}
