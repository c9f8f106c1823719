import type { Compactor } from '../app/compaction.js';
import type { Clock } from '../clock.js';
import { EndedSessions, type SessionSight } from '../compact/ended-sessions.js';
import { PartialError } from '../errors.js';
import type { Checkpoint } from '../mirror/checkpoint.js';
import type { FileSnapshot, SessionFacts, SessionRef, Watcher } from '../mirror/stream.js';
import type { CompactedSession } from './compaction.js';

/** Shows whether a mirrored session has ended. */
export interface MirroredSession {
  readonly ref: SessionRef;
  readonly streams: ReadonlyMap<string, MirroredStream>;
  /** If its harness recorded an end. */
  readonly endedAt?: string | undefined;
  /** Reads what was let go of while it was calm. */
  wake?(): Promise<void>;
}

interface MirroredStream {
  readonly checkpoint: Checkpoint | undefined;
  readonly facts: SessionFacts;
  readonly snapshot: FileSnapshot | undefined;
}

interface SessionCompactionOptions {
  readonly compactor: Compactor;
  readonly watchers: readonly Pick<Watcher, 'harness' | 'live'>[];
  readonly sessions: () => Iterable<MirroredSession>;
  readonly clock: Clock;
  readonly onCompacted: (one: CompactedSession) => void;
  readonly onTrouble: (error: Error) => void;
}

const roundMs = 10_000;
/**
 * Pause between two sessions: at startup hundreds may be due, and the store limits our requests.
 */
const pauseMs = 1_000;
const retryMs = 60_000;

/** Compacts ended sessions one after another, alongside the mirror, which never waits for it. */
export class SessionCompaction {
  readonly #options: SessionCompactionOptions;
  readonly #ended = new EndedSessions();
  readonly #told = new Set<string>();

  constructor(options: SessionCompactionOptions) {
    this.#options = options;
  }

  /** Runs until `signal` aborts. A failure is reported once and retried later. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let waitMs = roundMs;
    for (;;) {
      await clock.sleep(waitMs, signal);
      if (signal.aborted) return;
      waitMs = (await this.#round(signal)) ? roundMs : retryMs;
    }
  }

  /** Compacts everything that is not running, for a mirror that is stopping. */
  async all(signal: AbortSignal): Promise<void> {
    for (const { sight, session } of await this.#sights()) {
      if (signal.aborted) return;
      if (sight.isLive || sight.mark === undefined) continue;
      if ((await this.#compact(session, sight, signal)) === 'failed') return;
    }
  }

  /** `false` if continuing is pointless for now. */
  async #round(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    try {
      const seen = await this.#sights();
      const sessions = new Map(seen.map(({ sight, session }) => [sight.key, session]));
      const sights = seen.map(({ sight }) => sight);
      for (const sight of this.#ended.due(sights, clock.monotonic())) {
        const session = sessions.get(sight.key);
        if (session === undefined || signal.aborted) continue;
        if ((await this.#compact(session, sight, signal)) === 'failed') return false;
        await clock.sleep(pauseMs, signal);
      }
      return true;
    } catch (error) {
      this.#failed(error, signal);
      return false;
    }
  }

  async #compact(
    { ref: { harness, id } }: MirroredSession,
    sight: SessionSight,
    signal: AbortSignal,
  ): Promise<'done' | 'failed'> {
    const { compactor, clock, onCompacted } = this.#options;
    try {
      const one = await compactor({ harness, id, format: 'raw' }, signal);
      this.#ended.done(sight, clock.monotonic());
      if (one.state === 'written') onCompacted(one);
      return 'done';
    } catch (error) {
      this.#failed(error, signal);
      // Parts are missing, and will be until the session changes.
      if (!(error instanceof PartialError)) return 'failed';
      this.#ended.done(sight, clock.monotonic());
      return 'done';
    }
  }

  async #sights(): Promise<readonly { sight: SessionSight; session: MirroredSession }[]> {
    const { watchers, sessions, clock } = this.#options;
    const running = new Set<string>();
    for (const watcher of watchers) {
      for (const id of await watcher.live()) running.add(`${watcher.harness}/${id}`);
    }
    const sights: { readonly sight: SessionSight; readonly session: MirroredSession }[] = [];
    for (const session of sessions()) {
      await session.wake?.();
      const { harness, id } = session.ref;
      const main = session.streams.get('');
      const key = `${harness}/${id}`;
      const sight: SessionSight = {
        key,
        isLive: running.has(key),
        hasEnded: (session.endedAt ?? main?.facts.endedAt) !== undefined,
        quietMs: clock.now() - (main?.snapshot?.modifiedAtMs ?? clock.now()),
        mark: markOf(main?.checkpoint),
      };
      sights.push({ session, sight });
    }
    return sights;
  }

  #failed(thrown: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    if (this.#told.has(error.message)) return;
    this.#told.add(error.message);
    this.#options.onTrouble(error);
  }
}

function markOf(checkpoint: Checkpoint | undefined): string | undefined {
  if (checkpoint === undefined || checkpoint.parts.length === 0) return undefined;
  return `${checkpoint.generation}/${checkpoint.sequence}`;
}
