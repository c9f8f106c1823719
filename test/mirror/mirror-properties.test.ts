import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, judgeAppendOnly, play, scripts } from './mirror-script.js';

const numRuns = Number(process.env.TRACECRAFT_PROPERTY_RUNS ?? 1_000);

describe('the slot protocol on the real writer', () => {
  it.each([1, 2])('append-only, %i writer(s): one generation, the very bytes', async (writers) => {
    await fc.assert(
      fc.asyncProperty(scripts('append-only', writers), async (script) => {
        expect(await judgeAppendOnly(await play(script))).toBeUndefined();
      }),
      { numRuns },
    );
  });

  it.each([1, 2])(
    'anything happens to the source, %i writer(s): nothing is lost',
    async (writers) => {
      await fc.assert(
        fc.asyncProperty(scripts('anything', writers), async (script) => {
          expect(await judge(await play(script))).toBeUndefined();
        }),
        { numRuns },
      );
    },
  );
});
