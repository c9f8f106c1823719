import { basename } from 'node:path';
import * as Flags from '@oclif/core/flags';
import { lastListHere } from '../../src/app/references.js';
import type { Bucket } from '../../src/bucket/bucket.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { parseTime } from '../../src/cli/parse-time.js';
import { sessionTable } from '../../src/cli/session-rows.js';
import { terminalWidth } from '../../src/cli/terminal-width.js';
import { systemClock } from '../../src/clock.js';
import type { DatedFields } from '../../src/mirror/index/dated-lines.js';
import {
  activeAt,
  type ListedSession,
  listSessionIds,
} from '../../src/mirror/slots/session-listing.js';
import type { SessionRef } from '../../src/mirror/stream.js';
import { bucketLayout, type Layout } from '../../src/protocol/keys.js';
import {
  type IndexedSession,
  type IndexedSessions,
  listDated,
  listIndexed,
  readMetas,
} from '../../src/sessions/indexed.js';
import { exampleHarnesses, harnessNames } from '../../watchers/names.js';

const orders = ['activity', 'started', 'lines', 'size', 'turns', 'title'] as const;

export default class SessionList extends BaseCommand {
  static override summary = 'list the sessions in the bucket, most recent activity first';
  static override description =
    'Reads one listing per harness and one small document per session, whatever their size. With more than 200 sessions it reads the index that each watch keeps instead, plus the documents of the sessions it shows and of those the index lacks, and says how old the index is. AGE is the age of the last row. ID is the beginning of the id, or its end if many begin alike; every command takes it, or @2 for the second row of the last list in this terminal. +3 means three sub-agents. RESUME (--long) is how to go on with it on this machine: here, restore, or as new (a copy only).\n\nExit codes: 0 done, 2 bad time, 7 not allowed, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> session list',
    `<%= config.bin %> session list --harness ${exampleHarnesses[0]} --since 7d`,
    '<%= config.bin %> session list --long --sort-by size',
    "<%= config.bin %> session list --json | jq -r '.data.sessions[].session_id'",
  ];
  static override flags = {
    harness: Flags.string({ summary: 'only this harness', options: [...harnessNames] }),
    folder: Flags.string({
      summary: 'only sessions started in this folder: its path, or its last segment',
      helpValue: 'FOLDER',
    }),
    agent: Flags.string({ summary: 'only sessions of this agent' }),
    host: Flags.string({ summary: 'only sessions mirrored from this machine' }),
    since: Flags.string({
      summary: 'only sessions active since then (2h, 7d, 2026-11-23T08:00)',
      helpValue: 'TIME',
    }),
    limit: Flags.integer({ summary: 'show at most this many', default: 50, min: 1 }),
    'sort-by': Flags.option({
      summary: 'sort by this: newest or largest first, titles alphabetically',
      options: orders,
      default: 'activity' as const,
    })(),
    long: Flags.boolean({
      summary:
        'also show lines, size, turns, redactions, model, host, agent, branch and where it can be resumed',
      char: 'l',
    }),
    utc: Flags.boolean({ summary: 'show times in UTC instead of local time' }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(SessionList);
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const nowMs = systemClock.now();
    const sinceMs =
      flags.since === undefined ? -Infinity : parseTime('--since', flags.since, nowMs);
    const layout = bucketLayout(settings.project);
    const wanted: readonly string[] = flags.harness === undefined ? harnessNames : [flags.harness];
    const [{ sessions: there, asOf, asked }, others] = await Promise.all([
      chosen(bucket, layout, wanted, flags),
      listSessionIds(
        bucket,
        layout,
        harnessNames.filter((one) => !wanted.includes(one)),
      ),
    ]);
    const all =
      flags.since === undefined ? asked : asked.filter((session) => activeMs(session) >= sinceMs);
    // The index decides which and in what order; what is shown about each is as new as its meta.json.
    const shown = await readMetas(bucket, layout, all.slice(0, flags.limit));
    let resumable: ReadonlyMap<string, string> | undefined;
    if (shown.length === 0) {
      const which = flags.harness === undefined ? '' : `${flags.harness} `;
      const like = there.length > 0 ? 'like this ' : '';
      this.say(`No ${which}sessions ${like}in ${bucket.location} (${settings.project}) yet.`);
    } else {
      const ids = [there.map(({ id }) => id), ...[...others.values()].map((some) => [...some])];
      resumable = flags.long ? await this.resumable(shown) : undefined;
      this.table(shown, ids.flat(), { ...flags, resumable });
      await (await lastListHere(settings, process.env)).write(shown);
    }
    if (all.length > shown.length) this.say(`${all.length - shown.length} more: raise --limit.`);
    if (asOf !== undefined) {
      this.say(`Chosen and ordered by the index as of ${asOf.toISOString()}.`);
    }
    return {
      total: all.length,
      index_as_of: asOf?.toISOString() ?? null,
      sessions: shown.map((session) => summary(session, resumable)),
    };
  }

  /** Looks at the harnesses' folders, so only where it is shown. */
  private async resumable(
    sessions: readonly ListedSession[],
  ): Promise<ReadonlyMap<string, string>> {
    const { resumableHere } = await import('../../src/app/resumable.js');
    const { env, home } = this.surroundings;
    return resumableHere(sessions, { env, home });
  }

  private table(
    sessions: readonly ListedSession[],
    ids: readonly string[],
    { long, utc, resumable }: TableFlags,
  ): void {
    const lines = sessionTable({
      sessions,
      ids,
      home: this.surroundings.home,
      nowMs: systemClock.now(),
      width: terminalWidth(),
      isLong: long,
      isUtc: utc,
      resumable,
    });
    for (const line of lines) this.print(line);
    if (long) this.say(`LAST is in ${utc ? 'UTC' : zoneHere()}.`);
  }
}

interface TableFlags {
  readonly long: boolean;
  readonly utc: boolean;
  readonly resumable: ReadonlyMap<string, string> | undefined;
}

interface Filter {
  readonly folder?: string | undefined;
  readonly agent?: string | undefined;
  readonly host?: string | undefined;
  readonly 'sort-by': Order;
}

interface Chosen extends Pick<IndexedSessions, 'asOf'> {
  readonly sessions: readonly SessionRef[];
  /** Those that were asked for, in the order asked for. */
  readonly asked: readonly IndexedSession<DatedFields>[];
}

async function chosen(
  bucket: Bucket,
  layout: Layout,
  wanted: readonly string[],
  filter: Filter,
): Promise<Chosen> {
  if (isByTimeOnly(filter)) {
    const { sessions, asOf } = await listDated(bucket, layout, wanted);
    return { sessions, asOf, asked: sessions };
  }
  const { sessions, asOf } = await listIndexed(bucket, layout, wanted);
  const asked = sessions.filter((session) => isAsked(session, filter));
  return { sessions, asOf, asked: sorted(asked, filter['sort-by']) };
}

/** Then most of what the index says is not needed. */
function isByTimeOnly({ folder, agent, host, 'sort-by': order }: Filter): boolean {
  return order === 'activity' && [folder, agent, host].every((one) => one === undefined);
}

function isAsked({ meta }: IndexedSession, { folder, agent, host }: Filter): boolean {
  const cwd = meta?.cwd ?? '';
  const isThere = folder === undefined || cwd === folder || basename(cwd) === folder;
  const isTheirs = agent === undefined || meta?.agent_id === agent;
  return isThere && isTheirs && (host === undefined || meta?.host === host);
}

function activeMs(session: IndexedSession<DatedFields>): number {
  const ms = Date.parse(activeAt(session));
  return Number.isNaN(ms) ? 0 : ms;
}

type Order = (typeof orders)[number];

/** They come with the most recent activity first. */
function sorted(sessions: readonly IndexedSession[], order: Order): readonly IndexedSession[] {
  if (order === 'activity') return sessions;
  if (order === 'title') {
    const { compare } = new Intl.Collator();
    return sessions.toSorted((left, right) =>
      compare(left.meta?.title ?? '', right.meta?.title ?? ''),
    );
  }
  return sessions
    .map((session) => ({ session, rank: rankOf(session, order) }))
    .sort((left, right) => right.rank - left.rank)
    .map(({ session }) => session);
}

function rankOf({ meta }: IndexedSession, order: Exclude<Order, 'title' | 'activity'>): number {
  switch (order) {
    case 'started':
      return Date.parse(meta?.started_at ?? '') || 0;
    case 'lines':
      return meta?.total_lines ?? 0;
    case 'size':
      return meta?.total_uploaded_bytes ?? 0;
    case 'turns':
      return meta?.turns ?? 0;
  }
}

function zoneHere(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function summary(
  { id, harness, meta }: ListedSession,
  resumable: ReadonlyMap<string, string> | undefined,
): object {
  return {
    harness,
    session_id: id,
    title: meta?.title ?? null,
    last_prompt: meta?.last_prompt ?? null,
    cwd: meta?.cwd ?? null,
    model: meta?.model ?? null,
    git_branch: meta?.git_branch ?? null,
    agent_id: meta?.agent_id ?? null,
    host: meta?.host ?? null,
    parent_session_id: meta?.parent_session_id ?? null,
    started_at: meta?.started_at ?? null,
    last_row_at: meta?.last_row_at ?? null,
    last_uploaded_at: meta?.last_uploaded_at ?? null,
    ended_at: meta?.ended_at ?? null,
    prompts: meta?.prompts ?? null,
    turns: meta?.turns ?? null,
    generation: meta?.generation ?? null,
    part_count: meta?.part_count ?? null,
    total_lines: meta?.total_lines ?? null,
    total_uploaded_bytes: meta?.total_uploaded_bytes ?? null,
    redaction_counts: meta?.redaction_counts ?? null,
    streams: meta?.streams.length ?? null,
    ...(resumable === undefined ? {} : { resume: resumable.get(`${harness}/${id}`) ?? null }),
  };
}
