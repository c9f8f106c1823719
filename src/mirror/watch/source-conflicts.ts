import type { LineStream } from '../stream.js';

/** Several files that claim to be one stream, and which of them was elected. */
export interface SourceConflict {
  /** By location. */
  readonly sources: Map<string, LineStream>;
  /** The sources changed since the last election. */
  isOpen: boolean;
  /** No source agrees with the chain to its end: the elected one may open a generation. */
  mayFork: boolean;
}

/** By stream. Usually it has one source, and takes no more memory than that. */
export class SourceConflicts {
  readonly #known = new Map<string, LineStream | SourceConflict>();

  /** Returns the conflict that another source takes part in; `undefined` for the only one. */
  enter(key: string, stream: LineStream): SourceConflict | undefined {
    const known = this.#known.get(key);
    if (known === undefined) this.#known.set(key, stream);
    if (known === undefined || known === stream) return undefined;
    const conflict = this.of(key);
    conflict?.sources.set(stream.source, stream);
    return conflict;
  }

  /** Whether there was ever more than one source. */
  isContested(key: string): boolean {
    const known = this.#known.get(key);
    return known !== undefined && 'sources' in known;
  }

  of(key: string): SourceConflict | undefined {
    const known = this.#known.get(key);
    if (known === undefined || 'sources' in known) return known;
    const conflict = { sources: new Map([[known.source, known]]), isOpen: false, mayFork: false };
    this.#known.set(key, conflict);
    return conflict;
  }

  delete(key: string): void {
    this.#known.delete(key);
  }
}
