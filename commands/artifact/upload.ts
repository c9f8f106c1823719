import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { Coordination } from '../../src/app/coordination.js';
import { type LookedAt, lookAtFiles } from '../../src/app/file-secrets.js';
import { knownFromHere } from '../../src/app/known-secrets.js';
import { redactorOf } from '../../src/app/redaction.js';
import { secretWarning } from '../../src/app/secret-warning.js';
import { scrubNames } from '../../src/cli/artifact-names.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { canAsk, confirm } from '../../src/cli/confirm.js';
import { formatBytes, formatCount, plural } from '../../src/cli/format.js';
import { startProgress } from '../../src/cli/progress.js';
import type { Settings } from '../../src/config/settings.js';
import {
  findSources,
  type PassedOver,
  type UploadSource,
} from '../../src/coordination/artifacts/sources.js';
import {
  type UploadOptions,
  type UploadReport,
  uploadArtifacts,
} from '../../src/coordination/artifacts/upload.js';
import { refuseFenced, refuseReplacing } from '../../src/coordination/claims/step-artifacts.js';
import { PartialError, RefusedError, TracecraftError } from '../../src/errors.js';
import { nodeIo } from '../../src/io.js';
import { sharedStep } from '../../src/protocol/artifacts.js';
import { stepId } from '../../src/protocol/names.js';
import { addCounts, type Counts, countsText } from '../../src/redact/counts.js';

interface Destination {
  readonly step: string;
  readonly mayReplace: UploadOptions['mayReplace'];
}

/** At most this many failures are listed one by one. */
const mostTold = 10;

export default class ArtifactUpload extends BaseCommand {
  static override summary = 'upload a file or a folder for the other agents';
  static override description =
    'Any file of any size. Records its size and SHA-256, which downloads are checked against. While a step is held, only its holder can replace its artifacts; once it is done, nobody can; new names can always be added. Replaced content is kept as a copy ("artifact list --all"). Does not follow links in a folder; a warning names them.\n\nText files of up to 8 MiB are scanned: anything that looks like a secret is reported by kind, and sent only if you confirm at the terminal or pass --yes; with --redact, a redacted copy is sent. This is stricter than send, which only warns: you wrote the message, but perhaps nobody has read the file. Larger and other files are sent unchanged. A name that seems to contain a secret causes a warning; --redact replaces that part of it.\n\nExit codes: 0 uploaded, 2 bad name, 3 no such file, 4 the step is not yours (any more), 7 not allowed, 8 store unreachable, 9 seems to contain a secret and nobody confirmed, 10 some files were not uploaded.';
  static override examples = [
    '<%= config.bin %> artifact upload patch-auth.diff --step build',
    '<%= config.bin %> artifact upload notes.txt --name review/notes.txt',
    '<%= config.bin %> artifact upload dist --recursive --step build',
    "<%= config.bin %> artifact upload model.bin --json | jq -r '.data.uploaded[].sha256'",
  ];
  static override args = {
    path: Args.string({ description: 'file, or folder with --recursive', required: true }),
  };
  static override flags = {
    step: Flags.string({ summary: 'the step it belongs to', default: sharedStep }),
    name: Flags.string({
      summary: 'its name in the bucket; "/" makes folders',
      helpValue: 'NAME',
    }),
    recursive: Flags.boolean({ char: 'r', summary: 'a folder with everything in it' }),
    redact: Flags.boolean({
      summary: 'replace what looks like a secret, in names and in text files',
    }),
    epoch: Flags.integer({ summary: 'the epoch you won, wherever you won it', min: 1 }),
    force: Flags.boolean({
      summary: 'replace artifacts even if someone else holds the step, or it is done',
    }),
    yes: Flags.boolean({
      char: 'y',
      summary: 'send text that seems to contain a secret without asking',
    }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(ArtifactUpload);
    const step = stepId(flags.step);
    const { recursive, name } = flags;
    const { sources, passedOver } = await findSources(nodeIo, args.path, { name, recursive });
    for (const { path, reason } of passedOver.slice(0, mostTold)) {
      this.warn(`skipped ${path}: ${reason}`);
    }
    if (passedOver.length > mostTold) {
      this.warn(`${formatCount(passedOver.length - mostTold)} more were skipped`);
    }
    const { coordination, settings } = await this.coordinate();
    const named = this.safelyNamed(sources, settings, flags.redact);
    const { epoch = coordination.epochOf(step), force } = flags;
    const { context, holders } = coordination;
    const refuse = (): Promise<void> => refuseFenced(context, holders, { step, epoch });
    await refuse();
    const mayReplace = force
      ? undefined
      : (): Promise<void> => refuseReplacing(context, holders, { step, epoch });
    const looked = await this.lookedAt(named, settings, flags);
    try {
      const sent = await this.send(coordination, { step, mayReplace }, looked.sources, passedOver);
      // The step may have been lost while the files were on their way.
      await refuse();
      return sent;
    } finally {
      await looked.close();
    }
  }

  private async send(
    coordination: Coordination,
    { step, mayReplace }: Destination,
    named: readonly UploadSource[],
    passedOver: readonly PassedOver[],
  ): Promise<object> {
    const heartbeat = coordination.heartbeat();
    const total = named.reduce((sum, { size }) => sum + size, 0);
    const progress = startProgress({
      label: 'upload',
      total,
      unit: 'bytes',
      isQuiet: this.isQuiet,
    });
    const report = await this.stoppable((signal) =>
      uploadArtifacts(coordination.context, nodeIo, {
        step,
        sources: named,
        ...(mayReplace === undefined ? {} : { mayReplace }),
        onProgress: (bytes) => progress.update(bytes),
        signal,
      }),
    ).finally(() => progress.stop());
    await this.afterHeartbeat(heartbeat);
    return this.answer(step, named.length, report, passedOver);
  }

  /** Names what the files hold by kind; shares it only if somebody says so. */
  private async lookedAt(
    sources: readonly UploadSource[],
    settings: Settings,
    { redact, yes }: { readonly redact: boolean; readonly yes: boolean },
  ): Promise<LookedAt<UploadSource>> {
    const redactor = redactorOf(settings, knownFromHere(settings, process.env));
    const looked = await lookAtFiles(redactor, sources, redact);
    const { found } = looked;
    for (const { name, counts } of found.slice(0, mostTold)) {
      this.warn(secretWarning(name, countsText(counts), redact));
    }
    if (found.length > mostTold) {
      this.warn(`${formatCount(found.length - mostTold)} more contain what looks like a secret`);
    }
    if (found.length === 0 || redact || yes) return looked;
    if (canAsk() && (await confirm('Send it anyway?'))) return looked;
    const kinds = countsText(found.reduce<Counts>((sum, { counts }) => addCounts(sum, counts), {}));
    throw new RefusedError(`nothing was sent: ${plural(found.length, 'file')} with ${kinds}`, {
      hint: 'Send a redacted copy with --redact, or the text as it is with --yes.',
    });
  }

  /** The files under names that are safe to show. For a secret in a name, only its kind is shown. */
  private safelyNamed(
    sources: readonly UploadSource[],
    settings: Settings,
    redact: boolean,
  ): readonly UploadSource[] {
    const redactor = redactorOf(settings, knownFromHere(settings, process.env));
    const given = sources.map(({ name }) => name);
    const { names, counts } = scrubNames(redactor, given);
    if (Object.keys(counts).length === 0) return sources;
    const what = sources.length === 1 ? "the artifact's name" : 'a name among the artifacts';
    this.warn(secretWarning(what, countsText(counts), redact));
    if (!redact) return sources;
    return sources.map((source, index) => ({ ...source, name: names[index] ?? source.name }));
  }

  private answer(
    step: string,
    count: number,
    { uploaded, failed, stopped }: UploadReport,
    passedOver: readonly PassedOver[],
  ): object {
    const [first] = uploaded;
    const size = uploaded.reduce((sum, one) => sum + one.size, 0);
    if (first !== undefined && count === 1) {
      this.say(`Uploaded ${step}/${first.name}  ${formatBytes(size)}  sha256 ${first.sha256}`);
    } else if (uploaded.length > 0) {
      this.say(`Uploaded ${plural(uploaded.length, 'file')} to ${step}  ${formatBytes(size)}`);
    }
    const data = {
      step,
      uploaded,
      failed: failed.map(({ name, path, error }) => ({ name, path, error: error.message })),
      passed_over: passedOver,
    };
    if (failed.length === 0 && stopped === undefined) return data;
    if (uploaded.length === 0 && stopped !== undefined) throw stopped;
    if (count === 1 && failed[0] !== undefined) throw failed[0].error;
    for (const { path, error } of failed.slice(0, mostTold)) {
      this.warn(`not uploaded: ${path}: ${error.message}`);
    }
    const reason = stopped instanceof Error ? `: ${stopped.message}` : '';
    const message = `${formatCount(count - uploaded.length)} of ${plural(count, 'file')} were not uploaded${reason}`;
    const hint = 'Uploading everything again does no harm.';
    if (stopped !== undefined && !(stopped instanceof TracecraftError)) throw stopped;
    return this.answerFailure(new PartialError(message, { hint, cause: stopped }), data);
  }
}
