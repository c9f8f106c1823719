/** Lets everything else in the process go first. */
export type Turn = () => Promise<void>;

/** Takes one step after the other, with a turn between two of them. */
export async function inTurns<Result>(
  steps: Generator<undefined, Result> | AsyncGenerator<undefined, Result>,
  turn: Turn = async () => undefined,
): Promise<Result> {
  for (;;) {
    const { done, value } = await steps.next();
    if (done) return value;
    await turn();
  }
}
