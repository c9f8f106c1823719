import type { SessionMirror } from './session-mirror.js';

const busyEveryMs = 60_000;
const quietAfterMs = 30_000;
const retryMs = 30_000;
/** Anything a harness writes this soon after it reported the end of a session still belongs to the end. */
const afterEndMs = 30_000;

/**
 * Decides when each session's `meta.json` is written: after its first part, at most once a minute while busy, and once
 * quiet.
 */
export class MetaSchedule {
  /** When the last parts came, for sessions whose document does not cover them yet. */
  readonly #lastPartMs = new Map<SessionMirror, number>();
  readonly #writtenMs = new Map<SessionMirror, number>();
  readonly #notBeforeMs = new Map<SessionMirror, number>();
  /** When the end was reported to this process. */
  readonly #endedMs = new Map<SessionMirror, number>();

  /**
   * Parts were uploaded, of a source that last changed at `changedAtMs` (wall clock). A session that grows long after its
   * end is open again; lines that were sent late, because of an outage or a kill, are no growth.
   */
  changed(session: SessionMirror, nowMs: number, changedAtMs: number): void {
    this.#lastPartMs.set(session, nowMs);
    if (session.endedAt === undefined) return;
    const isLate = nowMs - (this.#endedMs.get(session) ?? Number.NEGATIVE_INFINITY) > afterEndMs;
    const hasGrown = changedAtMs > Date.parse(session.endedAt) + afterEndMs;
    if (isLate && hasGrown) session.reopen();
    else this.#writtenMs.delete(session);
  }

  /**
   * The harness reported the end: `meta.json` is written at once, and again with any last parts. `endedAt` is ISO 8601
   * UTC.
   */
  ended(session: SessionMirror, endedAt: string, nowMs: number): void {
    session.endedAt = endedAt;
    this.#endedMs.set(session, nowMs);
    this.#hasten(session, nowMs);
  }

  /** The bucket's document may be out of date, e.g. because an earlier run was killed: it is written as soon as possible. */
  owed(session: SessionMirror, nowMs: number): void {
    this.#hasten(session, nowMs);
  }

  /** A session that had ended continues. */
  reopened(session: SessionMirror, nowMs: number): void {
    if (session.endedAt === undefined) return;
    session.reopen();
    this.#hasten(session, nowMs);
  }

  /** It is not mirrored any more. */
  drop(session: SessionMirror): void {
    for (const times of [this.#lastPartMs, this.#writtenMs, this.#notBeforeMs, this.#endedMs]) {
      times.delete(session);
    }
  }

  #hasten(session: SessionMirror, nowMs: number): void {
    this.#lastPartMs.set(session, nowMs);
    this.#writtenMs.delete(session);
  }

  /**
   * Writes every document that is due, or all of them. A failed one is put off and the others are written; returns the
   * failures.
   */
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
