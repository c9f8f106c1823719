import { realpath, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { referencesHere } from '../../src/app/references.js';
import type {
  RestoreAttempt,
  RestoredHere,
  RestoreWish,
  Restoring,
} from '../../src/app/restoring.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { plural } from '../../src/cli/format.js';
import { startProgress } from '../../src/cli/progress.js';
import { restoredLines, restoreNotes, resumeLines } from '../../src/cli/restore-lines.js';
import { sessionHelp } from '../../src/cli/session-argument.js';
import { PartialError, TracecraftError, UsageError } from '../../src/errors.js';
import { type ListedSession, listSessions } from '../../src/mirror/slots/session-listing.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import type { SessionStore } from '../../src/sessions/conversation.js';
import { findSession } from '../../src/sessions/find.js';
import { exampleHarnesses, harnessNames } from '../../watchers/names.js';

export default class SessionRestore extends BaseCommand {
  static override summary = 'lay a mirrored session back so that its harness can resume it';
  static override description =
    `Writes the session's files where its harness looks for them, and prints the command that resumes it. Nothing is run or overwritten; what is there already stays as it is.

A harness believes what a transcript records: its system prompt, tools, permission modes and deferred calls. So unless this machine's own state proves that it sent every byte of the session, what is restored is a copy under a new id with only what was said, called and answered (--as-new). --verbatim restores the same id and every line, so that the mirror goes on where it was: use it only if you trust everyone who can write to the bucket. The printed command has the flags that keep recorded permissions from being taken over.

If the session is here and shorter, the missing lines are added; if it went another way, it is left alone. After a split, --generation chooses. Sessions whose history it continues are restored first.

--all restores every session of the project below a folder, as its harness keeps them; run again, it keeps what is there.

Exit codes: 0 restored or already here, 2 bad usage or the word fits several sessions, 3 no such session, 4 different, split or running, here or elsewhere, 5 a session that it continues is not in the bucket or no longer fits, 7 refused as unsafe, 8 store unreachable, 10 a part is missing, or not all of --all could be restored.`;
  static override examples = [
    '<%= config.bin %> session restore 8b418ea5',
    '<%= config.bin %> session restore @2 --cwd ~/src/shop --run',
    '<%= config.bin %> session restore 8b418ea5 --verbatim --dry-run',
    '<%= config.bin %> session restore 8b418ea5 --into /tmp/looking',
    '<%= config.bin %> session restore --all --into /tmp/rescued',
    `<%= config.bin %> session restore 8b418ea5 --harness ${exampleHarnesses[1]} --json | jq -r '.data.command'`,
  ];
  static override args = {
    session: Args.string({ description: sessionHelp, required: false }),
  };
  static override flags = {
    cwd: Flags.directory({
      exists: true,
      summary:
        'the folder in which it will be resumed (default: this one; where it was started, if it is here already)',
      helpValue: 'DIR',
    }),
    into: Flags.string({
      summary: 'a folder to restore into as if it were the home folder, instead of the real one',
      helpValue: 'DIR',
    }),
    verbatim: Flags.boolean({
      summary: 'the same id and every line, also of what others may have written',
      exclusive: ['as-new'],
    }),
    'as-new': Flags.boolean({
      summary: 'a copy under a new id with only what was said, called and answered',
    }),
    generation: Flags.integer({
      summary: 'this generation of the transcript, after it went on in several ways',
      min: 0,
      helpValue: 'N',
    }),
    run: Flags.boolean({ summary: 'resume it right away (at a terminal only)' }),
    force: Flags.boolean({
      summary: 'also if it may still be running elsewhere, or a part is missing',
    }),
    'dry-run': Flags.boolean({ summary: 'check and read everything, write nothing' }),
    all: Flags.boolean({
      summary: 'every session of the project, into the folder of --into',
      dependsOn: ['into'],
      exclusive: ['cwd', 'generation', 'run'],
    }),
    harness: Flags.string({ summary: 'only this harness', options: [...harnessNames] }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(SessionRestore);
    if (flags.run) this.requireTerminal();
    requireOne(args.session, Boolean(flags.all));
    const settings = await this.settings();
    const bucket = await this.openBucket(settings);
    const store = { bucket, layout: bucketLayout(settings.project) };
    const { Restoring } = await import('../../src/app/restoring.js');
    const { env, home } = this.surroundings;
    const restoring = new Restoring(settings, bucket, { env, home });
    const wish = { ...wishOf(flags), isDryRun: flags['dry-run'] };
    if (args.session === undefined) return this.all(restoring, store, wish, flags.harness);
    const scope = await referencesHere(settings, process.env, flags.harness);
    const session = await findSession(store, args.session, scope);
    const startedIn = await folderElsewhere(session, wish.cwd);
    const cwdIfHere = flags.cwd === undefined ? startedIn : undefined;
    const restored = await this.restored(restoring, session, { ...wish, cwdIfHere });
    await this.tell(session, restored, wish.isDryRun);
    if (flags.run && !wish.isDryRun) await this.resume(restored);
    return dataOf(session, restored);
  }

  private async restored(
    restoring: Restoring,
    session: ListedSession,
    wish: RestoreWish,
  ): Promise<RestoredHere> {
    const total = session.meta?.total_uploaded_bytes ?? 0;
    const progress = startProgress({
      label: 'Restoring',
      total,
      unit: 'bytes',
      isQuiet: this.isQuiet,
    });
    let done = 0;
    try {
      return await restoring.restore(session, wish, (bytes) => {
        done += bytes;
        progress.update(done, Math.max(done, total));
      });
    } finally {
      progress.stop();
    }
  }

  private async all(
    restoring: Restoring,
    { bucket, layout }: SessionStore,
    wish: RestoreWish,
    harness: string | undefined,
  ): Promise<object> {
    const into = resolve(wish.into ?? '');
    const wanted = harness === undefined ? harnessNames : [harness];
    const sessions = await listSessions(bucket, layout, wanted);
    const progress = startProgress({
      label: 'Restoring',
      total: sessions.length,
      unit: 'items',
      isQuiet: this.isQuiet,
    });
    const attempts: RestoreAttempt[] = [];
    for await (const attempt of restoring.restoreAll(sessions, { ...wish, into })) {
      attempts.push(attempt);
      progress.update(attempts.length);
    }
    progress.stop();
    const unindexed = await restoring.index(attempts, { into, isDryRun: wish.isDryRun });
    return this.allTold(attempts, unindexed, into, wish.isDryRun);
  }

  private allTold(
    attempts: readonly RestoreAttempt[],
    unindexed: readonly TracecraftError[],
    into: string,
    isDryRun: boolean,
  ): object {
    const failed = attempts.filter(({ outcome }) => outcome instanceof Error);
    for (const { session, outcome } of failed) {
      this.print(`not restored: ${session.harness}/${session.id}: ${Object(outcome).message}`);
    }
    for (const { message } of unindexed) this.print(`restored, but not indexed: ${message}`);
    const done = plural(attempts.length - failed.length, 'session');
    this.say(`${isDryRun ? 'Would restore' : 'Restored'} ${done} below ${into}, each read back.`);
    const data = { into, sessions: attempts.map(attemptData) };
    if (failed.length + unindexed.length === 0) return data;
    const what =
      failed.length === 0
        ? 'an index could not be written'
        : `${failed.length} of ${plural(attempts.length, 'session')} could not be restored`;
    const error = new PartialError(what, {
      hint: 'The lines above say why. Running it again keeps what is there.',
    });
    return this.answerFailure(error, data);
  }

  private async tell(
    session: ListedSession,
    restored: RestoredHere,
    isDryRun: boolean,
  ): Promise<void> {
    for (const line of restoredLines(session, restored, isDryRun)) this.say(line);
    const folder = await folderElsewhere(session, restored.cwd);
    for (const note of restoreNotes(session, restored, folder)) this.note(note);
    if (isDryRun) return;
    this.say('Resume it:');
    for (const line of resumeLines(restored, process.cwd())) this.print(line);
  }

  private requireTerminal(): void {
    if (process.stdin.isTTY === true && process.stdout.isTTY === true && !this.jsonEnabled())
      return;
    throw new UsageError('--run needs a terminal', {
      hint: 'Without it, the command that resumes the session is printed.',
    });
  }

  private async resume({ plan, cwd, env }: RestoredHere): Promise<void> {
    const words = plan.commands.at(-1);
    if (words === undefined || !plan.isRunnable || plan.commands.length > 1) {
      throw new UsageError('--run cannot do this for you: the printed commands need your hand');
    }
    const { runResume } = await import('../../src/app/resume-command.js');
    process.exitCode = await runResume({ words, cwd, env: { ...process.env, ...env } });
  }
}

function requireOne(session: string | undefined, isAll: boolean): void {
  if ((session === undefined) === isAll) return;
  throw isAll
    ? new UsageError('--all takes no session', { hint: 'Leave out one of the two.' })
    : new UsageError('missing argument: SESSION', { hint: 'Or restore --all --into DIR.' });
}

function attemptData({ session, outcome }: RestoreAttempt): object {
  const { harness, id } = session;
  if (outcome instanceof TracecraftError) {
    const { kind, message, hint } = outcome;
    return {
      harness,
      session_id: id,
      state: 'failed',
      error: { kind, message, hint: hint ?? null },
    };
  }
  const state = outcome.state.replace('-', '_');
  const { mode } = outcome;
  // Sessions restored together keep their ids.
  const restoredId = mode === 'verbatim' ? id : outcome.id;
  return { harness, session_id: id, state, mode, restored_id: restoredId };
}

interface RestoreFlags {
  readonly cwd?: string | undefined;
  readonly into?: string | undefined;
  readonly verbatim: boolean;
  readonly 'as-new': boolean;
  readonly generation?: number | undefined;
  readonly force: boolean;
}

function wishOf(flags: RestoreFlags): Omit<RestoreWish, 'isDryRun'> {
  // As an unset variable leaves it: it would mean this folder.
  if (flags.into === '') throw new UsageError('--into needs the name of a folder');
  const asked = flags.verbatim ? 'verbatim' : 'as-new';
  return {
    mode: flags.verbatim || flags['as-new'] ? asked : undefined,
    generation: flags.generation,
    cwd: flags.cwd ?? process.cwd(),
    into: flags.into,
    isForced: flags.force,
  };
}

/** The folder it was started in, without links, if that is another one that exists here. */
async function folderElsewhere({ meta }: ListedSession, cwd: string): Promise<string | undefined> {
  const folder = meta?.cwd ?? cwd;
  if (folder === cwd || !folder.startsWith('/')) return undefined;
  const found = await stat(folder).catch(() => undefined);
  const real = found?.isDirectory() ? await realpath(folder).catch(() => undefined) : undefined;
  return real === cwd ? undefined : real;
}

function dataOf({ harness, id, meta }: ListedSession, restored: RestoredHere): object {
  const { plan } = restored;
  return {
    state: restored.state.replace('-', '_'),
    harness,
    session_id: id,
    mode: restored.mode,
    restored_id: restored.id,
    generation: restored.generation,
    lines: restored.lines,
    files: restored.files,
    written_by: { agent_id: meta?.agent_id ?? null, host: meta?.host ?? null },
    continues: restored.continued,
    left_out: plan.leftOut,
    redactions: Object.fromEntries(restored.redactions),
    signed_text_redacted: restored.isSignedTextRedacted,
    cwd: restored.cwd,
    env: restored.env,
    command: plan.commands.at(-1) ?? null,
    commands: plan.commands,
    notes: plan.notes,
  };
}
