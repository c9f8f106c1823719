import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { canAsk, confirm } from '../src/cli/confirm.js';
import { columns } from '../src/cli/output.js';
import { trustRows, trustSummary } from '../src/cli/trust-summary.js';
import { systemClock } from '../src/clock.js';
import { placeText } from '../src/config/place.js';
import { loadSettings, type Settings } from '../src/config/settings.js';
import {
  bucketFolderOf,
  openTrustStore,
  type TrustRecord,
  type TrustStore,
} from '../src/config/trust.js';
import { NotAllowedError, NotFoundError } from '../src/errors.js';
import { escapeTerminal } from '../src/escape-terminal.js';
import { nodeIo } from '../src/io.js';

export default class Trust extends BaseCommand {
  static override summary = 'allow the config found here to be used';
  static override description =
    `A .tracecraft.json that came with a folder decides where everything goes, with whose credentials, and what is redacted. Until a person trusts it, no command sends anything to its bucket or shows anything from there; each exits 7. This command shows everything the config decides, then asks; without a terminal, --yes is the answer. It records the config's path and content, so a changed config must be trusted again. Whatever init writes is trusted already, and so is the config in your home folder.\n\nFor a person to run: an agent asks, and never trusts a config by itself.\n\nExit codes: 0 trusted, 2 unusable config, 3 no config (or, with --revoke, no record of it), 7 not trusted: nobody said yes.`;
  static override examples = [
    '<%= config.bin %> trust',
    '<%= config.bin %> trust --list',
    '<%= config.bin %> trust --revoke',
  ];
  static override flags = {
    list: Flags.boolean({ summary: 'show which configs are trusted', exclusive: ['revoke'] }),
    revoke: Flags.boolean({ summary: 'no longer trust the config found here' }),
    yes: Flags.boolean({
      char: 'y',
      summary: 'do not ask: a person has reviewed what it does',
      exclusive: ['list', 'revoke'],
    }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(Trust);
    const store = openTrustStore(this.surroundings, nodeIo, systemClock);
    if (flags.list) return this.list(store);
    const settings = await loadSettings(this.surroundings);
    for (const warning of settings.warnings) this.warn(warning);
    return flags.revoke ? this.revoke(store, settings) : this.trust(store, settings, flags.yes);
  }

  private async list(store: TrustStore): Promise<{ trusted: readonly TrustRecord[] }> {
    const trusted = await store.list();
    for (const line of columns(trusted.map((one) => [one.trusted_at, one.path]))) this.print(line);
    if (trusted.length === 0) this.say('No config in a folder is trusted.');
    return { trusted };
  }

  private async trust(store: TrustStore, settings: Settings, isSure: boolean): Promise<object> {
    const bucketFolder = await bucketFolderOf(settings.file, this.surroundings);
    for (const line of columns(trustRows(settings, bucketFolder))) this.print(line);
    const summary = trustSummary(settings, bucketFolder);
    const { path, scope } = settings.file;
    if (scope === 'home') this.say('This is your own config and needs no record.');
    else if (settings.trusted) this.say(`Trusted already: ${path}`);
    else {
      if (!isSure && !(await this.asked(settings))) {
        return this.answerFailure(refused(path), { ...summary, trusted: false });
      }
      await store.trust(settings.file);
      this.say(`Trusted ${path}`);
    }
    return { ...summary, trusted: true };
  }

  /** With `--json` nobody was shown what they would be trusting. */
  private async asked({ target }: Settings): Promise<boolean> {
    if (this.jsonEnabled() || !canAsk()) return false;
    return confirm(escapeTerminal(`Let tracecraft write to and read from ${placeText(target)}?`));
  }

  private async revoke(store: TrustStore, settings: Settings): Promise<object> {
    const { path } = settings.file;
    if (!(await store.revoke(path))) {
      throw new NotFoundError(`already untrusted: ${path}`, {
        hint: '"tracecraft trust --list" shows what is trusted.',
      });
    }
    this.say(`No longer trusted: ${path}`);
    return { config: path, trusted: false };
  }
}

function refused(path: string): NotAllowedError {
  return new NotAllowedError(`not trusted, since nobody said yes: ${path}`, {
    hint: 'Run it at a terminal, or with --yes once a person has reviewed what it does.\nAn agent never trusts a config by itself: it asks.',
  });
}
