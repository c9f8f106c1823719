import { readFile } from 'node:fs/promises';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { readStdinText } from '../../src/cli/stdin-text.js';
import { inParallel } from '../../src/concurrency.js';
import { refuseMisspelledAgent } from '../../src/coordination/agents/agents.js';
import { addSteps } from '../../src/coordination/plan/plan-document.js';
import { NotFoundError, UsageError } from '../../src/errors.js';
import { checkNewStep, type NewStep, parseNewSteps } from '../../src/protocol/plan.js';

export default class StepAdd extends BaseCommand {
  static override summary = 'plan steps, and what each needs first';
  static override description =
    'A planned step can be claimed once everything it needs is complete. The steps of one call are added in one write, all or none. Adding the same again changes nothing.\n\nExit codes: 0 planned, 2 bad name or a cycle, 3 it needs a step that is not planned, 4 already planned, but differently, 7 not allowed, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> step add design',
    '<%= config.bin %> step add build --needs design --title "build the API" --priority 2',
    '<%= config.bin %> step add a b c',
    '<%= config.bin %> step add --from plan.json',
  ];
  static override strict = false;
  static override args = {
    ids: Args.string({ description: 'names of the steps' }),
  };
  static override flags = {
    title: Flags.string({ summary: 'what it is about' }),
    needs: Flags.string({
      summary: 'steps that must be complete first, separated by commas',
      helpValue: 'A,B',
    }),
    priority: Flags.integer({ summary: '0 comes first, 9 last; 5 by default', min: 0, max: 9 }),
    assign: Flags.string({
      summary: 'only this agent gets it from "claim --next"',
      helpValue: 'AGENT',
    }),
    paths: Flags.string({ summary: 'files it will change, as advice to others' }),
    from: Flags.string({
      summary:
        'a JSON file with a list of {id, title, needs, priority, assign, paths}; "-" is stdin',
      helpValue: 'FILE',
    }),
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(StepAdd);
    const { from, needs, title, priority, assign, paths } = flags;
    const said = { title, needs: needs?.split(','), priority, assign, paths };
    const named = argv.map((id): NewStep => ({ id: String(id), ...said }));
    if (from !== undefined && named.length > 0) {
      throw new UsageError('use either names or --from, not both');
    }
    const wanted = from === undefined ? named : await stepsFrom(from);
    if (wanted.length === 0) {
      throw new UsageError('missing argument: STEP', { hint: 'Or read them with --from FILE.' });
    }
    const news = wanted.map(checkNewStep);
    const { coordination } = await this.coordinate();
    const agents = new Set(news.flatMap(({ assign }) => assign ?? []));
    await inParallel([...agents], (agent) => refuseMisspelledAgent(coordination.context, agent));
    const heartbeat = coordination.heartbeat();
    const added = await addSteps(coordination.context, news);
    await this.afterHeartbeat(heartbeat);
    const known = news.map(({ id }) => id).filter((id) => !added.includes(id));
    if (added.length > 0) this.say(`Planned ${added.join(', ')}`);
    if (known.length > 0) this.note(`Planned already: ${known.join(', ')}.`);
    return { added, known };
  }
}

async function stepsFrom(source: string): Promise<NewStep[]> {
  if (source === '-') return parseNewSteps('stdin', await readStdinText());
  const text = await readFile(source, 'utf8').catch((error: unknown) => {
    throw new NotFoundError(`cannot read ${source}`, { cause: error });
  });
  return parseNewSteps(source, text);
}
