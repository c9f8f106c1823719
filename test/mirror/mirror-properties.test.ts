import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pendingPutFile } from '../../src/mirror/state/pending-put.js';
import { unarbitrated } from '../support/unarbitrated.js';
import { judge, judgeAppendOnly, play, sourceOf } from './mirror-script.js';
import { scripts } from './script-arbitraries.js';

const numRuns = Number(process.env.TRACECRAFT_PROPERTY_RUNS ?? 1_000);

describe('the slot protocol on the real writer', () => {
  it.each([1, 2])('append-only, %i writer(s): one generation, identical bytes', async (writers) => {
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

  it('two machines with different files under one session id: both are kept', async () => {
    const setting = { ownSources: true };
    await fc.assert(
      fc.asyncProperty(scripts('anything', 2), async (script) => {
        const world = await play(script, setting);
        for (const writer of [0, 1]) {
          expect(await judge(world, sourceOf(writer, setting))).toBeUndefined();
        }
      }),
      { numRuns },
    );
  });
});

describe('range mode on the real writer', () => {
  it.each(['append-only, state kept', 'append-only, state lost at rest'] as const)(
    '%s: identical bytes, each once',
    async (kind) => {
      await fc.assert(
        fc.asyncProperty(scripts(kind, 1), async (script) => {
          const world = await play(script, { bucket: unarbitrated, pendingPut: pendingPutFile });
          expect(await judgeAppendOnly(world)).toBeUndefined();
        }),
        { numRuns },
      );
    },
  );
});
