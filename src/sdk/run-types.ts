export interface RunOptions {
  /** Milliseconds without a renewal after which others may take the step over. Default: 5 min. */
  readonly ttlMs?: number | undefined;
  /** As for `claim`. */
  readonly mine?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly note?: string | undefined;
  /** Who continues; gets a message that names the step. */
  readonly nextAgent?: string | undefined;
  /** Releases the step whatever happens: a lock. */
  readonly isLock?: boolean | undefined;
  /** What becomes of the step if the work fails. Default: 'block'. */
  readonly onFailure?: 'block' | 'release' | undefined;
}

export interface HeldStep {
  readonly step: string;
  readonly epoch: number;
  /** Aborted when the step is lost: stop at once. */
  readonly signal: AbortSignal;
}

export type Work<Value> = (held: HeldStep) => Promise<Value>;

export interface Ran<Value> {
  readonly claimed: true;
  readonly step: string;
  readonly epoch: number;
  /** How the step was left; `undefined`: the work ended it itself. */
  readonly outcome: 'complete' | 'blocked' | 'needs_review' | 'released' | undefined;
  readonly value: Value;
}
