import type { Listing } from './listing.js';

/**
 * Whether someone else is writing the same stream. Two writers with different transcripts under one id would open
 * generations against each other forever, so a writer that was overtaken continues in its own generation, and reports
 * that readers find the other one.
 */
export class Contest {
  /** The newest generation when this process last looked at all of them. */
  #newestSeen: number | undefined;
  #by: string | undefined;

  /** Who opened a newer generation while this process was writing, if anyone did. */
  get by(): string | undefined {
    return this.#by;
  }

  /** This generation is ours, or already existed. */
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
