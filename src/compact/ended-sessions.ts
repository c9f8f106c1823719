/** An observation of one mirrored session. */
export interface SessionSight {
  readonly key: string;
  /** Its harness reports that it is running. */
  readonly isLive: boolean;
  /** Its harness reports that it has ended. */
  readonly hasEnded: boolean;
  /** Milliseconds since its transcript last changed. */
  readonly quietMs: number;
  /** How far its main chain is in the bucket; `undefined` while none of it is there. */
  readonly mark: string | undefined;
}

/** Signs of an end count only after the transcript has been quiet this long. */
const quietBeforeEndMs = 5_000;
/** Without any sign, silence counts as the end. */
const silenceMs = 30 * 60_000;
/** A session that keeps ending is not compacted more often than this. */
const againMs = 5 * 60_000;

/**
 * Determines which sessions have ended since they were last compacted: the harness said so, the
 * session stopped running, or it has been silent for half an hour. A session that continues is open
 * again, and its next end counts anew. Times are monotonic milliseconds.
 */
export class EndedSessions {
  readonly #wasLive = new Set<string>();
  readonly #done = new Map<string, { readonly mark: string; readonly atMs: number }>();

  /** The sessions to compact, given the current observations. */
  due(sights: Iterable<SessionSight>, nowMs: number): readonly SessionSight[] {
    const due: SessionSight[] = [];
    for (const sight of sights) {
      if (sight.isLive) this.#wasLive.add(sight.key);
      else if (this.#isDue(sight, nowMs)) due.push(sight);
    }
    return due;
  }

  /** It was compacted as observed, or cannot be. */
  done({ key, mark }: SessionSight, nowMs: number): void {
    this.#wasLive.delete(key);
    if (mark !== undefined) this.#done.set(key, { mark, atMs: nowMs });
  }

  #isDue({ key, mark, quietMs, hasEnded }: SessionSight, nowMs: number): boolean {
    const done = this.#done.get(key);
    if (mark === undefined || mark === done?.mark || quietMs < quietBeforeEndMs) return false;
    if (done !== undefined && nowMs < done.atMs + againMs) return false;
    return hasEnded || this.#wasLive.has(key) || quietMs >= silenceMs;
  }
}
