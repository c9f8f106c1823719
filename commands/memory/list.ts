import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import { memoryRecord, shortValue } from '../../src/cli/memory-text.js';
import { columns } from '../../src/cli/output.js';
import { listMemories } from '../../src/coordination/memory/read.js';
import { UsageError } from '../../src/errors.js';
import { bucketLayout } from '../../src/protocol/keys.js';

export default class MemoryList extends BaseCommand {
  static override summary = 'list the values that agents share';
  static override description =
    'Shows key, version, author and the start of each value; with --json the whole values. Deleted values are omitted.\n\nExit codes: 0 listed, 2 bad prefix, 7 not allowed, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> memory list',
    '<%= config.bin %> memory list design.',
    "<%= config.bin %> memory list --json | jq -r '.data.memories[].key'",
  ];
  static override args = {
    prefix: Args.string({ description: 'only keys with this prefix' }),
  };

  async run(): Promise<object> {
    const { args } = await this.parse(MemoryList);
    const prefix = checkPrefix(args.prefix ?? '');
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const layout = bucketLayout(settings.project);
    const { memories, skipped, strays } = await listMemories({ bucket, layout }, prefix);
    for (const error of skipped) this.warn(error.message);
    for (const key of strays) this.warn(`skipped, not a valid memory key: ${key}`);
    if (memories.length === 0) {
      const what = prefix === '' ? 'Nothing is' : `Nothing that begins with ${prefix} is`;
      this.note(`${what} remembered yet: "tracecraft memory set KEY VALUE".`);
    }
    const rows = memories.map((memory) => [
      memory.key,
      `version ${memory.version}`,
      memory.set_by ?? '-',
      shortValue(memory),
    ]);
    for (const line of columns(rows)) this.print(line);
    return { memories: memories.map(memoryRecord) };
  }
}

function checkPrefix(prefix: string): string {
  if (/^([A-Za-z0-9-][A-Za-z0-9._-]{0,127})?$/.test(prefix) && !prefix.includes('..'))
    return prefix;
  throw new UsageError(`no memory key starts with ${JSON.stringify(prefix.slice(0, 80))}`, {
    hint: 'Use the beginning of a dotted name, e.g. design.',
  });
}
