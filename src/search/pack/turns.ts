/** Lets everything else in the process go first, if it is time to: `undefined` if not yet. */
export type Turn = () => Promise<void> | undefined;

/** Takes one step after the other, with a turn between two of them. */
export async function inTurns<Result>(
  steps: Generator<undefined, Result> | AsyncGenerator<undefined, Result>,
  turn: Turn = () => undefined,
): Promise<Result> {
  for (;;) {
    const step = steps.next();
    const { done, value } = step instanceof Promise ? await step : step;
    if (done) return value;
    const waiting = turn();
    if (waiting !== undefined) await waiting;
  }
}
