import { NotAllowedError, NotFoundError, RefusedError, UnreachableError } from '../../errors.js';

/** The health of the store. One for the whole watch: a store that fails for one stream fails for all. */
export class CircuitBreaker {
  readonly #random: () => number;
  #failures = 0;
  #closedUntilMs = 0;
  #trouble: Error | undefined;
  #troubledSinceMs = 0;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Milliseconds (monotonic) before which nothing may be sent. */
  get notBeforeMs(): number {
    return this.#closedUntilMs;
  }

  get trouble(): Error | undefined {
    return this.#trouble;
  }

  /** The problem, once waiting clearly does not help: access is refused, or it has lasted for `patienceMs`. */
  hopeless(nowMs: number, patienceMs: number): Error | undefined {
    const isOver = nowMs - this.#troubledSinceMs >= patienceMs;
    return this.#trouble instanceof UnreachableError && !isOver ? undefined : this.#trouble;
  }

  /**
   * Whether the failure is the store's (then everything waits) and whether it is worth reporting. Full jitter, up to
   * a minute; honours the store's `Retry-After`; retries refused credentials once a minute.
   */
  failed(
    error: unknown,
    nowMs: number,
  ): { readonly isTheStores: boolean; readonly isNews: boolean } {
    if (!isStoreFailure(error)) return { isTheStores: false, isNews: true };
    const isNews = this.#trouble === undefined || this.#trouble.name !== error.name;
    if (this.#trouble === undefined) this.#troubledSinceMs = nowMs;
    this.#trouble = error;
    this.#failures += 1;
    this.#closedUntilMs = Math.max(this.#closedUntilMs, nowMs + this.#delayAfter(error));
    return { isTheStores: true, isNews };
  }

  /** Whether this ends a reported problem. */
  succeeded(): boolean {
    const hadTrouble = this.#trouble !== undefined;
    this.#failures = 0;
    this.#closedUntilMs = 0;
    this.#trouble = undefined;
    return hadTrouble;
  }

  #delayAfter(error: Error): number {
    if (!(error instanceof UnreachableError)) return maxDelayMs;
    const ceiling = Math.min(maxDelayMs, baseDelayMs * 2 ** Math.min(this.#failures, 12));
    const wish = Math.min(error.retryAfterMs ?? 0, longestWishMs);
    return Math.max(wish, Math.min(maxDelayMs, baseDelayMs / 2 + this.#random() * ceiling));
  }
}

const baseDelayMs = 500;
const maxDelayMs = 60_000;
/** A store that asks for longer is asked again after this. */
const longestWishMs = 15 * 60_000;

function isStoreFailure(error: unknown): error is Error {
  return (
    error instanceof UnreachableError ||
    error instanceof NotAllowedError ||
    error instanceof NotFoundError ||
    error instanceof RefusedError
  );
}
