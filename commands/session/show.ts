import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { referencesHere } from '../../src/app/references.js';
import type { Resumable } from '../../src/app/resumable.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import {
  type ConversationView,
  conversationLines,
  lastTurns,
  turnAround,
} from '../../src/cli/conversation-lines.js';
import { formatBytes, formatCount, plural } from '../../src/cli/format.js';
import { columns, printStoredLine } from '../../src/cli/output.js';
import { printPaged } from '../../src/cli/pager.js';
import { sessionHelp } from '../../src/cli/session-argument.js';
import { usageLine } from '../../src/cli/usage-lines.js';
import type { Conversation, Turn } from '../../src/conversation/conversation.js';
import { type ConversationCounts, countsOf } from '../../src/conversation/counts.js';
import { NotFoundError } from '../../src/errors.js';
import { type ListedSession, readWhole } from '../../src/mirror/slots/session-listing.js';
import { readTail, tailOfChain } from '../../src/mirror/slots/tail.js';
import type { MetaDocument } from '../../src/protocol/documents.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { countsText } from '../../src/redact/counts.js';
import type { SessionStore } from '../../src/sessions/conversation.js';
import { findSession } from '../../src/sessions/find.js';
import { harnessNames } from '../../watchers/names.js';

export default class SessionShow extends BaseCommand {
  static override summary = 'show a session as a conversation';
  static override description =
    `Shows prompts, answers, and one line per tool call; a sub-agent is one line, with its name for --stream. Thinking, context and what a fork inherited are left out unless you ask for them. A turn is cut after 64 KB. At a terminal it goes through $PAGER, if that is set.

--tail N shows the last N turns, or the last N lines if none is part of a turn. It reads only the end of a long session, so it names turns by the line where they begin (for --around), not by number. With --raw it prints the last N lines, byte for byte as stored. Lines are counted from 0.

Exit codes: 0 done, 2 several sessions match, 3 no such session, stream or turn, 8 store unreachable.`;
  static override examples = [
    '<%= config.bin %> session show 8b418ea5',
    '<%= config.bin %> session show . --tail 3',
    '<%= config.bin %> session show @2 --calls',
    '<%= config.bin %> session show 8b418ea5 --around 412',
    '<%= config.bin %> session show 8b418ea5 --raw | jq -r .type',
    '<%= config.bin %> session show 8b418ea5 --counts',
  ];
  static override args = {
    session: Args.string({ description: sessionHelp, required: true }),
  };
  static override flags = {
    tail: Flags.integer({
      summary: 'only the last N turns; with --raw, the last N lines',
      min: 0,
      helpValue: 'N',
    }),
    turn: Flags.integer({
      summary: 'only this turn',
      min: 1,
      helpValue: 'N',
      exclusive: ['tail', 'raw'],
    }),
    around: Flags.integer({
      summary: 'only the turn that contains this line',
      min: 0,
      helpValue: 'LINE',
      exclusive: ['tail', 'raw', 'turn'],
    }),
    calls: Flags.boolean({ summary: 'also show the result of each call' }),
    thinking: Flags.boolean({ summary: "also show the model's thinking" }),
    all: Flags.boolean({
      summary:
        'also show what was inherited, abandoned or injected by hooks, and the lines of each entry',
    }),
    info: Flags.boolean({
      summary: 'show facts about the session instead: size, host, model, streams',
      exclusive: ['tail', 'raw', 'turn', 'around'],
    }),
    raw: Flags.boolean({
      summary:
        'print only the lines, all or those of --tail, byte for byte as stored (on a terminal, control and invisible characters are escaped)',
    }),
    stream: Flags.string({
      summary: "show another stream of the session, e.g. a sub-agent's, instead of its transcript",
      helpValue: 'NAME',
      default: '',
    }),
    counts: Flags.boolean({
      summary: 'print only the numbers of prompts, answers, calls and so on',
      exclusive: ['tail', 'raw'],
    }),
    harness: Flags.string({ summary: 'only this harness', options: [...harnessNames] }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(SessionShow);
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const store = { bucket, layout: bucketLayout(settings.project) };
    const scope = await referencesHere(settings, process.env, flags.harness);
    const session = await findSession(store, args.session, scope);
    if (flags.raw) return this.raw(store, session, flags.stream, flags.tail);
    if (flags.info) return this.info(session);
    const { harness, id } = session;
    const head = { harness, session_id: id, stream: flags.stream, meta: session.meta ?? null };
    const short = await shortTail(store, session, flags);
    if (short !== undefined) {
      const shown = { stream: '', title: session.meta?.title, turns: short };
      this.conversation(shown, session, short, flags);
      return { ...head, turns: short.map(byLine) };
    }
    const request = { session: { harness, id }, stream: flags.stream, isDescribed: !flags.counts };
    const { readConversation } = await import('../../src/sessions/conversation.js');
    const conversation = await readConversation(store, request);
    if (flags.counts) return this.counts(conversation);
    const turns = turnsAsked(conversation, flags);
    this.conversation(conversation, session, turns, flags);
    if (conversation.turns.length === 0) await this.unread(store, session, flags);
    return { ...head, turns: flags.tail === undefined ? turns : turns.map(byLine) };
  }

  private conversation(
    { title, stream, turns: all }: Shown,
    { harness, id, meta }: ListedSession,
    turns: readonly Turn[],
    { tail, ...view }: ViewFlags,
  ): void {
    if (this.jsonEnabled()) return;
    const place = [harness, id, ...(stream === '' ? [] : [stream])].join('/');
    const isTail = tail !== undefined;
    const many = isTail ? `the last ${plural(turns.length, 'turn')}` : plural(all.length, 'turn');
    const used = usageLine(meta);
    printPaged([
      { text: title ?? '(no title)', style: 'said' },
      { text: `${place}, ${many}`, style: 'quiet' },
      { text: '' },
      ...conversationLines({ ...view, turns, isByLine: isTail }),
      ...(used === undefined ? [] : [{ text: '' }, { text: used, style: 'quiet' as const }]),
    ]);
  }

  /** Lines that amount to no turn are shown as they are, below the heading at which scripts cut. */
  private async unread(
    store: SessionStore,
    session: ListedSession,
    { stream, tail = 0 }: { readonly stream: string; readonly tail?: number | undefined },
  ): Promise<void> {
    if (this.jsonEnabled()) return;
    this.note('None of its lines is part of a turn: --raw prints them as stored.');
    if (tail === 0) return;
    this.print('--- tail ---');
    for (const line of await lastLines(store, session, stream, tail)) printStoredLine(line);
  }

  /** Lines as they are stored. */
  private async raw(
    store: SessionStore,
    session: ListedSession,
    stream: string,
    tail: number | undefined,
  ): Promise<object> {
    const { bucket, layout } = store;
    const prefix = layout.stream(session.harness, session.id, stream);
    if (tail === undefined && !this.jsonEnabled()) {
      for await (const line of readWhole(bucket, prefix)) printStoredLine(line);
      return {};
    }
    const count = tail ?? Number.POSITIVE_INFINITY;
    const lines = await lastLines(store, session, stream, count);
    const expected = stream === '' ? Math.min(count, session.meta?.total_lines ?? 0) : 0;
    if (lines.length < expected) {
      this.warn(
        `only ${lines.length} of the last ${expected} lines are there: "tracecraft session verify" shows what is missing`,
      );
    }
    if (!this.jsonEnabled()) for (const line of lines) printStoredLine(line);
    const texts = lines.map((line) => line.toString('utf8').trimEnd());
    const { harness, id, meta = null } = session;
    return { harness, session_id: id, stream, meta, lines: texts };
  }

  private async info(session: ListedSession): Promise<object> {
    const { resumableHere } = await import('../../src/app/resumable.js');
    const { env, home } = this.surroundings;
    const ways = await resumableHere([session], { env, home });
    const resume = ways.get(`${session.harness}/${session.id}`) ?? 'brief';
    const lines = [...rows(session), ['resume', resumeText(resume, session.id)]];
    for (const line of columns(lines)) this.print(line);
    const { harness, id, meta = null } = session;
    return { harness, session_id: id, meta, resume };
  }

  private counts(conversation: Conversation): object {
    const counts = countsOf(conversation);
    for (const line of columns(countRows(counts))) this.print(line);
    return counts;
  }
}

/** A conversation, or the end of one. */
interface Shown extends Pick<Conversation, 'stream' | 'turns'> {
  readonly title?: string | null | undefined;
}

interface ViewFlags extends Pick<ConversationView, 'thinking' | 'calls' | 'all'> {
  readonly tail?: number | undefined;
}

/** The last turns of a transcript, where they can be read without the others. */
async function shortTail(
  store: SessionStore,
  session: ListedSession,
  { tail, stream }: { readonly tail?: number | undefined; readonly stream: string },
): Promise<readonly Turn[] | undefined> {
  if (tail === undefined || stream !== '') return undefined;
  const { readLastTurns } = await import('../../src/sessions/last-turns.js');
  return readLastTurns(store, session, tail);
}

/** Its number takes all turns before it to know; the line that it begins with does not. */
function byLine({ number: _number, ...turn }: Turn): object {
  return { line: turn.entries[0]?.rows[0] ?? null, ...turn };
}

interface TurnFlags {
  readonly tail?: number | undefined;
  readonly turn?: number | undefined;
  readonly around?: number | undefined;
}

function lastLines(
  { bucket, layout }: SessionStore,
  session: ListedSession,
  stream: string,
  count: number,
): Promise<readonly Buffer[]> {
  return stream === ''
    ? readTail(bucket, layout, session, count)
    : tailOfChain(bucket, layout.stream(session.harness, session.id, stream), count);
}

function turnsAsked(conversation: Conversation, { tail, turn, around }: TurnFlags) {
  if (tail !== undefined) return lastTurns(conversation, tail);
  if (turn === undefined && around === undefined) return conversation.turns;
  const found =
    turn === undefined
      ? turnAround(conversation, around ?? 0)
      : conversation.turns.filter(({ number }) => number === turn);
  if (found.length > 0) return found;
  const what = turn === undefined ? `line ${around}` : `turn ${turn}`;
  throw new NotFoundError(`no ${what} in this conversation`, {
    hint: `It has ${plural(conversation.turns.length, 'turn')}.`,
  });
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

function resumeText(way: Resumable, id: string): string {
  const texts: Readonly<Record<Resumable, string>> = {
    here: 'here: its harness has it',
    restore: `not here: tracecraft session restore ${id}`,
    'as new': `only as a new session: tracecraft session restore ${id}`,
    brief: `its harness takes nothing back: tracecraft session brief ${id}`,
  };
  return texts[way];
}

function metaRows(meta: MetaDocument): string[][] {
  return [
    ['title', meta.title ?? '-'],
    ['cwd', meta.cwd ?? '-'],
    ['branch', meta.git_branch ?? '-'],
    ['model', meta.model ?? '-'],
    ['started', meta.started_at ?? '-'],
    ['uploaded', meta.last_uploaded_at ?? '-'],
    ['last row', meta.last_row_at ?? '-'],
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
