import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { memoryRecord, valueText } from '../../src/cli/memory-text.js';
import { getMemory } from '../../src/coordination/memory/memory.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { checkMemoryKey } from '../../src/protocol/names.js';

export default class MemoryGet extends BaseCommand {
  static override summary = 'print a shared value';
  static override description =
    'A string is printed as it is, anything else as JSON.\n\nExit codes: 0 printed, 2 bad key, 3 no such value, 7 not allowed, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> memory get design.contract',
    '<%= config.bin %> memory get design.contract --with-meta',
    "<%= config.bin %> memory get build.flags --json | jq '.data.value.jobs'",
  ];
  static override args = {
    key: Args.string({ description: 'its dotted name', required: true }),
  };
  static override flags = {
    'with-meta': Flags.boolean({ summary: 'as JSON, with its version, who set it and when' }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(MemoryGet);
    const key = checkMemoryKey(args.key);
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const layout = bucketLayout(settings.project);
    const { memory, skipped } = await getMemory({ bucket, layout }, key);
    for (const error of skipped) this.warn(error.message);
    const record = memoryRecord(memory);
    this.printText(valueText(flags['with-meta'] ? record : memory.value));
    return record;
  }
}
