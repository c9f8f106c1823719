import * as Flags from '@oclif/core/flags';
import { scratchFolder, withObject } from '../../src/app/large-object.js';
import { knownFromHere, redactorOf, redactStream } from '../../src/app/redaction.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { formatCount } from '../../src/cli/format.js';
import { columns } from '../../src/cli/output.js';
import { startProgress } from '../../src/cli/progress.js';
import { NotFoundError, RefusedError } from '../../src/errors.js';
import { bucketLayout, type Layout } from '../../src/protocol/keys.js';
import type { Counts } from '../../src/redact/counts.js';
import { countsText } from '../../src/redact/counts.js';

interface Finding {
  readonly key: string;
  readonly redactions: Counts;
}

export default class RedactScan extends BaseCommand {
  static override summary = 'search for secrets in what is already in the bucket';
  static override description =
    'Runs the redaction engine over every object of the project, to find what an older rule set missed or another tool wrote. Reports keys and kinds, never values, and changes nothing.\n\nExit codes: 0 nothing found, 3 no such project, 8 store unreachable, 9 something found.';
  static override examples = [
    '<%= config.bin %> redact scan',
    '<%= config.bin %> redact scan --project other',
    "<%= config.bin %> redact scan --json | jq -r '.data.findings[].key'",
  ];
  static override flags = {
    project: Flags.string({ summary: 'another project of the same bucket', helpValue: 'NAME' }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(RedactScan);
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const layout: Layout = bucketLayout(flags.project ?? settings.project);
    const redactor = redactorOf(settings, knownFromHere(settings, process.env));
    const entries: { readonly key: string; readonly size: number }[] = [];
    for await (const entry of bucket.list(layout.root)) {
      if (entry.kind === 'object') entries.push(entry);
    }
    if (entries.length === 0) {
      throw new NotFoundError(`nothing of a project ${layout.project} is in ${bucket.location}`);
    }
    const total = entries.reduce((sum, { size }) => sum + size, 0);
    const progress = startProgress({
      label: 'Scanning',
      total,
      unit: 'bytes',
      isQuiet: this.isQuiet,
    });
    const findings: Finding[] = [];
    let done = 0;
    const folder = scratchFolder(settings, bucket);
    for (const { key, size } of entries) {
      const counts = await withObject(bucket, { key, size, folder }, (chunks) =>
        redactStream(redactor, chunks, undefined),
      );
      if (Object.keys(counts).length > 0) findings.push({ key, redactions: counts });
      done += size;
      progress.update(done, total);
    }
    progress.stop();
    for (const line of columns(findings.map((one) => [countsText(one.redactions), one.key]))) {
      this.print(line);
    }
    const data = { objects: entries.length, bytes: total, findings };
    if (findings.length > 0) {
      const error = new RefusedError(
        `secrets in ${findings.length} of ${formatCount(entries.length)} objects: ${findings[0]?.key}`,
        { hint: hintFor(findings) },
      );
      return this.answerFailure(error, data);
    }
    this.say(`${formatCount(entries.length)} objects, no secret found.`);
    return data;
  }
}

/** A compacted transcript is a copy: cleaning only the parts leaves it unchanged. */
function hintFor(findings: readonly Finding[]): string {
  const hint = 'Rotate them: anyone who could read the bucket may have seen them.';
  const isCompacted = findings.some(({ key }) => /\/(transcript|trace)\.jsonl$/.test(key));
  if (!isCompacted) return hint;
  return `${hint} Once the parts are clean, "tracecraft session compact --all" rewrites the copies.`;
}
