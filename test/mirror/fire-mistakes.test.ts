import { describe, expect, it } from 'vitest';
import { judge, judgeAppendOnly, play, type Setting } from './mirror-script.js';
import { type Pinned, pinned } from './pinned-scripts.js';

async function verdict({ script, isAppendOnly }: Pinned, setting: Setting) {
  try {
    const world = await play(script, setting);
    return (await judge(world)) ?? (isAppendOnly ? await judgeAppendOnly(world) : undefined);
  } catch (error) {
    return String(error);
  }
}

describe.each(pinned)('$mistake', (one) => {
  it('is no mistake of ours', async () => {
    expect(await verdict(one, one.right)).toBeUndefined();
  });

  it.runIf(one.wrong)('would be found', async () => {
    expect(await verdict(one, one.wrong ?? {})).toEqual(expect.any(String));
  });
});
