import type { SessionMirror } from './session-mirror.js';

const busyEveryMs = 60_000;
const quietAfterMs = 30_000;
const retryMs = 30_000;

/** When each session's `meta.json` is written: after its first part, at most once a minute while busy, and once quiet. */
export class MetaSchedule {
  /** When parts came last, of sessions whose document does not speak of them yet. */
  readonly #lastPartMs = new Map<SessionMirror, number>();
  readonly #writtenMs = new Map<SessionMirror, number>();
  readonly #notBeforeMs = new Map<SessionMirror, number>();

  /** Parts were shipped. */
  changed(session: SessionMirror, nowMs: number): void {
    this.#lastPartMs.set(session, nowMs);
  }

  /** Writes what is due, or everything. One that fails is left alone for a while, the others are written; gives the failures. */
  async write(which: 'due' | 'all', nowMs: () => number): Promise<readonly unknown[]> {
    const failures: unknown[] = [];
    for (const session of [...this.#lastPartMs.keys()]) {
      if (which === 'due' && this.#dueMs(session) > nowMs()) continue;
      try {
        await this.#writeOne(session, nowMs());
      } catch (error) {
        this.#notBeforeMs.set(session, nowMs() + retryMs);
        failures.push(error);
      }
    }
    return failures;
  }

  get nextMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const session of this.#lastPartMs.keys()) next = Math.min(next, this.#dueMs(session));
    return next;
  }

  async #writeOne(session: SessionMirror, nowMs: number): Promise<void> {
    const lastPartMs = this.#lastPartMs.get(session);
    await session.writeMeta();
    this.#writtenMs.set(session, nowMs);
    if (this.#lastPartMs.get(session) === lastPartMs) this.#lastPartMs.delete(session);
  }

  #dueMs(session: SessionMirror): number {
    const notBeforeMs = this.#notBeforeMs.get(session) ?? Number.NEGATIVE_INFINITY;
    const writtenMs = this.#writtenMs.get(session);
    if (writtenMs === undefined) return notBeforeMs;
    const quietMs = (this.#lastPartMs.get(session) ?? 0) + quietAfterMs;
    return Math.max(notBeforeMs, Math.min(writtenMs + busyEveryMs, Math.max(quietMs, writtenMs)));
  }
}
