import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { formatCount, plural } from '../../src/cli/format.js';
import { columns } from '../../src/cli/output.js';
import { startProgress } from '../../src/cli/progress.js';
import { systemClock } from '../../src/clock.js';
import { NotFoundError, PartialError } from '../../src/errors.js';
import { nodeIo } from '../../src/io.js';
import { type Verdict, verifySources } from '../../src/mirror/slots/verify.js';
import { type Stream, streamsOf } from '../../src/mirror/stream.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { harnessNames } from '../../watchers/names.js';
import { createWatchers } from '../../watchers/registry.js';

interface Checked extends Verdict {
  readonly harness: string;
  readonly session_id: string;
  readonly stream: string;
  readonly source: string;
}

export default class SessionVerify extends BaseCommand {
  static override summary = 'compare the bucket with the transcripts on this machine';
  static override description =
    'Joins the parts in the bucket as any reader would and compares them with the complete lines of the source: a line agrees if it is the same byte for byte, with each [REDACTED:…] standing for any bytes. It shares no state with the mirror that wrote them. An unterminated last line is reported but does not count.\n\nExit codes: 0 everything agrees, 3 no such session, 8 store unreachable, 10 something is missing, behind or different.';
  static override examples = [
    '<%= config.bin %> session verify',
    '<%= config.bin %> session verify 8b418ea5-895d-4ad5-abe8-4489d36e454f',
    '<%= config.bin %> session verify --json | jq \'.data.streams[] | select(.state != "ok")\'',
  ];
  static override strict = false;
  static override args = {
    ids: Args.string({ description: 'only these sessions', required: false }),
  };
  static override flags = {
    harness: Flags.string({ summary: 'only this harness', options: [...harnessNames] }),
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(SessionVerify);
    const ids = new Set(argv.map(String));
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const layout = bucketLayout(settings.project);
    const streams = await this.sources(flags.harness, ids);
    if (streams.length === 0 && ids.size > 0) {
      throw new NotFoundError(`no such session on this machine: ${[...ids].join(', ')}`, {
        hint: 'List what is in the bucket with "tracecraft session list".',
      });
    }
    const progress = startProgress({
      label: 'Verifying',
      total: streams.length,
      unit: 'items',
      isQuiet: this.isQuiet,
    });
    const checked: Checked[] = [];
    const verified = verifySources(bucket, layout, streams, systemClock);
    for await (const { stream, name, verdict } of verified) {
      const { harness, id } = stream.session;
      checked.push({ harness, session_id: id, stream: name, source: stream.source, ...verdict });
      progress.update(checked.length, streams.length);
    }
    progress.stop();
    return this.report(checked);
  }

  private async sources(
    harness: string | undefined,
    ids: ReadonlySet<string>,
  ): Promise<readonly Stream[]> {
    const watchers = await createWatchers({
      io: nodeIo,
      clock: systemClock,
      env: process.env,
      home: this.surroundings.home,
      onUnreadable: (error) => this.warn(error),
    });
    const streams: Stream[] = [];
    for (const watcher of watchers) {
      if (harness !== undefined && watcher.harness !== harness) continue;
      for await (const stream of streamsOf(watcher)) {
        if (ids.size === 0 || ids.has(stream.session.id)) streams.push(stream);
      }
    }
    return streams;
  }

  private report(checked: readonly Checked[]): object {
    const wrong = checked.filter(({ state }) => state !== 'ok' && state !== 'ahead');
    const lines = checked.reduce((sum, one) => sum + one.shippedLines, 0);
    const redacted = checked.reduce((sum, one) => sum + one.redactedLines, 0);
    if (!this.isQuiet) for (const line of columns(checked.map(row))) this.print(line);
    for (const { source, rest } of checked) {
      if (rest > 0) this.say(`unterminated rest: ${rest} bytes at the end of ${source}`);
    }
    const data = { streams: checked, lines, redacted_lines: redacted };
    if (wrong.length > 0) {
      const error = new PartialError(
        `${wrong.length} of ${plural(checked.length, 'stream')} do not agree with their source: ${wrong[0]?.source}: ${wrong[0]?.problem}`,
        {
          hint: 'Run tracecraft watch --once --all, then verify again: it takes what is behind, puts back what vanished, and sends what differs as a new generation.',
        },
      );
      return this.answerFailure(error, data);
    }
    this.print(
      `${agreement(checked.length)}: ${plural(lines, 'line')}, ${formatCount(redacted)} with redactions`,
    );
    return data;
  }
}

function agreement(streams: number): string {
  return `${plural(streams, 'stream')} ${streams === 1 ? 'agrees' : 'agree'}`;
}

function row(one: Checked): string[] {
  const name = one.stream === '' ? '' : `/${one.stream}`;
  return [
    one.state,
    `${one.harness}/${one.session_id}${name}`,
    `${formatCount(one.shippedLines)} of ${formatCount(one.sourceLines)} lines`,
    one.problem ?? '',
  ];
}
