import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { refuseMisspelledAgent } from '../../src/coordination/agents/agents.js';
import { editStep } from '../../src/coordination/plan/plan-document.js';
import { UsageError } from '../../src/errors.js';
import { checkNewStep } from '../../src/protocol/plan.js';

export default class StepEdit extends BaseCommand {
  static override summary = 'change a planned step';
  static override description =
    'Whatever you omit stays as it is; an empty value clears it. An existing claim is not revoked.\n\nExit codes: 0 changed, 2 bad name or a cycle, 3 the step, or one it needs, is not planned, 4 it keeps changing, 7 not allowed, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> step edit build --needs design,schema',
    '<%= config.bin %> step edit build --needs "" --priority 0',
  ];
  static override args = {
    step: Args.string({ description: 'name of the step', required: true }),
  };
  static override flags = {
    title: Flags.string({ summary: 'what it is about' }),
    needs: Flags.string({
      summary: 'steps that must be complete first, separated by commas',
      helpValue: 'A,B',
    }),
    priority: Flags.integer({ summary: '0 comes first, 9 last', min: 0, max: 9 }),
    assign: Flags.string({
      summary: 'only this agent gets it from "claim --next"',
      helpValue: 'AGENT',
    }),
    paths: Flags.string({ summary: 'files it will change, as advice to others' }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(StepEdit);
    const { title, needs, priority, assign, paths } = flags;
    const isNothing = [title, needs, priority, assign, paths].every((one) => one === undefined);
    if (isNothing)
      throw new UsageError('nothing to change', { hint: 'See "tracecraft step edit --help".' });
    const { id, ...checked } = checkNewStep({
      id: args.step,
      needs: needs === undefined ? undefined : needs.split(',').filter((one) => one.trim() !== ''),
      title: cleared(title),
      priority,
      assign: cleared(assign),
      paths: cleared(paths),
    });
    const edit = needs === undefined ? { ...checked, needs: undefined } : checked;
    const { coordination } = await this.coordinate();
    if (edit.assign != null) await refuseMisspelledAgent(coordination.context, edit.assign);
    const heartbeat = coordination.heartbeat();
    await editStep(coordination.context, id, edit);
    await this.afterHeartbeat(heartbeat);
    this.say(`Changed the plan of step ${id}`);
    return { step: id };
  }
}

function cleared(text: string | undefined): string | null | undefined {
  return text === '' ? null : text;
}
