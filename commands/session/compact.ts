import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import {
  type CompactedSession,
  type Compactor,
  formatFor,
  openCompactor,
} from '../../src/app/compaction.js';
import { referencesHere } from '../../src/app/references.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { compactionData, compactionLine } from '../../src/cli/compaction-lines.js';
import { plural } from '../../src/cli/format.js';
import { startProgress } from '../../src/cli/progress.js';
import { sessionHelp } from '../../src/cli/session-argument.js';
import { PartialError, TracecraftError, UsageError } from '../../src/errors.js';
import { listSessions } from '../../src/mirror/slots/session-listing.js';
import { bucketLayout, type CompactFormat } from '../../src/protocol/keys.js';
import type { SessionStore } from '../../src/sessions/conversation.js';
import { findSession, type ReferenceScope } from '../../src/sessions/find.js';
import { exampleHarnesses, harnesses, harnessNames, harnessTitles } from '../../watchers/names.js';

interface Wanted {
  readonly harness: string;
  readonly id: string;
}

interface Failure {
  readonly session_id: string;
  readonly error: TracecraftError;
}

const native = harnesses.filter(({ trace }) => trace === 'native');
const named = harnesses.filter(({ trace }) => trace === 'named');

export default class SessionCompact extends BaseCommand {
  static override summary = 'write a whole transcript as one object that other viewers can open';
  static override description =
    `Joins the parts of a session's main stream, as they are in the bucket, into sessions/<harness>/<id>/transcript.jsonl next to them, and verifies what the store then has: by its MD5 if the ETag is one, otherwise by reading it back once. The parts stay, and remain authoritative. Run it again when the session has grown; if nothing changed, nothing is sent. It can be killed at any point and run from several machines at once.

With --format trace, transcripts that the Hugging Face Hub's viewer cannot open are also written as trace.jsonl, in forms that the Hub documents: those of ${harnessTitles(named)} as they are, below a header that names the harness; others as a header and messages, without what was rewound or written twice. The viewer opens transcripts of ${harnessTitles(native)} as they are.

Exit codes: 0 done or nothing to do, 2 no session named, or several match, 3 no such session, 4 another process keeps compacting it, 7 not allowed, 8 store unreachable, 10 parts are missing, or some sessions failed.`;
  static override examples = [
    '<%= config.bin %> session compact 8b418ea5',
    '<%= config.bin %> session compact --all',
    `<%= config.bin %> session compact --all --harness ${exampleHarnesses[2]} --format trace`,
    '<%= config.bin %> session compact 8b418ea5 --json | jq -r .data.sessions[].key',
  ];
  static override strict = false;
  static override args = {
    sessions: Args.string({ description: sessionHelp, required: false }),
  };
  static override flags = {
    harness: Flags.string({ summary: 'only this harness', options: [...harnessNames] }),
    all: Flags.boolean({ summary: 'every session in the bucket' }),
    format: Flags.option({
      summary: 'raw: the lines unchanged; trace: what viewers of agent traces open',
      options: ['raw', 'trace'] as const,
      default: 'raw' as const,
    })(),
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(SessionCompact);
    const ids = argv.map(String);
    const isAll = flags.all === true;
    if (isAll === ids.length > 0) {
      throw new UsageError(isAll ? 'ids and --all exclude each other' : 'no session named', {
        hint: 'Name sessions, or use --all. "tracecraft session list" shows what is there.',
      });
    }
    const settings = await this.settings();
    const bucket = await this.openProvenBucket(settings);
    const layout = bucketLayout(settings.project);
    const scope = await referencesHere(settings, process.env, flags.harness);
    const sessions = isAll
      ? await listSessions(bucket, layout, scope.harnesses)
      : await this.named({ bucket, layout }, ids, scope);
    if (sessions.length === 0) this.say(`No sessions in ${bucket.location} yet.`);
    const compactor = openCompactor(settings, bucket);
    return this.stoppable((signal) => this.compact(compactor, sessions, flags.format, signal));
  }

  private async named(
    store: SessionStore,
    words: readonly string[],
    scope: ReferenceScope,
  ): Promise<readonly Wanted[]> {
    const found = new Map<string, Wanted>();
    for (const word of words) {
      const session = await findSession(store, word, scope);
      found.set(`${session.harness}/${session.id}`, session);
    }
    return [...found.values()];
  }

  private async compact(
    compactor: Compactor,
    sessions: readonly Wanted[],
    format: CompactFormat,
    signal: AbortSignal,
  ): Promise<object> {
    const progress = startProgress({
      label: 'Compacting',
      total: sessions.length,
      unit: 'items',
      isQuiet: this.isQuiet || sessions.length === 1,
    });
    const compacted: CompactedSession[] = [];
    const failures: Failure[] = [];
    for (const { harness, id } of sessions) {
      if (signal.aborted) break;
      try {
        const one = await compactor({ harness, id, format }, signal);
        compacted.push(one);
        this.say(compactionLine(one));
      } catch (error) {
        if (!(error instanceof TracecraftError) || isEveryones(error)) throw error;
        failures.push({ session_id: id, error });
      }
      progress.update(compacted.length + failures.length);
    }
    progress.stop();
    if (format === 'trace') this.tellAsIs(sessions);
    return this.report(compacted, failures, sessions.length);
  }

  private tellAsIs(sessions: readonly Wanted[]): void {
    const isAsIs = ({ harness, id }: Wanted): boolean =>
      formatFor({ harness, id, format: 'trace' }) === 'raw';
    if (!sessions.some(isAsIs)) return;
    this.note(
      `Transcripts of ${harnessTitles(native)} already are traces: viewers open transcript.jsonl.`,
    );
  }

  private report(
    compacted: readonly CompactedSession[],
    failures: readonly Failure[],
    total: number,
  ): object {
    const data = {
      sessions: compacted.map(compactionData),
      failures: failures.map(({ session_id, error: { kind, message, hint } }) => {
        return { session_id, kind, message, hint: hint ?? null };
      }),
    };
    const [first] = failures;
    if (first === undefined) return data;
    if (total === 1) throw first.error;
    const error = new PartialError(
      `${failures.length} of ${plural(total, 'session')} could not be compacted, e.g. ${first.error.message}`,
      first.error.hint === undefined ? {} : { hint: first.error.hint },
    );
    return this.answerFailure(error, data);
  }
}

/** What stops one session stops the next as well. */
function isEveryones({ kind }: TracecraftError): boolean {
  return kind === 'unreachable' || kind === 'not-allowed';
}
