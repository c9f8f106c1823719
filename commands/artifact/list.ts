import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { formatBytes, formatTime } from '../../src/cli/format.js';
import { columns } from '../../src/cli/output.js';
import { type Column, tableLines } from '../../src/cli/table.js';
import { terminalWidth } from '../../src/cli/terminal-width.js';
import { type Artifact, listArtifacts } from '../../src/coordination/artifacts/artifacts.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { stepId } from '../../src/protocol/names.js';

export default class ArtifactList extends BaseCommand {
  static override summary = 'list what the agents have uploaded';
  static override description =
    'Shows the SHA-256 recorded at upload, at a terminal its first 12 digits; "-" if nothing was recorded, e.g. because another tool uploaded it.\n\nExit codes: 0 listed, 2 bad name, 7 not allowed, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> artifact list',
    '<%= config.bin %> artifact list --step build',
    '<%= config.bin %> artifact list --json | jq -r \'.data.artifacts[] | .step + "/" + .name\'',
  ];
  static override flags = {
    step: Flags.string({ summary: 'only those of this step, or "shared"' }),
    all: Flags.boolean({
      summary: 'also the copies (NAME~DIGITS) of what was replaced',
    }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(ArtifactList);
    const wanted = {
      ...(flags.step === undefined ? {} : { step: stepId(flags.step) }),
      withCopies: flags.all,
    };
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const layout = bucketLayout(settings.project);
    const { artifacts, strays, skipped } = await listArtifacts({ bucket, layout }, wanted);
    for (const key of strays) this.warn(`skipped, not a valid artifact name: ${key}`);
    for (const error of skipped) this.warn(error.message);
    if (artifacts.length === 0) {
      const place = wanted.step === undefined ? 'here' : `in ${wanted.step}`;
      this.note(`No artifacts ${place} yet: "tracecraft artifact upload FILE" adds one.`);
    } else {
      for (const line of listLines(artifacts, terminalWidth())) this.print(line);
    }
    return { artifacts: artifacts.map(summary), skipped: strays };
  }
}

const layout: readonly Column[] = [
  { heading: 'ARTIFACT', isName: true },
  { heading: 'SIZE' },
  { heading: 'UPLOADED' },
  { heading: 'BY' },
  { heading: 'SHA-256' },
];

const shortSha = 12;

/** At a terminal no row is wider than it, and digests are shortened; elsewhere programs may read them. */
function listLines(artifacts: readonly Artifact[], width: number): readonly string[] {
  const rows = artifacts.map(row);
  if (!Number.isFinite(width)) return columns([layout.map(({ heading }) => heading), ...rows]);
  const short = rows.map((cells) => [
    ...cells.slice(0, -1),
    (cells.at(-1) ?? '').slice(0, shortSha),
  ]);
  return tableLines(layout, short, width);
}

function row({ step, name, size, modifiedAt, upload }: Artifact): string[] {
  return [
    `${step}/${name}`,
    formatBytes(size),
    formatTime(modifiedAt),
    upload?.agent ?? '-',
    upload?.sha256 ?? '-',
  ];
}

function summary({ step, name, key, size, modifiedAt, upload }: Artifact): object {
  return {
    step,
    name,
    key,
    size,
    modified_at: modifiedAt.toISOString(),
    sha256: upload?.sha256 ?? null,
    uploaded_by: upload?.agent ?? null,
    uploaded_at: upload?.at ?? null,
  };
}
