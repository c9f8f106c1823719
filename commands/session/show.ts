import * as Args from '@oclif/core/args';
import { referencesHere } from '../../src/app/references.js';
import { byLine, isWhole, lastLines, shortTail, turnsAsked } from '../../src/cli/asked-turns.js';
import {
  bookkeepingLines,
  type ConversationView,
  conversationLines,
  type StyledLine,
} from '../../src/cli/conversation-lines.js';
import { plural } from '../../src/cli/format.js';
import { columns, printStoredLine } from '../../src/cli/output.js';
import { PageCommand } from '../../src/cli/page-command.js';
import { printPaged } from '../../src/cli/pager.js';
import { proseLines } from '../../src/cli/prose.js';
import { sessionHelp } from '../../src/cli/session-argument.js';
import { countRows, factRows, resumeText } from '../../src/cli/session-facts.js';
import { showFlags } from '../../src/cli/show-flags.js';
import { terminalWidth } from '../../src/cli/terminal-width.js';
import { usageLine } from '../../src/cli/usage-lines.js';
import type { Settings } from '../../src/config/settings.js';
import type { Conversation, Turn } from '../../src/conversation/conversation.js';
import { countsOf } from '../../src/conversation/counts.js';
import { type ListedSession, readWhole } from '../../src/mirror/slots/session-listing.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import type { SessionStore } from '../../src/sessions/conversation.js';
import { findSession } from '../../src/sessions/find.js';

export default class SessionShow extends PageCommand {
  protected static override endsWithItsReader = true;
  static override summary = 'show a session as a conversation';
  static override description =
    `Shows prompts, answers, and one line per tool call; a sub-agent is one line, with its name for --stream. Thinking, context and what a fork inherited are left out unless you ask for them. A turn is cut after 64 KB. At a terminal it goes through $PAGER, if that is set.

--tail N shows the last N turns, or the last N lines if none is part of a turn. It reads only the end of a long session, so it names turns by the line where they begin (for --around), not by number. With --raw it prints the last N lines, byte for byte as stored. Lines are counted from 0.

-o writes the session, with its sub-agents, as one HTML page that needs no network, or with --markdown as Markdown. What is written for others is looked through for secrets once more; local paths are shortened, and the names of users and machines replaced, unless you pass --keep-paths. Inside a git work tree the file is added to .gitignore; at a terminal you are asked first.

Exit codes: 0 done, 2 several sessions match, 3 no such session, stream or turn, 7 file not writable, 8 store unreachable.`;
  static override examples = [
    '<%= config.bin %> session show 8b418ea5',
    '<%= config.bin %> session show . --tail 3',
    '<%= config.bin %> session show @2 --calls',
    '<%= config.bin %> session show 8b418ea5 --around 412',
    '<%= config.bin %> session show 8b418ea5 --raw | jq -r .type',
    '<%= config.bin %> session show 8b418ea5 --counts',
    '<%= config.bin %> session show 8b418ea5 -o session.html --open',
    '<%= config.bin %> session show 8b418ea5 --tail 3 --markdown',
  ];
  static override args = {
    session: Args.string({ description: sessionHelp, required: true }),
  };
  static override flags = showFlags;

  async run(): Promise<object> {
    const { args, flags } = await this.parse(SessionShow);
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const store = { bucket, layout: bucketLayout(settings.project) };
    const scope = await referencesHere(settings, process.env, flags.harness);
    const session = await findSession(store, args.session, scope);
    if (flags.raw) return this.raw(store, session, flags.stream, flags.tail);
    if (flags.info) return this.info(session);
    if (!flags.markdown && (flags.open || flags.output !== undefined)) {
      return this.page(settings, store, session, flags);
    }
    const { harness, id } = session;
    const head = { harness, session_id: id, stream: flags.stream, meta: session.meta ?? null };
    const short = await shortTail(store, session, flags);
    if (short !== undefined) {
      const shown = { stream: '', title: session.meta?.title, turns: short };
      if (flags.markdown)
        return this.markdown(settings, session, { ...shown, shown: short }, flags);
      this.conversation(shown, session, short, flags);
      return { ...head, turns: short.map(byLine) };
    }
    const request = { session, stream: flags.stream, isDescribed: !flags.counts };
    const { readConversation } = await import('../../src/sessions/conversation.js');
    const conversation = await readConversation(store, request);
    if (flags.counts) return this.counts(conversation);
    const turns = turnsAsked(conversation, flags);
    if (flags.markdown) {
      return this.markdown(settings, session, { ...conversation, shown: turns }, flags);
    }
    const unshown = isWhole(flags) ? conversation.bookkeeping : undefined;
    this.conversation({ ...conversation, unshown }, session, turns, flags);
    if (conversation.turns.length === 0) await this.unread(store, session, flags);
    const bookkeeping = unshown === undefined ? {} : { bookkeeping: unshown };
    return { ...head, turns: flags.tail === undefined ? turns : turns.map(byLine), ...bookkeeping };
  }

  /** The session and its sub-agents as one page. */
  private async page(
    settings: Settings,
    { bucket, layout }: SessionStore,
    { id }: ListedSession,
    { output = `session-${shortOf(id)}.html`, force, open, ...flags }: PageFlags,
  ): Promise<object> {
    const [{ openInBrowser, writeReplay }, { RunReader }, { knownFromHere }, { redactorOf }] =
      await Promise.all([
        import('../../src/app/replay.js'),
        import('../../src/replay/timeline/read.js'),
        import('../../src/app/known-secrets.js'),
        import('../../src/app/redaction.js'),
      ]);
    const written = await writeReplay({
      bucket,
      layout,
      reader: new RunReader(bucket, layout, { remembers: false }),
      path: output,
      force,
      selection: { sessionId: id },
      followMs: null,
      keepsPaths: flags['keep-paths'],
      redactor: redactorOf(settings, knownFromHere(settings, process.env)),
    });
    this.tellPage(written);
    await this.keepFromGit(written);
    if (open) openInBrowser(written.path);
    const { path, sidecar, sessions, lines } = written;
    return { path, data_folder: sidecar, sessions, lines };
  }

  private async markdown(
    settings: Settings,
    session: ListedSession,
    { shown, ...about }: Shown & { readonly shown: readonly Turn[] },
    { tail, output, force, ...flags }: ViewFlags & PageFlags,
  ): Promise<object> {
    const { sharedMarkdown, writeShared } = await import('../../src/app/shared-markdown.js');
    const { conversationMarkdown } = await import('../../src/cli/conversation-markdown.js');
    const view = { ...flags, turns: shown, isByLine: tail !== undefined };
    const head = {
      title: about.title ?? '(no title)',
      about: aboutText(session, about, shown, tail),
    };
    const { text: markdown, found } = sharedMarkdown(
      settings,
      session,
      conversationMarkdown(view, head),
      flags['keep-paths'],
    );
    if (found !== undefined) this.note(`A second look for secrets redacted: ${found}.`);
    if (output === undefined) {
      this.printText(markdown);
      return { harness: session.harness, session_id: session.id, markdown };
    }
    const path = await writeShared(output, markdown, force);
    this.say(`Wrote ${path}.`);
    await this.keepFromGit({ path });
    return { harness: session.harness, session_id: session.id, path };
  }

  private conversation(
    shown: Shown,
    session: ListedSession,
    turns: readonly Turn[],
    { tail, ...view }: ViewFlags,
  ): void {
    if (this.jsonEnabled()) return;
    const width = terminalWidth();
    const used = usageLine(session.meta);
    const prose = (text: string, style: 'said' | 'quiet' = 'quiet'): readonly StyledLine[] =>
      proseLines(text, width).map((line) => ({ text: line, style }));
    printPaged([
      ...prose(shown.title ?? '(no title)', 'said'),
      ...aboutLines(session, aboutText(session, shown, turns, tail), width),
      { text: '' },
      ...conversationLines({ ...view, turns, isByLine: tail !== undefined, width }),
      ...bookkeepingLines(shown.unshown ?? {}),
      ...(used === undefined ? [] : [{ text: '' }, ...prose(used)]),
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
    const resume = ways.get(`${session.harness}/${session.id}`);
    const told = resume === undefined ? [] : [['resume', resumeText(resume, session.id)]];
    const lines = [...factRows(session), ...told];
    for (const line of columns(lines)) this.print(line);
    const { harness, id, meta = null } = session;
    return { harness, session_id: id, meta, resume: resume ?? null };
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
  /** The rows that no turn shows, by kind. */
  readonly unshown?: Conversation['bookkeeping'] | undefined;
}

/** `harness/id, 12 turns`. */
function aboutText(
  { harness, id }: ListedSession,
  { stream, turns: all }: Shown,
  turns: readonly Turn[],
  tail: number | undefined,
): string {
  const place = [harness, id, ...(stream === '' ? [] : [stream])].join('/');
  if (tail === undefined) return `${place}, ${plural(all.length, 'turn')}`;
  const many = turns.length === 1 ? 'turn' : plural(turns.length, 'turn');
  return `${place}, the last ${many}`;
}

/** On a narrow terminal the id is on a line of its own, where it fits. */
function aboutLines({ harness }: ListedSession, about: string, width: number): StyledLine[] {
  const [place = '', many = ''] = about.split(/, (?=[^,]*$)/);
  const lines =
    about.length <= width ? [about] : [`${harness}, ${many}`, place.slice(harness.length + 1)];
  return lines.map((text) => ({ text, style: 'quiet' }));
}

interface PageFlags {
  readonly output?: string | undefined;
  readonly open: boolean;
  readonly force: boolean;
  readonly 'keep-paths': boolean;
}

/** The end of an id tells it from others; what a file name cannot hold is left out. */
function shortOf(id: string): string {
  return id.slice(-12).replace(/[^A-Za-z0-9_-]/g, '-');
}

interface ViewFlags extends Pick<ConversationView, 'thinking' | 'calls' | 'all'> {
  readonly tail?: number | undefined;
}
