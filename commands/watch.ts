import * as Flags from '@oclif/core/flags';
import type { InferredFlags } from '@oclif/core/interfaces';
import {
  announceHere,
  checkUnredacted,
  openMirroring,
  type WatchOutput,
} from '../src/app/mirroring.js';
import { type Scope, scopeOf } from '../src/app/scope.js';
import type { SessionCompaction } from '../src/app/session-compaction.js';
import { SessionEvents } from '../src/app/session-events.js';
import { UnreadSources } from '../src/app/unread-sources.js';
import { WatchHealth } from '../src/app/watch-health.js';
import type { Bucket } from '../src/bucket/bucket.js';
import { plainHttpHost, plainHttpWarning } from '../src/bucket/plain-http.js';
import { AlternateScreen } from '../src/cli/alternate-screen.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { outliveReaders } from '../src/cli/closed-pipe.js';
import { formatBytes } from '../src/cli/format.js';
import { type OnceOutput, onceOutput, tallyLine } from '../src/cli/once-output.js';
import { type Progress, startProgress } from '../src/cli/progress.js';
import { handleSignals } from '../src/cli/signals.js';
import { behindText, restLines } from '../src/cli/watch-end.js';
import { watchFlags } from '../src/cli/watch-flags.js';
import { lockWatch } from '../src/cli/watch-lock.js';
import { jsonOutput, textOutput } from '../src/cli/watch-output.js';
import { panelOutput } from '../src/cli/watch-panel.js';
import { systemClock } from '../src/clock.js';
import { hookSignalFolder } from '../src/config/destination.js';
import { parseDuration } from '../src/config/duration.js';
import { findSettings, type Settings } from '../src/config/settings.js';
import { PartialError, type TracecraftError } from '../src/errors.js';
import { initGlobally } from '../src/init/apply.js';
import { nodeIo } from '../src/io.js';
import type { Watcher } from '../src/mirror/stream.js';
import { noEvents } from '../src/mirror/watch/file-events.js';
import { HealthRecorder } from '../src/mirror/watch/health-record.js';
import { openHookSignals } from '../src/mirror/watch/hook-signals.js';
import type { WatchLoop } from '../src/mirror/watch/loop.js';
import type { StreamRegistry } from '../src/mirror/watch/stream-registry.js';
import type { WatchSummary } from '../src/mirror/watch/summary.js';
import { systemEvents } from '../src/mirror/watch/system-events.js';
import type { Redactor } from '../src/redact/redact.js';
import type { PackPublisher } from '../src/search/published/pack-publisher.js';
import { keepLogBound } from '../src/service/log-bound.js';
import { stayLean } from '../src/v8-heap.js';
import { exampleHarnesses } from '../watchers/names.js';
import { createWatchers } from '../watchers/registry.js';

const lingerMs = 500;
const lastWordsMs = 2_000;
const publishRest = '"tracecraft search index --published" does it.';

export default class Watch extends BaseCommand {
  static override summary = "mirror every agent's transcript into your bucket, live and redacted";
  static override description =
    `Runs in the foreground until you stop it. Kill it at any moment and start it again: nothing is lost or sent twice. At a terminal, a panel shows the sessions that grow; with --verbose, or into a pipe, each uploaded part is a line. Without any config, it first writes one for your home folder (a local bucket in ~/.tracecraft/bucket).

With the config in your home folder it mirrors every session on this machine that changed in the last 7 days or grows from now on; with a project's .tracecraft.json, those started in that folder.

Exit codes: 0 nothing behind, 4 another watch is running, 7 config not trusted or credentials refused, 8 store unreachable, 9 refused (--no-redact, or another bucket than before), 10 something is still behind or could not be read, 130/143 ended by a second signal.`;
  static override examples = [
    '<%= config.bin %> watch',
    '<%= config.bin %> watch --once --all',
    `<%= config.bin %> watch --harness ${exampleHarnesses[0]} --since 30d`,
    '<%= config.bin %> watch --compact',
    '<%= config.bin %> watch --json | jq -r \'select(.type == "part") | .part\'',
  ];
  static override flags = {
    once: Flags.boolean({ summary: 'mirror everything once, then exit' }),
    ...watchFlags,
    wait: Flags.boolean({ summary: 'stand by while another watch is running for this bucket' }),
    'no-redact': Flags.boolean({
      summary:
        'send transcripts unredacted, secrets and all; only for a bucket that nobody else can read',
    }),
    yes: Flags.boolean({
      char: 'y',
      summary: 'with --no-redact: confirm that the bucket is private',
    }),
    verbose: Flags.boolean({
      summary: 'at a terminal, print a line for each uploaded part instead of the panel',
    }),
    'log-file': Flags.file({
      summary: 'file that receives the output of this process; moved to FILE.1 past 10 MB',
      helpValue: 'FILE',
      hidden: true,
    }),
  };

  async run(): Promise<object> {
    const { flags } = await this.parse(Watch);
    if (!flags.once) stayLean();
    const settings = await this.settingsOrDefault();
    const startedMs = systemClock.monotonic();
    const once = flags.once && !this.jsonEnabled() ? this.onceOutput() : undefined;
    const output = once ?? this.output(flags.verbose);
    const inClear = plainHttpHost(settings.target);
    if (inClear !== undefined) this.warn(plainHttpWarning(inClear));
    if (flags['no-redact']) {
      checkUnredacted(settings, flags.yes);
      this.warn(
        'nothing is redacted: every key and password in your transcripts is sent in plain text',
      );
    }
    const bucket = await this.openProvenBucket(settings);
    const session = await this.open({ flags, settings, bucket, output });
    const ending = new AbortController();
    const restore = endWhenAsked(ending, { output, isOnce: flags.once });
    const request = { path: `${session.folder}/watch.lock`, mayWait: flags.wait };
    const release = await lockWatch(request, ending.signal, output);
    try {
      const log = flags['log-file'];
      if (log !== undefined) void keepLogBound(log, systemClock, ending.signal);
      await announceHere(settings, bucket, output);
      await session.health.begin();
      const recording = flags.once ? undefined : session.health.run(ending.signal);
      const end = await mirror(session, flags.once, ending.signal);
      await recording;
      session.progress?.stop();
      output.close();
      if (once !== undefined) {
        output.note(tallyLine(once.tally(), systemClock.monotonic() - startedMs));
      }
      const unread = await session.health.end(end);
      const report = this.report(end, output, unread.errors.length === 0);
      unread.require();
      return report;
    } finally {
      session.progress?.stop();
      output.close();
      await release();
      restore();
      ending.abort();
    }
  }

  private async open(request: WatchRequest): Promise<WatchSession> {
    const { flags, settings, bucket, output } = request;
    const bar = { label: 'Mirroring', total: 0, unit: 'bytes', isQuiet: this.isQuiet } as const;
    const progress = flags.once ? startProgress(bar) : undefined;
    const scope = scopeOf(settings, flags);
    const unread = new UnreadSources();
    const watchers = await this.watchers(scope, unread, output);
    const { loop, folder, registry, redactor } = openMirroring({
      ...mirroringOf(request, scope),
      ...(settings.search.publish ? { onSent: (part) => publisher?.add(part) } : {}),
      watchers,
      onEnded: (session) => events.ended(session),
      output: {
        ...output,
        taken: (taken, where) => {
          output.taken(taken, where);
          health.covers(taken);
        },
        part: (place, part) => {
          output.part(place, part);
          events.grown(place.session, place.name, part);
        },
      },
      ...(progress === undefined ? {} : { progress }),
    });
    const events = new SessionEvents({
      settings,
      surroundings: this.surroundings,
      bucket,
      watchers,
      sessions: () => registry.sessions,
      everyMs: parseDuration('--heartbeat', flags.heartbeat),
      onTrouble: (error) => output.trouble(error, 'The next heartbeat may get through.'),
    });
    const compaction = flags.compact
      ? await openCompaction(request, watchers, registry)
      : undefined;
    const publisher = await openPublishing(request, folder, redactor);
    const health = new WatchHealth({
      recorder: new HealthRecorder(nodeIo, folder),
      clock: systemClock,
      env: process.env,
      folder,
      watchers,
      unread,
      look: (again) => this.watchers(scope, again),
      behind: () => loop.behind,
    });
    return { loop, folder, events, compaction, publisher, progress, health, note: output.note };
  }

  /** Without any config, first writes one for the home folder, and says so. */
  private async settingsOrDefault(): Promise<Settings> {
    const found = await findSettings(this.surroundings);
    if (found === undefined) {
      const { file, location } = await initGlobally(this.surroundings);
      this.say(`No config yet: wrote ${file.path} with a local bucket in ${location}.`);
    }
    return this.settings();
  }

  /** A bar while it runs, and a tally at the end. */
  private onceOutput(): OnceOutput {
    const options = { isQuiet: this.isQuiet, named: true };
    return onceOutput(textOutput(options), process.stderr.isTTY === true);
  }

  /** A panel at a terminal that can show one; otherwise, or with --verbose, a line for each part. */
  private output(isVerbose: boolean): WatchOutput {
    if (this.jsonEnabled()) return jsonOutput();
    const isTerminal = process.stderr.isTTY === true && process.stdout.isTTY === true;
    const isPanel = isTerminal && !isVerbose && !this.isQuiet && process.env.TERM !== 'dumb';
    if (!isPanel) return textOutput({ isQuiet: this.isQuiet, named: true });
    return panelOutput(new AlternateScreen(process.stdout), () => systemClock.now());
  }

  private watchers(
    { harnesses }: Scope,
    unread: UnreadSources,
    output?: WatchOutput,
  ): Promise<readonly Watcher[]> {
    const settings = {
      io: nodeIo,
      clock: systemClock,
      env: process.env,
      home: this.surroundings.home,
      onUnreadable: (error: TracecraftError) => {
        output?.trouble(error, error.hint);
        unread.add(error);
      },
    };
    return createWatchers(settings, harnesses);
  }

  private report(end: WatchSummary, output: WatchOutput, isAllRead: boolean): object {
    for (const line of restLines(end.rests)) output.note(line);
    if (end.behind.length === 0) {
      if (isAllRead) output.note('Nothing is behind.');
      return { behind: [], rests: end.rests };
    }
    throw new PartialError(behindText(end), {
      hint: 'Start tracecraft watch again: it continues where it stopped.',
    });
  }
}

interface WatchRequest {
  readonly flags: InferredFlags<typeof Watch.flags>;
  readonly settings: Settings;
  readonly bucket: Bucket;
  readonly output: WatchOutput;
}

function endWhenAsked(
  ending: AbortController,
  { output, isOnce }: { readonly output: WatchOutput; readonly isOnce: boolean },
): () => void {
  // Its lines were all that it was started for, e.g. by "watch | grep -m1 …".
  if (!isOnce) outliveReaders(() => ending.abort());
  return handleSignals(() => {
    output.note('Finishing (again to stop at once) …');
    ending.abort();
  });
}

interface WatchSession {
  readonly loop: WatchLoop;
  /** Where local state of this destination lies. */
  readonly folder: string;
  readonly events: SessionEvents;
  readonly compaction: SessionCompaction | undefined;
  readonly publisher: PackPublisher | undefined;
  readonly note: WatchOutput['note'];
  readonly progress: Progress | undefined;
  readonly health: WatchHealth;
}

/** What the flags and the config say, before there is anything to watch. */
function mirroringOf({ flags, settings, bucket, output }: WatchRequest, { selection }: Scope) {
  const interval = flags.interval ?? settings.watch.interval;
  return {
    settings,
    bucket,
    selection,
    events: flags.poll ? noEvents : systemEvents(),
    isPolling: flags.poll,
    hookSignals: openHookSignals(hookSignalFolder(settings.stateFolder), systemClock.now, (error) =>
      output.trouble(error, 'It is ignored; everything else continues.'),
    ),
    isThorough: flags.once && flags.all,
    isUnredacted: flags['no-redact'],
    intervalMs: interval === undefined ? undefined : parseDuration('--interval', interval),
  };
}

async function openCompaction(
  { settings, bucket, output }: WatchRequest,
  watchers: readonly Watcher[],
  registry: StreamRegistry,
): Promise<SessionCompaction> {
  const { SessionCompaction } = await import('../src/app/session-compaction.js');
  const { openCompactor } = await import('../src/app/compaction.js');
  return new SessionCompaction({
    compactor: openCompactor(settings, bucket),
    watchers,
    sessions: () => registry.sessions,
    clock: systemClock,
    onCompacted: (one) => output.compacted(one),
    onTrouble: (error) => output.trouble(error, 'The session is mirrored regardless.'),
  });
}

/** `undefined`: the config says that nothing is published. */
async function openPublishing(
  { settings, bucket, output }: WatchRequest,
  folder: string,
  redactor: Redactor,
): Promise<PackPublisher | undefined> {
  if (!settings.search.publish) return undefined;
  const { openPublisher } = await import('../src/app/publishing.js');
  const onTrouble = (error: Error): void =>
    output.trouble(error, 'Packs for search are not published; the mirror continues.');
  return openPublisher({ settings, bucket, folder, redactor, onTrouble });
}

/** Everything once, or until `signal` aborts; then session events get a moment to go out. */
async function mirror(
  { loop, events, compaction, publisher, note }: WatchSession,
  isOnce: boolean,
  signal: AbortSignal,
): Promise<WatchSummary> {
  const beating = isOnce ? undefined : events.run(signal);
  const compacting = isOnce ? undefined : compaction?.run(signal);
  const publishing = isOnce ? undefined : publisher?.run(signal);
  const end = isOnce ? await loop.once(signal) : await loop.run(signal);
  if (isOnce) await compaction?.all(signal);
  if (isOnce) await publisher?.finish(signal);
  const enough = new AbortController();
  const published = publishing?.then(() => publisher?.finish(enough.signal));
  const beside = Promise.all([beating, compacting, published]);
  await Promise.race([beside, systemClock.sleep(lingerMs, enough.signal)]);
  enough.abort();
  const left = publisher?.leftBytes ?? 0;
  if (left > 0) note(`${formatBytes(left)} were not packed for search: ${publishRest}`);
  await events.told(lastWordsMs);
  return end;
}
