import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { formatBytes, formatCount, plural } from '../../src/cli/format.js';
import { columns, printStoredLine } from '../../src/cli/output.js';
import type { ConversationCounts } from '../../src/conversation/counts.js';
import {
  findSession,
  type ListedSession,
  readTail,
  readWhole,
} from '../../src/mirror/slots/session-listing.js';
import type { MetaDocument } from '../../src/protocol/documents.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { countsText } from '../../src/redact/counts.js';
import type { SessionStore } from '../../src/sessions/conversation.js';
import { harnessNames } from '../../watchers/names.js';

export default class SessionShow extends BaseCommand {
  static override summary = 'show a session and its last lines';
  static override description =
    'The id may be shortened to a unique prefix. Reads only the parts that hold the requested lines.\n\nExit codes: 0 done, 2 the id matches several sessions, 3 no such session, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> session show 8b418ea5',
    '<%= config.bin %> session show 8b418ea5 --tail 20',
    '<%= config.bin %> session show 8b418ea5 --raw | jq -r .type',
    '<%= config.bin %> session show 8b418ea5 --counts',
  ];
  static override args = {
    id: Args.string({ description: 'session id, or a unique prefix of it', required: true }),
  };
  static override flags = {
    tail: Flags.integer({ summary: 'also show the last N lines', min: 0, helpValue: 'N' }),
    raw: Flags.boolean({
      summary:
        'print only the lines, all or those of --tail, byte for byte as stored (to a terminal: with what would take it over, or hides, escaped)',
    }),
    stream: Flags.string({
      summary: "one of the session's other streams, e.g. a sub-agent's, instead of its transcript",
      helpValue: 'NAME',
      default: '',
    }),
    counts: Flags.boolean({
      summary: 'print only how many prompts, answers, calls and so on the conversation has',
      exclusive: ['tail', 'raw'],
    }),
    harness: Flags.string({ summary: 'only this harness', options: [...harnessNames] }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(SessionShow);
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const layout = bucketLayout(settings.project);
    const wanted = flags.harness === undefined ? harnessNames : [flags.harness];
    const session = await findSession(bucket, layout, args.id, wanted);
    if (flags.counts) return this.counts({ bucket, layout }, session, flags.stream);
    const isWhole = flags.raw && flags.tail === undefined;
    if (isWhole && !this.jsonEnabled()) {
      for await (const line of readWhole(bucket, layout, session)) printStoredLine(line);
      return {};
    }
    const count = flags.tail ?? (isWhole ? Number.POSITIVE_INFINITY : 0);
    const lines = count === 0 ? [] : await readTail(bucket, layout, session, count);
    const expected = Math.min(count, session.meta?.total_lines ?? 0);
    if (lines.length < expected) {
      this.warn(
        `only ${lines.length} of the last ${expected} lines are there: "tracecraft session verify" shows what is missing`,
      );
    }
    if (flags.raw && !this.jsonEnabled()) {
      for (const line of lines) printStoredLine(line);
    } else {
      for (const line of columns(rows(session))) this.print(line);
      for (const line of lines) this.print(line.toString('utf8').trimEnd());
    }
    const texts = lines.map((line) => line.toString('utf8').trimEnd());
    return {
      harness: session.harness,
      session_id: session.id,
      meta: session.meta ?? null,
      lines: texts,
    };
  }

  private async counts(
    store: SessionStore,
    { harness, id }: ListedSession,
    stream: string,
  ): Promise<object> {
    const { readConversation } = await import('../../src/sessions/conversation.js');
    const { countsOf } = await import('../../src/conversation/counts.js');
    const counts = countsOf(await readConversation(store, { session: { harness, id }, stream }));
    for (const line of columns(countRows(counts))) this.print(line);
    return counts;
  }
}

/** What there is none of is not listed. */
function countRows({ own, inherited, ...counts }: ConversationCounts): string[][] {
  const row = ([name, value]: [string, unknown]): string[] => [
    name.replaceAll('_', ' '),
    Array.isArray(value) ? value.join(', ') : String(value),
  ];
  return [
    ...Object.entries(counts).map(row),
    ...Object.entries(own).map(row),
    ...Object.entries(inherited).map(([name, value]) => row([`inherited ${name}`, value])),
  ];
}

function rows({ id, harness, meta }: ListedSession): string[][] {
  const head = [
    ['session', id],
    ['harness', harness],
  ];
  return meta === undefined ? [...head, ['meta', 'not written yet']] : [...head, ...metaRows(meta)];
}

function metaRows(meta: MetaDocument): string[][] {
  return [
    ['title', meta.title ?? '-'],
    ['cwd', meta.cwd ?? '-'],
    ['branch', meta.git_branch ?? '-'],
    ['model', meta.model ?? '-'],
    ['started', meta.started_at ?? '-'],
    ['uploaded', meta.last_uploaded_at ?? '-'],
    ['ended', meta.ended_at ?? '-'],
    ['source', `${meta.host ?? '?'}:${meta.source_path ?? '?'}`],
    ['lines', formatCount(meta.total_lines)],
    ['size', `${formatBytes(meta.total_uploaded_bytes)} in ${plural(meta.part_count, 'part')}`],
    ['generation', String(meta.generation)],
    ['redactions', countsText(meta.redaction_counts)],
    ...meta.streams.map((stream) => [
      'stream',
      `${stream.name}: ${formatCount(stream.total_lines)} lines, ${formatBytes(stream.total_uploaded_bytes)}`,
    ]),
    ...(meta.streams_omitted > 0 ? [['', `and ${meta.streams_omitted} more streams`]] : []),
  ];
}
