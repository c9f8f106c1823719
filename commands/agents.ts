import { BaseCommand } from '../src/cli/base-command.js';
import { columns } from '../src/cli/output.js';
import { ageOf } from '../src/cli/step-rows.js';
import { listAgents } from '../src/coordination/agents/agents.js';
import { defaultTtlMs } from '../src/coordination/agents/liveness.js';
import { bucketLayout } from '../src/protocol/keys.js';

export default class Agents extends BaseCommand {
  static override summary = 'list all agents: what they are working on, and their last heartbeat';
  static override description =
    'An agent that has not ended and has not been heard from for 2 hours is marked as stale.\n\nExit codes: 0 listed, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> agents',
    "<%= config.bin %> agents --json | jq -r '.data.agents[].id'",
  ];

  async run(): Promise<object> {
    await this.parse(Agents);
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const { agents, skipped } = await listAgents({
      bucket,
      layout: bucketLayout(settings.project),
    });
    for (const error of skipped) this.warn(error.message);
    if (agents.length === 0) this.note('No agents yet: "tracecraft init" registers one.');
    const now = await bucket.now();
    const rows = agents.map(({ document, modifiedAt }) => [
      document.id,
      isStale(document.status, modifiedAt, now) ? `${document.status} (stale)` : document.status,
      document.step === null ? '-' : `step ${document.step}`,
      `last heartbeat ${ageOf(modifiedAt.toISOString(), now) ?? '?'} ago`,
      document.host ?? '',
      document.summary ?? '',
    ]);
    for (const line of columns(rows)) this.print(line);
    return {
      agents: agents.map(({ document, modifiedAt }) => ({
        ...document,
        modified_at: modifiedAt.toISOString(),
        stale: isStale(document.status, modifiedAt, now),
      })),
    };
  }
}

/** Still there by its own word, and not heard of for longer than a claim lasts without a sign of life. */
function isStale(status: string, seenAt: Date, now: Date): boolean {
  return status !== 'ended' && now.getTime() - seenAt.getTime() > defaultTtlMs;
}
