import { MemoryStore } from '../support/memory-bucket.js';
import type { TruthStep } from './truth-steps.js';
import { asNamed, TruthWorld } from './truth-world.js';

export interface TruthOutcome {
  readonly steps: number;
  /** Runs that named nothing. */
  readonly saidWell: number;
}

/**
 * Does what the script says. After every step `verify`, `doctor` and `status`, and after every run the run itself, are judged
 * by a reader that knows the documentation alone.
 */
export async function runTruthScript(
  script: readonly TruthStep[],
  listsDigests: boolean,
): Promise<TruthOutcome> {
  const world = await TruthWorld.create(new MemoryStore(listsDigests));
  let saidWell = 0;
  let steps = 0;
  try {
    await world.happens({ kind: 'append', lines: 2 });
    for (const step of [...script, ...ending]) {
      const run = await world.happens(step);
      const end = await run?.ended.catch(asNamed);
      await world.judgeVerify();
      await world.judgeDoctor();
      await world.judgeStatus();
      if (run === undefined) continue;
      steps += 1;
      if (end === undefined || end.behind.length > 0 || run.troubles.length > 0) continue;
      saidWell += 1;
      await world.judge();
    }
    return { steps, saidWell };
  } finally {
    await world.remove();
  }
}

const ending: readonly TruthStep[] = (['mount', 'readable', 'run', 'run thoroughly'] as const).map(
  (kind) => ({ kind }),
);
