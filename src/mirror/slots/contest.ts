import type { Listing } from './listing.js';

/**
 * Whether somebody else is at work on the same stream. Two that write different transcripts under one id would open
 * generations against each other for ever: who finds that it was overtaken goes on in its own, and says that readers find
 * the other's.
 */
export class Contest {
  /** The newest generation when this process last looked at all of them. */
  #newestSeen: number | undefined;
  #by: string | undefined;

  /** Who opened a newer generation while this process was writing, if anybody did. */
  get by(): string | undefined {
    return this.#by;
  }

  /** This generation is ours, or was there before. */
  saw(generation: number): void {
    this.#newestSeen = Math.max(this.#newestSeen ?? 0, generation);
    this.#by = undefined;
  }

  isOvertaken({ newestGeneration, generations }: Listing): boolean {
    if (this.#newestSeen === undefined || newestGeneration <= this.#newestSeen) return false;
    this.#by = generations.get(newestGeneration)?.who ?? 'somebody';
    return true;
  }
}
