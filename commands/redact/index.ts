import * as Flags from '@oclif/core/flags';
import { knownFromHere } from '../../src/app/known-secrets.js';
import { redactorOf, redactStream } from '../../src/app/redaction.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { plural } from '../../src/cli/format.js';
import { rawOutput } from '../../src/cli/output.js';
import { findTrustedSettings } from '../../src/config/settings.js';
import { RefusedError } from '../../src/errors.js';
import { countsText } from '../../src/redact/counts.js';

export default class Redact extends BaseCommand {
  protected static override endsWithItsReader = true;
  static override summary = 'redact lines from stdin to stdout, as the mirror does';
  static override description =
    'The same engine and settings as the mirror, so you can see what it does before you trust it. Settings of an untrusted config are ignored, with a note. Values of variables in your environment with secret-looking names (…_TOKEN, …_SECRET, …PASSWORD) are redacted too. JSON lines are redacted one by one as they arrive; anything else is a document, redacted in pieces of up to 8 MiB, because a private key spans several lines. Lines without a secret come out byte for byte; only a terminal shows control and invisible characters as escapes. Findings are reported on stderr by kind, never by value.\n\nExit codes: 0 done (with --check: nothing found), 9 with --check: something was found.';
  static override examples = [
    '<%= config.bin %> redact < transcript.jsonl > safe.jsonl',
    '<%= config.bin %> redact < <(env)',
    '<%= config.bin %> redact --check < notes.md',
  ];
  static override flags = {
    check: Flags.boolean({ summary: 'print no lines; exit 9 if there is a secret' }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(Redact);
    const { settings, ignored } = await findTrustedSettings(this.surroundings);
    if (ignored !== undefined)
      this.note(`Ignoring the settings of an untrusted config: ${ignored.path}`);
    const redactor = redactorOf(settings, knownFromHere(settings, process.env));
    if (process.stdin.isTTY) this.note('Reading from the terminal; end with Ctrl-D.');
    const mayPrint = !flags.check && !this.jsonEnabled();
    const output = mayPrint ? rawOutput() : undefined;
    const counts = await redactStream(redactor, process.stdin, output);
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
