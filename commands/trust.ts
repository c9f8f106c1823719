import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { columns } from '../src/cli/output.js';
import { systemClock } from '../src/clock.js';
import { tracecraftHome } from '../src/config/files.js';
import type { Settings } from '../src/config/settings.js';
import { openTrustStore, type TrustRecord, type TrustStore } from '../src/config/trust.js';
import { NotFoundError } from '../src/errors.js';
import { nodeIo } from '../src/io.js';

export default class Trust extends BaseCommand {
  static override summary = 'allow the config found here to send transcripts to its bucket';
  static override description =
    `A .tracecraft.json that came with a folder says where transcripts go and what is redacted, so watch and session mirror use it only after you have looked at it. This shows what it does and records its path and content: once it changes, it has to be trusted again. What init writes is trusted already, and so is the config in your home folder.\n\nExit codes: 0 done, 2 the config cannot be used, 3 there is none (or, with --revoke, no record of it).`;
  static override examples = [
    '<%= config.bin %> trust',
    '<%= config.bin %> trust --list',
    '<%= config.bin %> trust --revoke',
  ];
  static override flags = {
    list: Flags.boolean({ summary: 'show which configs are trusted', exclusive: ['revoke'] }),
    revoke: Flags.boolean({ summary: 'no longer trust the config found here' }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(Trust);
    const store = openTrustStore(tracecraftHome(this.surroundings), nodeIo, systemClock);
    if (flags.list) return this.list(store);
    const settings = await this.settings();
    return flags.revoke ? this.revoke(store, settings) : this.trust(store, settings);
  }

  private async list(store: TrustStore): Promise<{ trusted: readonly TrustRecord[] }> {
    const trusted = await store.list();
    for (const line of columns(trusted.map((one) => [one.trusted_at, one.path]))) this.print(line);
    if (trusted.length === 0) this.say('No config in a folder is trusted.');
    return { trusted };
  }

  private async trust(store: TrustStore, settings: Settings): Promise<object> {
    const summary = summarise(settings);
    for (const line of columns(
      Object.entries(summary).map(([name, value]) => [name, shown(value)]),
    ))
      this.print(line);
    if (settings.file.scope === 'home') this.say('This is your own config and needs no record.');
    else {
      await store.trust(settings.file);
      this.say(`Trusted ${settings.file.path}`);
    }
    return { ...summary, trusted: true };
  }

  private async revoke(store: TrustStore, settings: Settings): Promise<object> {
    const { path } = settings.file;
    if (!(await store.revoke(path))) {
      throw new NotFoundError(`not trusted anyway: ${path}`, {
        hint: '"tracecraft trust --list" shows what is.',
      });
    }
    this.say(`No longer trusted: ${path}`);
    return { config: path, trusted: false };
  }
}

const ownEndpoints = { s3: 'Amazon S3', hf: 'huggingface.co' } as const;

/** Everything in which a config can do harm: where it sends, as whom, and what it would let through. */
function summarise({ file, target, project, agent, redact }: Settings): Record<string, unknown> {
  const place =
    target.backend === 'local'
      ? { location: target.root }
      : { location: target.bucket, endpoint: target.endpoint ?? ownEndpoints[target.backend] };
  return {
    config: file.path,
    backend: target.backend,
    ...place,
    project,
    agent: agent ?? null,
    patterns: redact.patterns.map((one) => one.name),
    allow: redact.allow,
    disable: redact.disable,
  };
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(String).join(', ');
  return value === null ? '-' : String(value);
}
