import type { SessionMirror } from './session-mirror.js';

const busyEveryMs = 60_000;
const quietAfterMs = 30_000;

/** When each session's `meta.json` is written: after its first part, at most once a minute while busy, and once quiet. */
export class MetaSchedule {
  /** When parts came last, of sessions whose document does not speak of them yet. */
  readonly #lastPartMs = new Map<SessionMirror, number>();
  readonly #writtenMs = new Map<SessionMirror, number>();

  /** Parts were shipped. */
  changed(session: SessionMirror, nowMs: number): void {
    this.#lastPartMs.set(session, nowMs);
  }

  /** Writes what is due; a failure stands for the rest too and is thrown, and they stay due. */
  async write(nowMs: () => number): Promise<void> {
    for (const session of this.#lastPartMs.keys()) {
      if (this.#dueMs(session) <= nowMs()) await this.#writeOne(session, nowMs());
    }
  }

  async writeAll(nowMs: () => number): Promise<void> {
    for (const session of this.#lastPartMs.keys()) await this.#writeOne(session, nowMs());
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
    const writtenMs = this.#writtenMs.get(session);
    if (writtenMs === undefined) return Number.NEGATIVE_INFINITY;
    const quietMs = (this.#lastPartMs.get(session) ?? 0) + quietAfterMs;
    return Math.min(writtenMs + busyEveryMs, Math.max(quietMs, writtenMs));
  }
}
