/**
 * Lets a test decide when each actor takes its next step of I/O. An actor waits at every step until `let` lets it through;
 * one that is never let through again is as good as killed at that very point. Steps that an actor has under way at the
 * same time are let through in the order in which they began.
 */
export class Turnstile {
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #free = new Set<string>();

  gate(actor: string): (step: string) => Promise<void> {
    return () => {
      if (this.#free.has(actor)) return Promise.resolve();
      return new Promise((resolve) => this.#queue(actor).push(resolve));
    };
  }

  /** One step of one actor; resolves when it waits again or has nothing to do. */
  async let(actor: string): Promise<void> {
    this.#queue(actor).shift()?.();
    await quiescence();
  }

  /** From here on this actor is never stopped. */
  release(actor: string): void {
    this.#free.add(actor);
    for (const pass of this.#queue(actor).splice(0)) pass();
  }

  #queue(actor: string): (() => void)[] {
    const queue = this.#waiting.get(actor) ?? [];
    this.#waiting.set(actor, queue);
    return queue;
  }
}

/** Everything that can go on without further I/O has gone on. */
export function quiescence(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
