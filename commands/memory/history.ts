import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import { memoryRecord, shortValue } from '../../src/cli/memory-text.js';
import { columns } from '../../src/cli/output.js';
import { memoryHistory } from '../../src/coordination/memory/history.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { checkMemoryKey } from '../../src/protocol/names.js';

export default class MemoryHistory extends BaseCommand {
  static override summary = 'show every value a key ever had';
  static override description =
    'Oldest first, deletions included; with --json the whole values.\n\nExit codes: 0 shown, 2 bad key, 3 no such key, 7 not allowed, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> memory history design.contract',
    "<%= config.bin %> memory history design.contract --json | jq '.data.versions[0].value'",
  ];
  static override args = {
    key: Args.string({ description: 'its dotted name', required: true }),
  };

  async run(): Promise<object> {
    const { args } = await this.parse(MemoryHistory);
    const key = checkMemoryKey(args.key);
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const layout = bucketLayout(settings.project);
    const { states, skipped, strays } = await memoryHistory({ bucket, layout }, key);
    for (const error of skipped) this.warn(error.message);
    for (const stray of strays) this.warn(`skipped, not a valid version key: ${stray}`);
    const rows = states.map((memory) => [
      `version ${memory.version}`,
      memory.set_at ?? '-',
      memory.set_by ?? '-',
      shortValue(memory),
    ]);
    for (const line of columns(rows)) this.print(line);
    const versions = states.map((memory) => ({
      ...memoryRecord(memory),
      deleted: memory.deleted,
    }));
    return { key, versions };
  }
}
