import type { TimelineEntry } from './entry.js';

/** Grace period in milliseconds for a state without an event: its writer writes the event right after it. */
const graceMs = 10_000;

/**
 * Picks the new entries out of successive timelines. An entry known first from a state and later from its event is
 * reported once.
 */
export class FollowFilter {
  readonly #told = new Set<string>();
  readonly #toldByState = new Set<string>();
  /** Milliseconds at which a state without an event was first seen, by identity. */
  readonly #waiting = new Map<string, number>();

  /**
   * `nowMs` comes from any clock that never goes back. The first time everything is old, so nothing waits for its
   * event.
   */
  take(entries: readonly TimelineEntry[], nowMs: number): readonly TimelineEntry[] {
    const isFirst = this.#told.size === 0 && this.#waiting.size === 0;
    return entries.filter((entry) => {
      const { identity, isDerived } = entry;
      const id = isDerived ? identity : entry.key;
      if (this.#told.has(id) || this.#toldByState.has(identity)) return false;
      if (isDerived && !isFirst && this.#isWaiting(identity, nowMs)) return false;
      this.#waiting.delete(identity);
      this.#told.add(id);
      if (isDerived) this.#toldByState.add(identity);
      return true;
    });
  }

  #isWaiting(identity: string, nowMs: number): boolean {
    const since = this.#waiting.get(identity) ?? nowMs;
    this.#waiting.set(identity, since);
    return nowMs - since < graceMs;
  }
}
