import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { beat } from '../src/coordination/agents/agents.js';
import { renewHeld } from '../src/coordination/claims/renew.js';
import { stepId } from '../src/protocol/names.js';
import { exampleHarnesses } from '../watchers/names.js';

export default class Heartbeat extends BaseCommand {
  static override summary = 'show that you are alive, so that your claims stay yours';
  static override description =
    'Renews the claims made in this session or terminal, including expired ones that nobody has taken. Seldom needed: every command of an agent does so if the last renewal is a minute old, and a running "tracecraft watch" does it for live sessions. It is meant for scripts that hold a step for a long time.\n\nExit codes: 0 sent, 2 bad name, 7 not allowed, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> heartbeat',
    '<%= config.bin %> heartbeat --step build --summary "compiling"',
    '<%= config.bin %> heartbeat --status idle',
  ];
  static override flags = {
    status: Flags.option({
      options: ['active', 'idle', 'ended'] as const,
      summary: 'what the agent is doing',
      default: 'active' as const,
    })(),
    step: Flags.string({ summary: 'the step it is working on' }),
    summary: Flags.string({ summary: 'a few words for readers of "tracecraft agents"' }),
    harness: Flags.string({ summary: `the harness it runs in, e.g. ${exampleHarnesses[0]}` }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(Heartbeat);
    const { status, summary, harness } = flags;
    const step = flags.step === undefined ? undefined : stepId(flags.step);
    const { coordination } = await this.coordinate();
    const { context, holders } = coordination;
    const sessionId = context.sessionId ?? null;
    const { heartbeat } = await beat(context, {
      sessionId,
      status,
      ...(step === undefined ? {} : { step }),
      ...(summary === undefined ? {} : { summary }),
      ...(harness === undefined ? {} : { harness }),
    });
    const lost = status === 'ended' ? [] : await renewHeld(context, holders, { isForced: true });
    for (const { step: name } of lost) this.warn(`step ${name} is not yours any more`);
    this.say(`Heartbeat of ${context.agent} at ${heartbeat}`);
    const names = lost.map(({ step: name }) => name);
    return { agent: context.agent, session_id: sessionId, status, heartbeat, lost: names };
  }
}
