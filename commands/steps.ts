import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { graphLines, planRecord } from '../src/cli/plan-lines.js';
import { stepLines } from '../src/cli/step-rows.js';
import { terminalWidth } from '../src/cli/terminal-width.js';
import { systemClock } from '../src/clock.js';
import { readBoard } from '../src/coordination/plan/board.js';
import { mermaidOf } from '../src/coordination/plan/graph.js';
import { bucketLayout } from '../src/protocol/keys.js';

export default class Steps extends BaseCommand {
  static override summary = 'list all steps: their state, their holders and the last heartbeat';
  static override description =
    'An expired step still belongs to its holder until the next "tracecraft claim" takes it over. Running this counts as a heartbeat, so it also revives your own expired steps.\n\nExit codes: 0 listed, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> steps',
    '<%= config.bin %> steps --json | jq -r \'.data.steps[] | select(.status == "in_progress") | .step\'',
  ];

  static override flags = {
    graph: Flags.boolean({ summary: 'show the plan: what is ready, and what waits for what' }),
    mermaid: Flags.boolean({
      summary: 'print the plan as a Mermaid flowchart',
      exclusive: ['graph'],
    }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(Steps);
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const place = { bucket, layout: bucketLayout(settings.project), clock: systemClock };
    const { steps: planned, views: steps, skipped } = await readBoard(place);
    for (const error of skipped.values()) this.warn(error.message);
    if (flags.mermaid) this.printText(mermaidOf(planned));
    const width = terminalWidth();
    if (flags.graph && planned.length === 0)
      this.note('No step is planned yet: "tracecraft step add STEP" plans one.');
    if (flags.graph) for (const line of graphLines(planned, width)) this.print(line);
    if (flags.mermaid || flags.graph) return { plan: planned.map(planRecord) };
    if (steps.length === 0) this.note('No steps yet: "tracecraft claim STEP" creates one.');
    const now = await bucket.now();
    for (const line of stepLines(steps, now, width)) this.print(line);
    return { steps, plan: planned.map(planRecord) };
  }
}
