import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { knownFromHere } from '../src/app/known-secrets.js';
import { redactorOf } from '../src/app/redaction.js';
import { referencesHere } from '../src/app/references.js';
import {
  openInBrowser,
  type Replayed,
  type ReplayRequest,
  writeReplay,
} from '../src/app/replay.js';
import { PageCommand } from '../src/cli/page-command.js';
import { parseTime } from '../src/cli/parse-time.js';
import { sessionHelp } from '../src/cli/session-argument.js';
import { handleSignals } from '../src/cli/signals.js';
import { systemClock } from '../src/clock.js';
import { parseDuration } from '../src/config/duration.js';
import { UnreachableError } from '../src/errors.js';
import { bucketLayout } from '../src/protocol/keys.js';
import { checkName, stepId } from '../src/protocol/names.js';
import { RunReader } from '../src/replay/timeline/read.js';
import { findSession } from '../src/sessions/find.js';

export default class Replay extends PageCommand {
  static override summary =
    'write the whole run, or one session, as one page: who did what when, with the transcripts';
  static override description =
    'Writes one HTML file that needs no server and no network: open it, mail it, keep it. A sentence at the top says what happened and how it ended. Below it are a lane per agent, claims as bars with their outcome, messages as arrows, blocked steps in red; sessions lie on the same time axis, with a mark for each prompt, and each event links to the tool call that caused it. If nobody claimed anything, sessions are grouped by folder. If you name a session, the page shows that session alone.\n\nThe search covers events, sessions and transcripts. Very large runs get a folder next to the page; so does a page written with --follow, until it ends: the open page loads new events from there without losing its place.\n\nEverything from the bucket is shown as text, and the page blocks all network requests. All of it is looked through for secrets once more. Local paths are shortened, home folders to ~, and names of users and machines are replaced where they are not those of agents, unless you pass --keep-paths; everything else in the transcripts is in the page. Inside a git work tree, the page is added to .gitignore; at a terminal you are asked first.\n\nExit codes: 0 written, 2 bad name or time, or an id that matches several sessions, 3 no such session, 7 file not writable, 8 store unreachable.';
  static override examples = [
    '<%= config.bin %> replay --open',
    '<%= config.bin %> replay -o tuesday.html --since 2026-11-24T08:00 --until 2026-11-24T18:00',
    '<%= config.bin %> replay --follow --open',
    '<%= config.bin %> replay 8b418ea5 -o session.html',
  ];
  static override args = {
    session: Args.string({
      description: `${sessionHelp}; without one, the whole run`,
      required: false,
    }),
  };
  static override flags = {
    output: Flags.string({
      char: 'o',
      summary: 'the file',
      default: 'replay.html',
      helpValue: 'FILE',
    }),
    since: Flags.string({
      summary: 'only what happened since: a duration before now, or a time',
      helpValue: '2h',
    }),
    until: Flags.string({ summary: 'only what happened before', helpValue: '1h' }),
    agent: Flags.string({ summary: 'only what this agent did or was sent' }),
    step: Flags.string({ summary: 'only what concerns this step' }),
    force: Flags.boolean({ summary: 'replace a file that tracecraft did not write' }),
    open: Flags.boolean({ summary: 'open it in the browser' }),
    'keep-paths': Flags.boolean({
      summary: 'leave local paths, and names of users and machines, as they are',
    }),
    follow: Flags.boolean({
      char: 'f',
      summary: 'keep rewriting it as the run continues, until stopped',
    }),
    interval: Flags.string({
      summary: 'with --follow: time between updates',
      default: '5s',
      helpValue: '10s',
    }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(Replay);
    const settings = await this.settings();
    const agent = flags.agent === undefined ? undefined : checkName('agent', flags.agent);
    const step = flags.step === undefined ? undefined : stepId(flags.step);
    const followMs = flags.follow ? parseDuration('--interval', flags.interval) : null;
    const bucket = await this.openBucket(settings);
    const layout = bucketLayout(settings.project);
    const session =
      args.session === undefined
        ? undefined
        : await findSession(
            { bucket, layout },
            args.session,
            await referencesHere(settings, process.env),
          );
    const nowMs = (await bucket.now()).getTime();
    const momentNs = (flag: string, text: string | undefined) =>
      text === undefined
        ? undefined
        : BigInt(Math.trunc(parseTime(flag, text, nowMs))) * 1_000_000n;
    const request: ReplayRequest = {
      bucket,
      layout,
      reader: new RunReader(bucket, layout, { remembers: followMs !== null }),
      path: flags.output,
      force: flags.force,
      selection: {
        sinceNs: momentNs('--since', flags.since),
        untilNs: momentNs('--until', flags.until),
        agent,
        step,
        sessionId: session?.id,
      },
      followMs,
      writing: followMs === null ? 0 : 1,
      keepsPaths: flags['keep-paths'],
      redactor: redactorOf(settings, knownFromHere(settings, process.env)),
      mostInPage: inPageBytes(this.surroundings.env.TRACECRAFT_REPLAY_IN_PAGE),
    };
    const replayed = await writeReplay(request);
    this.tellPage(replayed);
    await this.keepFromGit(replayed);
    if (flags.open) openInBrowser(replayed.path);
    const last = followMs === null ? replayed : await this.follow(request, followMs, replayed);
    const { path, sidecar, entries, sessions, lines, skipped } = last;
    return { path, data_folder: sidecar, events: entries, sessions, lines, skipped };
  }

  /** The last page written does not wait for another. */
  private async follow(
    request: ReplayRequest,
    everyMs: number,
    first: Replayed,
  ): Promise<Replayed> {
    const stop = new AbortController();
    const restore = handleSignals(() => stop.abort());
    let last = first;
    let writing = 1;
    while (!stop.signal.aborted) {
      await systemClock.sleep(everyMs, stop.signal);
      writing += 1;
      if (!stop.signal.aborted) last = (await this.tryAgain({ ...request, writing })) ?? last;
    }
    restore();
    return writeReplay({ ...request, followMs: null, writing });
  }

  /** An outage ends nothing. */
  private async tryAgain(request: ReplayRequest): Promise<Replayed | undefined> {
    try {
      return await writeReplay(request);
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      this.warn(`unreachable for now: ${error.message}`);
      return undefined;
    }
  }
}

/** Bytes of transcripts embedded in the page itself; lower it to get the folder earlier. */
function inPageBytes(text: string | undefined): number | undefined {
  const bytes = Number(text);
  return text !== undefined && Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : undefined;
}
