import * as Flags from '@oclif/core/flags';
import { knownFromHere, redactLines, redactorOf } from '../../src/app/redaction.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { plural } from '../../src/cli/format.js';
import { findTrustedSettings } from '../../src/config/settings.js';
import { RefusedError } from '../../src/errors.js';
import { countsText } from '../../src/redact/counts.js';

export default class Redact extends BaseCommand {
  static override summary = 'redact lines from stdin to stdout, as the mirror would';
  static override description =
    'The same engine and the same settings as the mirror, so that you can see what it does before you trust it. The settings of a config that is not trusted are left out, and that is said. Values of variables with telling names (…_TOKEN, …_SECRET, …PASSWORD) in your environment are redacted too. Lines without a secret come out byte for byte. What was found is told by kind on stderr, never by value.\n\nExit codes: 0 done (with --check: nothing found), 9 with --check: something was found.';
  static override examples = [
    '<%= config.bin %> redact < transcript.jsonl > safe.jsonl',
    '<%= config.bin %> redact < <(env)',
    '<%= config.bin %> redact --check < notes.md',
  ];
  static override flags = {
    check: Flags.boolean({ summary: 'print no lines; exit 9 when there is a secret' }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(Redact);
    const { settings, ignored } = await findTrustedSettings(this.surroundings);
    if (ignored !== undefined) this.note(`Not trusted, so without its settings: ${ignored.path}`);
    const redactor = redactorOf(settings, knownFromHere(settings, process.env));
    if (process.stdin.isTTY) this.note('Reading from the terminal; end with Ctrl-D.');
    const mayPrint = !flags.check && !this.jsonEnabled();
    const counts = await redactLines(
      redactor,
      process.stdin,
      mayPrint ? process.stdout : undefined,
    );
    const found = Object.values(counts).reduce((sum, count) => sum + count, 0);
    if (flags.check && found > 0) {
      throw new RefusedError(`${plural(found, 'secret')} found: ${countsText(counts)}`, {
        hint: 'Without --check the same lines come out redacted.',
      });
    }
    if (found > 0) this.note(`redacted ${countsText(counts)}`);
    return { found, redactions: counts, redactor_version: redactor.version };
  }
}
