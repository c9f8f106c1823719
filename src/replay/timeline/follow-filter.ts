import type { TimelineEntry } from './entry.js';

/** Milliseconds that a state without an event is given: its writer writes the event right after it. */
const graceMs = 10_000;

/**
 * Which entries of one timeline after another are new. One that is told by a state, and later by its event too, is told once.
 */
export class FollowFilter {
  readonly #told = new Set<string>();
  readonly #toldByState = new Set<string>();
  /** Milliseconds at which a state without an event was first seen, by identity. */
  readonly #waiting = new Map<string, number>();

  /** `nowMs` from any clock that never goes back. The first time everything is old, so nothing waits for its event. */
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
