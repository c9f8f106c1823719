import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { secretWarning } from '../../src/app/secret-warning.js';
import { checkShortValue } from '../../src/app/short-text-check.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { memoryRecord, versionText } from '../../src/cli/memory-text.js';
import { readStdinText } from '../../src/cli/stdin-text.js';
import { setMemory } from '../../src/coordination/memory/memory.js';
import type { Memory } from '../../src/coordination/memory/read.js';
import { LostError } from '../../src/errors.js';
import { checkValue, parseValue } from '../../src/protocol/memory.js';
import { checkMemoryKey } from '../../src/protocol/names.js';

export default class MemorySet extends BaseCommand {
  static override summary = 'set a value that all agents of the project share';
  static override description =
    'The value is JSON; a bare word, or anything else that is not JSON, is a string. Each set creates a new version, and every version is kept. With --if-absent or --if-version it is set only if that still holds: of any number of agents that try at once, one succeeds. Text that looks like a secret causes a warning, and is stored unchanged unless you pass --redact.\n\nExit codes: 0 set, 2 bad key or value, 4 not set: someone else was first, 7 not allowed, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> memory set design.contract "POST /login returns a token"',
    `<%= config.bin %> memory set build.flags '{"lto": true, "jobs": 4}'`,
    '<%= config.bin %> memory set release.owner "$TRACECRAFT_AGENT" --if-absent',
    '<%= config.bin %> memory set design.contract --if-version 3 - < contract.md',
  ];
  static override args = {
    key: Args.string({ description: 'a dotted name, e.g. design.contract', required: true }),
    value: Args.string({ description: 'the value; "-" reads it from stdin', required: true }),
  };
  static override flags = {
    'if-absent': Flags.boolean({
      summary: 'only if there is no value',
      exclusive: ['if-version'],
    }),
    'if-version': Flags.integer({
      summary: 'only if this is the current version; 0: if there never was one',
      min: 0,
      helpValue: 'N',
    }),
    string: Flags.boolean({ summary: 'treat the value as a string, whatever it looks like' }),
    redact: Flags.boolean({ summary: 'replace what looks like a secret' }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(MemorySet);
    const key = checkMemoryKey(args.key);
    const word = args.value === '-' ? await readStdinText() : args.value;
    const wished = flags.string ? checkValue(word) : parseValue(word);
    const { coordination, settings } = await this.coordinate();
    const { value, found } = await checkShortValue(settings, { key, value: wished }, flags.redact);
    const heartbeat = coordination.heartbeat();
    const result = await setMemory(coordination.context, key, value, {
      ifAbsent: flags['if-absent'],
      ifVersion: flags['if-version'],
    });
    await this.afterHeartbeat(heartbeat);
    if (!result.written) throw lost(key, result.present);
    if (found !== undefined) this.warn(secretWarning('the value', found, flags.redact));
    const isConditional = flags['if-absent'] || flags['if-version'] !== undefined;
    if (result.isBestEffort && isConditional) {
      this.warn('this store does not arbitrate: another agent may believe it set this too');
    }
    this.say(`Set ${key} (version ${result.memory.version})`);
    return memoryRecord(result.memory);
  }
}

function lost(key: string, present: Memory | undefined): LostError {
  if (present === undefined) {
    return new LostError(`${key} was not set: there never was a value (version 0)`, {
      hint: 'Use --if-version 0 or --if-absent to set the first one.',
    });
  }
  const state = present.deleted ? 'deleted, ' : '';
  return new LostError(`${key} was not set: it is at ${state}${versionText(present)}`, {
    hint: `Look at it with "tracecraft memory get ${key} --with-meta", then --if-version ${present.version}.`,
  });
}
