import { basename, dirname } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { formatBytes, formatCount, plural } from '../../src/cli/format.js';
import { startProgress } from '../../src/cli/progress.js';
import {
  type ArtifactStore,
  type FoundArtifacts,
  resolveArtifact,
  resolveFolder,
} from '../../src/coordination/artifacts/artifacts.js';
import {
  type DownloadReport,
  downloadArtifacts,
} from '../../src/coordination/artifacts/download.js';
import { openDownloadFolder } from '../../src/coordination/artifacts/download-folder.js';
import { pinnedArtifact, pinsOf, resolvePin } from '../../src/coordination/artifacts/pinned.js';
import { NotFoundError, PartialError, TracecraftError, UsageError } from '../../src/errors.js';
import { nodeIo } from '../../src/io.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { checkArtifactName, stepId } from '../../src/protocol/names.js';

/** At most this many failures are listed one by one. */
const mostTold = 10;

export default class ArtifactDownload extends BaseCommand {
  static override summary = 'download an artifact, checked against what was uploaded';
  static override description =
    'Without --step: a shared artifact, or STEP/NAME as shown by "artifact list" and handoffs. It keeps its own name below the folder, subfolders included; nothing is written outside that folder, no link below it is followed, and no existing file is replaced without --force. A file that differs from the SHA-256 of its upload is discarded. An artifact that was handed over with its step is downloaded as it was then, whatever was uploaded since; --latest gets the current content, --handoff everything that was handed over.\n\nExit codes: 0 downloaded, 1 not what was uploaded, 2 bad name or the file exists, 3 no such artifact, 7 not allowed, 8 store unreachable, 10 some were not downloaded.';
  static override examples = [
    '<%= config.bin %> artifact download build/patch-auth.diff',
    '<%= config.bin %> artifact download patch-auth.diff --step build --to review',
    '<%= config.bin %> artifact download --handoff build --to review',
    '<%= config.bin %> artifact download build/patch-auth.diff -o fix.diff',
    '<%= config.bin %> artifact download dist --step build --recursive',
    '<%= config.bin %> artifact download --recursive --step build --to /tmp/build --force',
  ];
  static override args = {
    name: Args.string({ description: 'artifact, or folder of artifacts with --recursive' }),
  };
  static override flags = {
    step: Flags.string({ summary: 'the step it belongs to' }),
    latest: Flags.boolean({
      summary: 'the current content, not what the step was handed over with',
    }),
    handoff: Flags.string({
      summary: 'everything that this step was handed over with',
      helpValue: 'STEP',
      exclusive: ['step', 'recursive', 'latest'],
    }),
    output: Flags.string({
      char: 'o',
      summary: 'write a single artifact to this file',
      helpValue: 'FILE',
      exclusive: ['to', 'recursive', 'handoff'],
    }),
    to: Flags.string({
      summary: 'the folder to put it into (default: this one)',
      helpValue: 'FOLDER',
    }),
    recursive: Flags.boolean({ char: 'r', summary: 'everything in the folder, or in the step' }),
    force: Flags.boolean({ summary: 'replace existing files' }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(ArtifactDownload);
    const step = flags.step === undefined ? undefined : stepId(flags.step);
    const name = nameOf(args.name, flags);
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const place = { bucket, layout: bucketLayout(settings.project) };
    const { artifacts: found, strays } = await resolve(place, { ...flags, name, step });
    for (const key of strays) this.warn(`skipped, not a valid artifact name: ${key}`);
    if (found.length === 0) {
      const from =
        flags.handoff === undefined
          ? `in ${step ?? 'shared'}`
          : `handed over with step ${flags.handoff}`;
      throw new NotFoundError(`no artifacts ${from}`, {
        hint: 'See "tracecraft artifact list".',
      });
    }
    const { output } = flags;
    // The one file under the name that was asked for.
    const artifacts =
      output === undefined ? found : found.map((one) => ({ ...one, name: basename(output) }));
    const to = output === undefined ? (flags.to ?? '.') : dirname(output);
    const folder = await openDownloadFolder(to, { force: flags.force });
    const total = artifacts.reduce((sum, { size }) => sum + size, 0);
    const { isQuiet } = this;
    const progress = startProgress({ label: 'download', total, unit: 'bytes', isQuiet });
    try {
      const report = await this.stoppable((signal) =>
        downloadArtifacts(place, nodeIo, {
          artifacts,
          folder,
          onProgress: (bytes) => progress.update(bytes),
          signal,
        }),
      ).finally(() => progress.stop());
      return this.answer(folder.path, artifacts.length, report);
    } finally {
      await folder.close();
    }
  }

  private answer(
    folder: string,
    count: number,
    { downloaded, failed, stopped }: DownloadReport,
  ): object {
    const [first] = downloaded;
    const size = downloaded.reduce((sum, one) => sum + one.size, 0);
    if (first !== undefined && count === 1) {
      this.say(`Downloaded ${first.path}  ${formatBytes(size)}  sha256 ${first.sha256}`);
    } else if (downloaded.length > 0) {
      this.say(
        `Downloaded ${plural(downloaded.length, 'file')} to ${folder}  ${formatBytes(size)}`,
      );
    }
    const unknown = downloaded.filter(({ verified }) => !verified);
    for (const { step, name } of unknown.slice(0, mostTold)) {
      this.warn(`no SHA-256 was recorded for ${step}/${name}: it could not be verified`);
    }
    if (unknown.length > mostTold) {
      this.warn(`${formatCount(unknown.length - mostTold)} more could not be verified`);
    }
    const data = {
      folder,
      downloaded,
      failed: failed.map(({ artifact: { step, name }, error }) => ({
        step,
        name,
        error: error.message,
      })),
    };
    if (failed.length === 0 && stopped === undefined) return data;
    if (downloaded.length === 0 && stopped !== undefined) throw stopped;
    if (count === 1 && failed[0] !== undefined) throw failed[0].error;
    if (stopped !== undefined && !(stopped instanceof TracecraftError)) throw stopped;
    for (const { artifact, error } of failed.slice(0, mostTold)) {
      this.warn(`not downloaded: ${artifact.step}/${artifact.name}: ${error.message}`);
    }
    const reason = stopped instanceof Error ? `: ${stopped.message}` : '';
    const message = `${formatCount(count - downloaded.length)} of ${plural(count, 'artifact')} were not downloaded${reason}`;
    return this.answerFailure(new PartialError(message, { cause: stopped }), data);
  }
}

interface Wish {
  readonly name: string | undefined;
  readonly step: string | undefined;
  readonly recursive: boolean;
  readonly latest: boolean;
  readonly handoff?: string | undefined;
}

function nameOf(
  text: string | undefined,
  { recursive, handoff }: Pick<Wish, 'recursive' | 'handoff'>,
): string | undefined {
  if (text !== undefined && handoff !== undefined) {
    throw new UsageError('--handoff downloads everything: do not name an artifact');
  }
  if (text !== undefined) return checkArtifactName(recursive ? text.replace(/\/$/, '') : text);
  if (recursive || handoff !== undefined) return undefined;
  throw new UsageError('missing argument: NAME', {
    hint: 'Name an artifact, or download a whole step with --step STEP --recursive.',
  });
}

async function resolve(
  place: ArtifactStore,
  { name, step, recursive, latest, handoff }: Wish,
): Promise<FoundArtifacts> {
  if (handoff !== undefined) {
    const pins = await pinsOf(place, stepId(handoff));
    const found = await Promise.all(pins.map((pin) => resolvePin(place, pin)));
    return { artifacts: found.filter((one) => one !== undefined), strays: [] };
  }
  if (recursive || name === undefined) return resolveFolder(place, name, step);
  const newest = await resolveArtifact(place, name, step);
  const pinned = latest ? undefined : await pinnedArtifact(place, newest);
  return { artifacts: [pinned ?? newest], strays: [] };
}
