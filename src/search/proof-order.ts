/** What one session waits for before its hits are proven. */
export interface ProofTurn {
  /** Whether the session has something to show, as far as packs tell. */
  found(isShown: boolean): void;
  /** Resolves as soon as it is known that the hits will be shown. */
  readonly come: Promise<void>;
  /** Somebody waits for this session: all before it are done. */
  ask(): void;
}

interface Turn extends ProofTurn {
  isShown: boolean | undefined;
}

/**
 * To prove hits of packs takes requests, which are made at once only for sessions that will be shown: the first ones that
 * have any, as many as are wanted. Others may be needed after all, e.g. because a pack was wrong; then somebody asks.
 */
export class ProofOrder {
  readonly #turns: Turn[] = [];
  /** So many of the first turns are known. */
  #known = 0;
  /** Sessions with hits that are wanted and not found yet. */
  #wanted: number;

  constructor(wanted: number) {
    this.#wanted = wanted;
  }

  /** In the order of the sessions. */
  next(): ProofTurn {
    let ask: () => void = () => undefined;
    const come = new Promise<void>((resolve) => {
      ask = resolve;
    });
    const turn: Turn = {
      isShown: undefined,
      come,
      ask,
      found: (isShown) => {
        turn.isShown ??= isShown;
        this.#advance();
      },
    };
    this.#turns.push(turn);
    return turn;
  }

  #advance(): void {
    for (;;) {
      const turn = this.#turns[this.#known];
      if (turn?.isShown === undefined || this.#wanted === 0) return;
      this.#known += 1;
      if (!turn.isShown) continue;
      this.#wanted -= 1;
      turn.ask();
    }
  }
}
