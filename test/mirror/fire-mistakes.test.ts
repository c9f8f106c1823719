import { describe, expect, it } from 'vitest';
import type { Setting } from './mirror-script.js';
import * as asItIs from './mirror-script.js';
import { mutated } from './mutants.js';
import { type Pinned, pinned } from './pinned-scripts.js';

async function verdict(
  { script, isAppendOnly }: Pinned,
  setting: Setting,
  { play, judge, judgeAppendOnly } = asItIs,
) {
  try {
    const world = await play(script, setting);
    return (await judge(world)) ?? (isAppendOnly ? await judgeAppendOnly(world) : undefined);
  } catch (error) {
    return String(error);
  }
}

describe.each(pinned)('$mistake', (one) => {
  it('is not a bug of ours', async () => {
    expect(await verdict(one, one.right)).toBeUndefined();
  });

  it('would be detected', async () => {
    const { module, remove } = await mutated(one.mutations ?? []);
    const found = await verdict(one, one.wrong ?? one.right, module);
    await remove();
    expect(found).toEqual(expect.any(String));
  });
});
