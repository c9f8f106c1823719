import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as Args from '@oclif/core/args';
import { BaseCommand } from '../src/cli/base-command.js';
import { bashCompletion } from '../src/cli/completion/bash.js';
import { fishCompletion } from '../src/cli/completion/fish.js';
import { zshCompletion } from '../src/cli/completion/zsh.js';
import { readManual } from '../src/cli/manual/commands.js';

const renderers = new Map([
  ['bash', bashCompletion],
  ['zsh', zshCompletion],
  ['fish', fishCompletion],
]);

export default class Completion extends BaseCommand {
  static override summary = 'print a completion script for your shell';
  static override description =
    `The script contains all commands, flags and their values, so completing never starts tracecraft. Add one of the lines below to your shell's start-up file, or print the script into the folder where your shell looks for completions, and again after each upgrade.\n\nExit codes: 0 printed, 2 unknown shell.`;
  static override examples = [
    { description: 'in ~/.bashrc:', command: 'eval "$(<%= config.bin %> completion bash)"' },
    {
      description: 'in ~/.zshrc, after compinit:',
      command: 'eval "$(<%= config.bin %> completion zsh)"',
    },
    {
      description: 'once:',
      command: '<%= config.bin %> completion fish > ~/.config/fish/completions/tracecraft.fish',
    },
  ];
  static override args = {
    shell: Args.string({
      description: 'your shell',
      required: true,
      options: [...renderers.keys()],
    }),
  };

  async run(): Promise<object> {
    const { args } = await this.parse(Completion);
    const manifest = await readFile(join(this.installation.root, 'oclif.manifest.json'), 'utf8');
    const { commands } = readManual(manifest);
    const script = renderers.get(args.shell)?.(commands) ?? '';
    this.printText(script);
    return { shell: args.shell, script };
  }
}
