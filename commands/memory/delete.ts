import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { versionText } from '../../src/cli/memory-text.js';
import { deleteMemory } from '../../src/coordination/memory/memory.js';
import { LostError } from '../../src/errors.js';
import { checkMemoryKey } from '../../src/protocol/names.js';

export default class MemoryDelete extends BaseCommand {
  static override summary = 'delete a shared value; its history stays';
  static override description =
    'A deletion is a version too: the next set continues from there, so nobody mistakes a new value for an old one.\n\nExit codes: 0 deleted, 2 bad key, 3 no such value, 4 not deleted: someone else changed it, 7 not allowed, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> memory delete design.contract',
    '<%= config.bin %> memory delete design.contract --if-version 3',
  ];
  static override args = {
    key: Args.string({ description: 'its dotted name', required: true }),
  };
  static override flags = {
    'if-version': Flags.integer({
      summary: 'only if this is the current version',
      min: 1,
      helpValue: 'N',
    }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(MemoryDelete);
    const key = checkMemoryKey(args.key);
    const ifVersion = flags['if-version'];
    const { coordination } = await this.coordinate();
    const heartbeat = coordination.heartbeat();
    const result = await deleteMemory(coordination.context, key, { ifVersion });
    await this.afterHeartbeat(heartbeat);
    if (!result.written) {
      const { present } = result;
      const state = present === undefined ? 'version 0' : versionText(present);
      throw new LostError(`${key} was not deleted: it is at ${state}`, {
        hint: `Look at it with "tracecraft memory get ${key} --with-meta".`,
      });
    }
    if (result.isBestEffort && ifVersion !== undefined) {
      this.warn('this store does not arbitrate: another agent may believe it changed this too');
    }
    this.say(`Deleted ${key} (version ${result.memory.version})`);
    return { key, version: result.memory.version, deleted: true };
  }
}
