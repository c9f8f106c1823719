import { appendFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runTruthScript } from './truth-script.js';
import { type TruthStep, truthScripts } from './truth-steps.js';

/**
 * Whoever says that all is well is right: after every step, a run that names nothing leaves a bucket in which a reader who
 * knows the documentation alone finds every complete line of every file. TRACECRAFT_TRUTH_RUNS and TRACECRAFT_TRUTH_SEED run
 * another batch; TRACECRAFT_TRUTH_LOG appends a line for each batch that held.
 */
const runs = Number(process.env.TRACECRAFT_TRUTH_RUNS ?? 60);
const seed = Number(process.env.TRACECRAFT_TRUTH_SEED ?? 20261129);

/** Found once: a source that became the second copy was looked for in the first alone. */
const secondCopy: readonly TruthStep[] = [
  { kind: 'fragment' },
  { kind: 'append', lines: 4 },
  { kind: 'stub' },
  { kind: 'watch' },
  { kind: 'part cut', which: 4 },
  { kind: 'stub' },
  { kind: 'overwrite' },
  { kind: 'killed', atCall: 9, death: 'torn' },
];

/** Found once: half a part was joined by readers, because the source ended before it. */
const cutBeyondSource: readonly TruthStep[] = [
  { kind: 'append', lines: 2 },
  { kind: 'stub' },
  { kind: 'append', lines: 3 },
  { kind: 'run' },
  { kind: 'append', lines: 2 },
  { kind: 'run' },
  { kind: 'part cut', which: 1 },
  { kind: 'truncate', lines: 1 },
];

/** Found once: of a copy that was truncated after it was uploaded, verify said that it differs. */
const truncatedCopy: readonly TruthStep[] = [
  { kind: 'run' },
  { kind: 'truncate', lines: 1 },
  { kind: 'stub' },
  { kind: 'watch' },
  { kind: 'truncate', lines: 1 },
];

describe('what the mirror reports', () => {
  it('is true whatever happens to sources, state and bucket', {
    timeout: 600_000 + runs * 20_000,
  }, async () => {
    let steps = 0;
    let saidWell = 0;
    await fc.assert(
      fc.asyncProperty(truthScripts, fc.boolean(), async (script, listsDigests) => {
        const outcome = await runTruthScript(script, listsDigests);
        steps += outcome.steps;
        saidWell += outcome.saidWell;
      }),
      {
        numRuns: runs,
        seed,
        endOnFailure: true,
        examples: [
          [secondCopy, false],
          [cutBeyondSource, false],
          [truncatedCopy, false],
        ],
      },
    );
    // A suite in which nothing ever goes well would prove nothing.
    expect(saidWell).toBeGreaterThan(steps / 2);
    const log = process.env.TRACECRAFT_TRUTH_LOG;
    if (log !== undefined)
      appendFileSync(log, `${JSON.stringify({ seed, runs, steps, saidWell })}\n`);
  });
});
