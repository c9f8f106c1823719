import * as Flags from '@oclif/core/flags';
import {
  type Finding,
  findSecrets,
  type ListedObject,
  listProject,
  type SecretSearch,
  shownKey,
} from '../../src/app/bucket-secrets.js';
import { knownFromHere } from '../../src/app/known-secrets.js';
import { scratchFolder } from '../../src/app/large-object.js';
import { redactorOf } from '../../src/app/redaction.js';
import { olderVersions, type RemovalOutcome, removeSecrets } from '../../src/app/remove-secrets.js';
import { forgetSearched } from '../../src/app/search-cache.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { formatCount, plural } from '../../src/cli/format.js';
import { columns } from '../../src/cli/output.js';
import { startProgress } from '../../src/cli/progress.js';
import { NotFoundError, RefusedError } from '../../src/errors.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { addCounts, countsText } from '../../src/redact/counts.js';
import { changePurgeMark } from '../../src/search/published/purge-mark.js';

const rotate = 'Rotate them: anyone who could read the bucket may have seen them.';

export default class RedactScan extends BaseCommand {
  static override summary = 'find secrets that are already in the bucket, and remove them';
  static override description =
    'Runs the redaction engine over every object of the project, and over the names of artifacts, to find what an older rule set missed or another tool wrote. Reports keys and kinds, never values. Without --fix it changes nothing.\n\n--fix replaces each secret with [REDACTED:KIND] in place: in transcripts, compacted copies, meta.json, mail, memory and its history, events and everything else. Keys and line numbers stay the same, so a running "watch" continues and "session verify" still agrees. An artifact with a secret in its name is renamed; the contents of artifacts are changed only with --artifacts. "tracecraft log" records it. If it is interrupted, run it again. A "watch" started with older rules or settings may write secrets to meta.json again: restart it first.\n\nA store that keeps old versions still has the secrets in them; the last lines of the output say how to purge them.\n\nExit codes: 0 nothing found, or all of it fixed; 3 no such project, 8 store unreachable, 9 something found, or something --fix could not remove.';
  static override examples = [
    '<%= config.bin %> redact scan',
    '<%= config.bin %> redact scan --project other',
    '<%= config.bin %> redact scan --fix',
    '<%= config.bin %> redact scan --fix --artifacts',
    "<%= config.bin %> redact scan --json | jq -r '.data.findings[].key'",
  ];
  static override flags = {
    project: Flags.string({ summary: 'another project of the same bucket', helpValue: 'NAME' }),
    fix: Flags.boolean({ summary: 'replace the secrets in place' }),
    artifacts: Flags.boolean({
      summary: 'with --fix: also in the contents of artifacts',
      dependsOn: ['fix'],
    }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(RedactScan);
    const settings = await this.settings();
    const bucket = flags.fix
      ? await this.openProvenBucket(settings)
      : await this.openBucket(settings);
    const search: SecretSearch = {
      bucket,
      layout: bucketLayout(flags.project ?? settings.project),
      redactor: redactorOf(settings, knownFromHere(settings, process.env)),
      folder: scratchFolder(settings, bucket),
    };
    const objects = await listProject(bucket, search.layout);
    if (objects.length === 0) {
      throw new NotFoundError(
        `nothing of a project ${search.layout.project} is in ${bucket.location}`,
      );
    }
    const findings = await this.#find(search, objects);
    const scanned = { objects: objects.length, bytes: bytesOf(objects) };
    if (findings.length === 0) {
      this.say(`${formatCount(objects.length)} objects, no secret found.`);
      return { ...scanned, findings: [] };
    }
    if (!flags.fix) return this.#answerFound(search, scanned, findings);
    const agent = settings.agent ?? 'unknown';
    const context = { ...search, agent, withContents: flags.artifacts };
    await changePurgeMark(search);
    const outcomes = await removeSecrets(context, findings);
    const { root, project } = search.layout;
    const folders = new Set(outcomes.map(({ finding }) => folderOf(finding.key)));
    await forgetSearched(bucket, { project }, process.env, (prefix) =>
      folders.has(`${root}${prefix}`),
    );
    return this.#answerFixed(search, scanned, outcomes);
  }

  async #find(search: SecretSearch, objects: readonly ListedObject[]): Promise<readonly Finding[]> {
    const total = bytesOf(objects);
    const progress = startProgress({
      label: 'Scanning',
      total,
      unit: 'bytes',
      isQuiet: this.isQuiet,
    });
    let done = 0;
    const findings = await findSecrets(search, objects, (bytes) => {
      done += bytes;
      progress.update(done, total);
    });
    progress.stop();
    return findings;
  }

  #answerFound(search: SecretSearch, scanned: Scanned, findings: readonly Finding[]): object {
    const rows = findings.map((finding) => findingRow(search, finding));
    for (const line of columns(rows.map(({ kinds, key }) => [kinds, key]))) this.print(line);
    const data = { ...scanned, findings: findings.map((one) => findingRecord(search, one)) };
    const error = new RefusedError(
      `secrets in ${findings.length} of ${formatCount(scanned.objects)} objects: ${rows[0]?.key}`,
      { hint: hintFor(findings) },
    );
    return this.answerFailure(error, data);
  }

  #answerFixed(
    search: SecretSearch,
    scanned: Scanned,
    outcomes: readonly RemovalOutcome[],
  ): object {
    const rows = outcomes.map(({ finding, state, reason }) => {
      const { kinds, key } = findingRow(search, finding);
      return [state, kinds, reason === null ? key : `${key}: ${reason}`];
    });
    for (const line of columns(rows)) this.print(line);
    const left = outcomes.filter(({ state }) => state === 'left');
    const old_versions = olderVersions(search.bucket.kind, search.layout.root);
    const data = {
      ...scanned,
      findings: outcomes.map(({ finding, state, reason }) => ({
        ...findingRecord(search, finding),
        state,
        reason,
      })),
      old_versions,
    };
    const fixed = plural(outcomes.length - left.length, 'object');
    if (left.length > 0) {
      const error = new RefusedError(`${fixed} fixed, secrets left in ${left.length}`, {
        hint: `${rotate} ${old_versions}`,
      });
      return this.answerFailure(error, data);
    }
    this.say(`${fixed} fixed. ${rotate}`);
    this.say(old_versions);
    return data;
  }
}

function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1);
}

/** A compacted transcript is a copy: who cleans the parts by other means leaves it unchanged. */
function hintFor(findings: readonly Finding[]): string {
  const hint = `${rotate} Then "tracecraft redact scan --fix" takes them out of the bucket.`;
  const isCompacted = findings.some(({ key }) => /\/(transcript|trace)\.jsonl$/.test(key));
  if (!isCompacted) return hint;
  return `${hint} Where the parts are clean, "tracecraft session compact --all" rewrites the copies, too.`;
}

interface Scanned {
  readonly objects: number;
  readonly bytes: number;
}

function findingRow({ redactor, layout }: SecretSearch, { key, redactions, inName }: Finding) {
  const kinds = countsText(addCounts(redactions, inName));
  return { kinds, key: shownKey(redactor, layout, key) };
}

function findingRecord({ redactor, layout }: SecretSearch, { key, redactions, inName }: Finding) {
  return { key: shownKey(redactor, layout, key), redactions, name_redactions: inName };
}

function bytesOf(objects: readonly ListedObject[]): number {
  return objects.reduce((sum, { size }) => sum + size, 0);
}
