import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { guestStreams } from '../../src/app/guest-sessions.js';
import { findLocalSession } from '../../src/app/local-sessions.js';
import { referencesHere } from '../../src/app/references.js';
import { type Scope, scopeOf } from '../../src/app/scope.js';
import { UnreadSources, unreadFolders } from '../../src/app/unread-sources.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { formatCount, plural } from '../../src/cli/format.js';
import { startProgress } from '../../src/cli/progress.js';
import { sessionHelp } from '../../src/cli/session-argument.js';
import { terminalWidth } from '../../src/cli/terminal-width.js';
import { type NamedVerdict, verdictLines } from '../../src/cli/verdict-lines.js';
import { leftAloneLines } from '../../src/cli/watch-output.js';
import { systemClock } from '../../src/clock.js';
import { inParallel } from '../../src/concurrency.js';
import { destinationFolder } from '../../src/config/destination.js';
import { PartialError, SourceError, type TracecraftError } from '../../src/errors.js';
import { nodeIo } from '../../src/io.js';
import { listRemoved } from '../../src/mirror/removal/record.js';
import { type Verdict, verifySources } from '../../src/mirror/slots/verify.js';
import type { SessionRef, Stream, Watcher } from '../../src/mirror/stream.js';
import { everything } from '../../src/mirror/watch/selection.js';
import {
  type DiscoveredStream,
  type SelectedSessions,
  SessionFilter,
} from '../../src/mirror/watch/session-filter.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import type { SessionStore } from '../../src/sessions/conversation.js';
import { harnessNames } from '../../watchers/names.js';
import { createWatchers } from '../../watchers/registry.js';

interface Checked extends Verdict {
  readonly harness: string;
  readonly session_id: string;
  readonly stream: string;
  readonly source: string;
}

interface OwnSources {
  readonly streams: readonly Stream[];
  readonly taken: SelectedSessions;
  readonly elsewhere: readonly DiscoveredStream[];
}

interface Sources extends Omit<OwnSources, 'elsewhere'> {
  /** Names of those that no watch of this config uploads. */
  readonly guests: ReadonlySet<string>;
}

export default class SessionVerify extends BaseCommand {
  static override summary = 'compare the bucket with the transcripts on this machine';
  static override description =
    'Joins the parts in the bucket as any reader would and compares them with the complete lines of the source: a line agrees if it is the same byte for byte, with each [REDACTED:…] standing for any bytes. It shares no state with the mirror that wrote them. An unterminated last line is reported but does not count. Covers the sessions that this config mirrors, as watch does, and without --cwd also those of other folders that are in its project in the bucket, as "session mirror" may put them there; what is left alone is counted in one line, with the flag that includes it. Sessions that were removed are left out.\n\nExit codes: 0 everything agrees, 2 several sessions match, 3 no such session, 8 store unreachable, 10 something is missing, behind, different or unreadable.';
  static override examples = [
    '<%= config.bin %> session verify',
    '<%= config.bin %> session verify 8b418ea5-895d-4ad5-abe8-4489d36e454f',
    '<%= config.bin %> session verify --json | jq \'.data.streams[] | select(.state != "ok")\'',
  ];
  static override strict = false;
  static override args = {
    sessions: Args.string({ description: `only these; each ${sessionHelp}`, required: false }),
  };
  static override flags = {
    harness: Flags.string({ summary: 'only this harness', options: [...harnessNames] }),
    all: Flags.boolean({ summary: 'all sessions, however old', exclusive: ['since'] }),
    since: Flags.string({
      summary: 'sessions that changed within this time (default 7d, as for watch)',
      helpValue: '30d',
    }),
    cwd: Flags.directory({
      exists: true,
      summary: 'only sessions that were started in or below this folder',
      helpValue: 'FOLDER',
    }),
    'all-projects': Flags.boolean({
      summary: "with a project's config: sessions of other folders too",
    }),
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(SessionVerify);
    const words = argv.map(String);
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const layout = bucketLayout(settings.project);
    const scope = scopeOf(settings, flags);
    const folder = destinationFolder(settings.stateFolder, bucket.location, settings.project);
    const unread = new UnreadSources();
    const references = await referencesHere(settings, process.env, flags.harness);
    const find = async (watchers: readonly Watcher[]): Promise<readonly SessionRef[]> =>
      inParallel(words, (word) => findLocalSession(watchers, word, references, { bucket, layout }));
    const store = { bucket, layout };
    const own = await this.sources(scope, find, unread, folder);
    const isNarrowed = words.length > 0 || flags.cwd !== undefined;
    const covered = isNarrowed
      ? { ...own, guests: new Set<string>() }
      : await withGuests(own, store);
    const { streams: all, taken, guests } = covered;
    const streams = await this.withoutRemoved(store, all);
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
    for (const line of words.length > 0 ? [] : leftAloneLines(taken)) this.say(line);
    const again = flags['all-projects'] ? ' --all-projects' : '';
    const answer = this.report(checked, taken, (wrong) => hintFor(wrong, guests, again));
    unread.require();
    return answer;
  }

  /** Those that this config mirrors, or those that are named, whoever mirrors them. */
  private async sources(
    { selection, harnesses }: Scope,
    find: (watchers: readonly Watcher[]) => Promise<readonly SessionRef[]>,
    unread: UnreadSources,
    folder: string,
  ): Promise<OwnSources> {
    const tell = (error: TracecraftError): void => {
      this.warn(error);
      unread.add(error);
    };
    const settings = {
      io: nodeIo,
      clock: systemClock,
      env: process.env,
      home: this.surroundings.home,
      onUnreadable: tell,
    };
    const watchers = await createWatchers(settings, harnesses);
    const named = await find(watchers);
    const filter = new SessionFilter(
      watchers,
      named.length > 0 ? everything : selection,
      (error) => {
        if (!(error instanceof SourceError)) throw error;
        tell(error);
      },
    );
    const { discovered, taken, elsewhere } = await filter.first(systemClock.now());
    for (const error of await unreadFolders(watchers, process.env, folder)) unread.add(error);
    const streams = discovered.map(({ stream }) => stream);
    const isAsked = ({ session: { harness, id } }: Stream): boolean =>
      named.length === 0 || named.some((one) => one.harness === harness && one.id === id);
    return { streams: streams.filter(isAsked), taken, elsewhere };
  }

  private async withoutRemoved(
    store: SessionStore,
    all: readonly Stream[],
  ): Promise<readonly Stream[]> {
    const removed = new Set((await listRemoved(store)).map(nameOf));
    const streams = all.filter(
      ({ session: { harness, id } }) => !removed.has(nameOf({ harness, session_id: id })),
    );
    const count = all.length - streams.length;
    if (count > 0) this.say(`${plural(count, 'stream')} of removed sessions left out`);
    return streams;
  }

  private report(
    checked: readonly Checked[],
    taken: SelectedSessions,
    hintOf: (wrong: readonly Checked[]) => string,
  ): object {
    const wrong = checked.filter(({ state }) => state !== 'ok' && state !== 'ahead');
    const lines = checked.reduce((sum, one) => sum + one.shippedLines, 0);
    const redacted = checked.reduce((sum, one) => sum + one.redactedLines, 0);
    const rows = this.isQuiet ? [] : verdictLines(checked.map(named), terminalWidth());
    for (const line of rows) this.print(line);
    for (const { source, rest } of checked) {
      if (rest > 0)
        this.say(`unterminated last line: ${plural(rest, 'byte')} at the end of ${source}`);
    }
    const left = { sessions: taken.leftSessions, elsewhere: taken.leftElsewhere };
    const data = { streams: checked, lines, redacted_lines: redacted, left_alone: left };
    if (wrong.length > 0) {
      const error = new PartialError(
        `${disagreement(wrong.length, checked.length)}: ${wrong[0]?.source}: ${wrong[0]?.problem}`,
        { hint: hintOf(wrong) },
      );
      return this.answerFailure(error, data);
    }
    if (checked.length === 0) this.note(nothingCompared);
    this.print(
      `${agreement(checked.length)}: ${plural(lines, 'line')}, ${formatCount(redacted)} with redactions`,
    );
    return data;
  }
}

const nothingCompared =
  'Nothing was compared: no session that this config mirrors is on this machine. "session verify ID" compares any.';

/** Also the sessions of other folders that are in the bucket. */
async function withGuests(
  { streams, taken, elsewhere }: OwnSources,
  store: SessionStore,
): Promise<Sources> {
  const added = await guestStreams(elsewhere, store);
  const guests = new Set(
    added.map(({ session: { harness, id } }) => nameOf({ harness, session_id: id })),
  );
  const leftSessions = taken.leftSessions - guests.size;
  const leftElsewhere = taken.leftElsewhere - guests.size;
  return {
    streams: [...streams, ...added],
    taken: { ...taken, leftSessions, leftElsewhere },
    guests,
  };
}

function hintFor(wrong: readonly Checked[], guests: ReadonlySet<string>, again: string): string {
  const guest = wrong.find((one) => guests.has(nameOf(one)));
  return guest === undefined
    ? `Run tracecraft watch --once --all${again}, then verify again: it uploads what is behind, restores what vanished, and sends what differs as a new generation.`
    : `Run tracecraft watch --once --all, then verify again. What was started in other folders is uploaded by tracecraft session mirror ${guest.session_id}.`;
}

function nameOf({ harness, session_id }: Pick<Checked, 'harness' | 'session_id'>): string {
  return `${harness}/${session_id}`;
}

function agreement(streams: number): string {
  return `${plural(streams, 'stream')} ${streams === 1 ? 'agrees' : 'agree'}`;
}

function disagreement(wrong: number, streams: number): string {
  const [verb, whose] = wrong === 1 ? ['does', 'its'] : ['do', 'their'];
  return `${formatCount(wrong)} of ${formatCount(streams)} streams ${verb} not agree with ${whose} source`;
}

function named(one: Checked): NamedVerdict {
  const stream = one.stream === '' ? '' : `/${one.stream}`;
  return { ...one, name: `${nameOf(one)}${stream}` };
}
