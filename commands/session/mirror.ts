import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { InferredFlags } from '@oclif/core/interfaces';
import { findLocalSession } from '../../src/app/local-sessions.js';
import {
  announceHere,
  checkUnredacted,
  openMirroring,
  type WatchOutput,
} from '../../src/app/mirroring.js';
import { referencesHere } from '../../src/app/references.js';
import { sessionNamersIn } from '../../src/app/shell-session.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { startProgress } from '../../src/cli/progress.js';
import { sessionHelp } from '../../src/cli/session-argument.js';
import { handleSignals } from '../../src/cli/signals.js';
import { countingParts, jsonOutput, textOutput } from '../../src/cli/watch-output.js';
import { systemClock } from '../../src/clock.js';
import type { Settings } from '../../src/config/settings.js';
import { NotFoundError, PartialError } from '../../src/errors.js';
import { nodeIo } from '../../src/io.js';
import { requireKept } from '../../src/mirror/removal/record.js';
import type { Watcher } from '../../src/mirror/stream.js';
import { everything, newestSession } from '../../src/mirror/watch/selection.js';
import type { WatchSummary } from '../../src/mirror/watch/summary.js';
import { systemEvents } from '../../src/mirror/watch/system-events.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import type { SessionStore } from '../../src/sessions/conversation.js';
import { exampleHarnesses, harnessNames } from '../../watchers/names.js';
import { createWatchers } from '../../watchers/registry.js';

export default class SessionMirror extends BaseCommand {
  static override summary = 'mirror one session now';
  static override description =
    'The same machinery as watch, for one session, and thorough: it restores what vanished from the bucket. Without a session it takes the one that this shell runs in; otherwise the newest started in or below this folder (or --cwd), or in the nearest folder around it, which it then names. With --follow it keeps going until you stop it.\n\nExit codes: 0 nothing behind, 2 several sessions match, 3 no such session, 7 not trusted or not allowed, 8 store unreachable, 9 refused (--no-redact, another bucket than before, or a session that was removed), 10 something is still behind.';
  static override examples = [
    '<%= config.bin %> session mirror',
    `<%= config.bin %> session mirror --harness ${exampleHarnesses[0]}`,
    '<%= config.bin %> session mirror 8b418ea5 --follow',
  ];
  static override args = {
    session: Args.string({ description: sessionHelp, required: false }),
  };
  static override flags = {
    harness: Flags.string({ summary: 'whose session', options: [...harnessNames] }),
    'session-id': Flags.string({ summary: 'the same as the argument' }),
    cwd: Flags.directory({
      exists: true,
      summary: 'the newest session of this folder',
      helpValue: 'FOLDER',
    }),
    follow: Flags.boolean({ summary: 'keep mirroring until stopped', char: 'f' }),
    'no-redact': Flags.boolean({
      summary: 'send it unredacted, secrets and all; only for a bucket that nobody else can read',
    }),
    yes: Flags.boolean({
      char: 'y',
      summary: 'with --no-redact: confirm that the bucket is private',
    }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(SessionMirror);
    const settings = await this.settings();
    if (flags['no-redact']) {
      checkUnredacted(settings, flags.yes);
      this.warn('nothing is redacted: every key and password in it is sent in plain text');
    }
    const output = this.jsonEnabled()
      ? jsonOutput()
      : textOutput({ isQuiet: this.isQuiet, named: false });
    const bucket = await this.openProvenBucket(settings);
    const store = { bucket, layout: bucketLayout(settings.project) };
    const asked = { ...flags, named: args.session ?? flags['session-id'] };
    const { watchers, sessionId, harness } = await this.find(settings, store, asked, output);
    await requireKept(store, { harness, id: sessionId });
    const progress = startProgress({
      label: 'Mirroring',
      total: 0,
      unit: 'bytes',
      isQuiet: this.isQuiet || flags.follow,
    });
    const sent = countingParts(output);
    const { loop } = openMirroring({
      settings,
      bucket,
      watchers,
      selection: { ...everything, sessionId },
      events: systemEvents(),
      isPolling: false,
      isThorough: true,
      isUnredacted: flags['no-redact'],
      intervalMs: undefined,
      output: sent.output,
      progress,
    });
    const ending = new AbortController();
    const restore = handleSignals(() => ending.abort());
    await announceHere(settings, bucket, output);
    const end = await (flags.follow ? loop.run(ending.signal) : loop.once(ending.signal));
    restore();
    progress.stop();
    output.close();
    requireAll(end);
    this.say(`Session ${sessionId} is in ${placeOf(store)}${newsOf(sent.parts(), end)}.`);
    return { session_id: sessionId, harness, rests: end.rests };
  }

  private async find(
    settings: Settings,
    store: SessionStore,
    flags: MirrorFlags,
    output: WatchOutput,
  ): Promise<FoundSession> {
    const watchers = await createWatchers(
      {
        io: nodeIo,
        clock: systemClock,
        env: process.env,
        home: this.surroundings.home,
        onUnreadable: (error) => output.trouble(error, error.hint),
      },
      flags.harness === undefined ? harnessNames : [flags.harness],
    );
    const cwd = flags.cwd ?? process.cwd();
    const namers = flags.cwd === undefined ? sessionNamersIn(process.env, flags.harness) : [];
    const named = flags.named ?? (namers.length > 0 ? '.' : undefined);
    const scope = await referencesHere(settings, process.env, flags.harness);
    const found =
      named === undefined
        ? await newestSession(watchers, cwd)
        : { session: await findLocalSession(watchers, named, scope, store), around: undefined };
    if (found === undefined) {
      throw new NotFoundError(`No ${flags.harness ?? 'agent'} session found in ${cwd}`, {
        hint: 'Name one, or another folder with --cwd.',
      });
    }
    const { harness, id: sessionId } = found.session;
    if (found.around !== undefined) {
      this.say(
        `No session was started in ${cwd}: this is the newest of ${found.around}, around it.`,
      );
    }
    return { watchers: watchers.filter((one) => one.harness === harness), sessionId, harness };
  }
}

type MirrorFlags = Pick<InferredFlags<typeof SessionMirror.flags>, 'harness' | 'cwd'> & {
  readonly named: string | undefined;
};

interface FoundSession {
  readonly watchers: readonly Watcher[];
  readonly sessionId: string;
  readonly harness: string;
}

function placeOf({ bucket, layout }: SessionStore): string {
  return `${bucket.location} (${layout.project})`;
}

/** An unterminated last line is new, and not sent yet. */
function newsOf(parts: number, { rests }: WatchSummary): string {
  return parts === 0 && rests.length === 0 ? ', nothing new' : '';
}

function requireAll({ behind: [first] }: WatchSummary): void {
  if (first === undefined) return;
  throw new PartialError(`not all of it is in the bucket: ${first.source}: ${first.reason}`, {
    hint: 'Run the same command again: it continues where it stopped.',
  });
}
