import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { formatCount } from '../../src/cli/format.js';
import { columns } from '../../src/cli/output.js';
import { type ListedSession, listSessions } from '../../src/mirror/slots/session-listing.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { countsText } from '../../src/redact/counts.js';
import { exampleHarnesses, harnessNames } from '../../watchers/names.js';

export default class SessionList extends BaseCommand {
  static override summary = 'list the sessions in the bucket, newest first';
  static override description =
    'Reads one listing per harness and one small document per session, whatever their size.\n\nExit codes: 0 done, 7 not allowed, 8 the store cannot be reached.';
  static override examples = [
    '<%= config.bin %> session list',
    `<%= config.bin %> session list --harness ${exampleHarnesses[0]} --limit 10`,
    "<%= config.bin %> session list --json | jq -r '.data.sessions[].session_id'",
  ];
  static override flags = {
    harness: Flags.string({ summary: 'only this harness', options: [...harnessNames] }),
    limit: Flags.integer({ summary: 'show at most this many', default: 50, min: 1 }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(SessionList);
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const wanted = flags.harness === undefined ? harnessNames : [flags.harness];
    const all = await listSessions(bucket, bucketLayout(settings.project), wanted);
    const shown = all.slice(0, flags.limit);
    if (shown.length === 0)
      this.say(
        `No ${flags.harness === undefined ? '' : `${flags.harness} `}sessions in ${bucket.location} (${settings.project}) yet.`,
      );
    else for (const line of columns([heading, ...shown.map(row)])) this.print(line);
    if (all.length > shown.length) this.say(`${all.length - shown.length} more: raise --limit.`);
    return { total: all.length, sessions: shown.map(summary) };
  }
}

const titleLength = 60;

const heading = ['SESSION', 'HARNESS', 'UPLOADED', 'LINES', 'SIZE', 'PARTS', 'REDACTED', 'TITLE'];

function row({ id, harness, meta }: ListedSession): string[] {
  if (meta === undefined) return [id, harness, '-', '-', '-', '-', '-', '(no meta.json yet)'];
  return [
    id,
    harness,
    meta.last_uploaded_at?.slice(0, 19) ?? '-',
    formatCount(meta.total_lines),
    // As in `uploaded part-…`, so the two can be compared.
    `${formatCount(meta.total_uploaded_bytes)} B`,
    formatCount(meta.part_count),
    countsText(meta.redaction_counts),
    shortened(meta.title ?? meta.cwd ?? ''),
  ];
}

function summary({ id, harness, meta }: ListedSession): object {
  return {
    harness,
    session_id: id,
    title: meta?.title ?? null,
    cwd: meta?.cwd ?? null,
    model: meta?.model ?? null,
    started_at: meta?.started_at ?? null,
    last_uploaded_at: meta?.last_uploaded_at ?? null,
    ended_at: meta?.ended_at ?? null,
    generation: meta?.generation ?? null,
    part_count: meta?.part_count ?? null,
    total_lines: meta?.total_lines ?? null,
    total_uploaded_bytes: meta?.total_uploaded_bytes ?? null,
    redaction_counts: meta?.redaction_counts ?? null,
    streams: meta?.streams.length ?? null,
  };
}

/** A title may be a whole prompt; the JSON has all of it. */
function shortened(text: string): string {
  const characters = [...text];
  return characters.length <= titleLength
    ? text
    : `${characters.slice(0, titleLength - 1).join('')}…`;
}
