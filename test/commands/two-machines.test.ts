import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CliWorld } from '../support/run-cli.js';
import { type Stage, stages, wrongClock } from '../support/stage.js';

const threeHoursMs = 3 * 3_600_000;

describe.each(stages)('two machines on $name', ({ open }) => {
  let stage: Stage;
  let here: CliWorld;
  let there: CliWorld;

  beforeAll(async () => {
    stage = await open();
    here = await stage.machine();
    there = await stage.machine();
  }, 60_000);

  afterAll(() => stage.close());

  const as = (agent: string, more: Readonly<Record<string, string>> = {}) => ({
    env: { TRACECRAFT_AGENT: agent, ...more },
  });

  it('a dead holder is not kept alive by its namesake on the other one', async () => {
    const taken = await here.run(['claim', 'dead', '--ttl', '1s'], as('ann'));
    expect(taken.code, taken.stderr).toBe(0);
    // It says in every way that Ann lives: a heartbeat, and a step of a longer life.
    await there.run(['claim', 'other', '--ttl', '1h'], as('ann'));
    await there.run(['heartbeat'], as('ann'));
    const next = ['claim', 'dead', '--wait', '--timeout', '60s'];
    const { code, stderr } = await there.run(next, as('bob'));
    expect([code, stderr]).toEqual([0, expect.stringContaining('Taken over from ann')]);
  }, 90_000);

  it('a clock that is three hours off takes over nothing early, and its mail is found', async () => {
    expect((await there.run(['inbox', '--new'], as('rev'))).code).toBe(0);
    await here.run(['claim', 'kept'], as('ann'));
    const early = await there.run(['claim', 'kept'], as('bob', wrongClock(threeHoursMs)));
    expect([early.code, early.stderr]).toEqual([4, expect.stringContaining('claimed by ann')]);
    await here.run(['send', 'rev', 'from the past'], as('ann', wrongClock(-threeHoursMs)));
    expect((await there.run(['inbox', '--new'], as('rev'))).stdout).toContain('from the past');
  }, 60_000);

  it('mail that several readers of one name ask for at once is new to none of them afterwards', async () => {
    for (const text of ['one', 'two']) await here.run(['send', 'crowd', text], as('ann'));
    const machines = [here, there, here, there];
    const ask = (machine: CliWorld) => machine.run(['inbox', '--new'], as('crowd'));
    const shown = await Promise.all(machines.map(ask));
    expect(shown.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    for (const text of ['one', 'two']) {
      expect(shown.map(({ stdout }) => stdout).join('')).toContain(`ann: ${text}`);
    }
    expect((await ask(there)).stdout).toBe('');
  }, 60_000);

  it('artifacts of one size and name, uploaded at once, are listed with the digest of what is there', async () => {
    const upload = async (machine: CliWorld, text: string) => {
      await writeFile(join(machine.project, 'same.txt'), text);
      return machine.run(['artifact', 'upload', 'same.txt'], as('ann'));
    };
    await Promise.all([upload(here, 'left'), upload(there, 'rght')]);
    const stored = await stage.bucket.get(stage.layout.artifact('shared', 'same.txt'));
    const sha256 = createHash('sha256')
      .update(stored?.body ?? '')
      .digest('hex');
    const { json } = await here.runJson(['artifact', 'list'], as('ann'));
    expect(json).toMatchObject({ data: { artifacts: [{ name: 'same.txt', size: 4, sha256 }] } });
  }, 60_000);

  it('a reply to a message that is not there is refused', async () => {
    const reply = ['send', 'ann', 'yes', '--reply-to', '0badcafe'];
    expect((await there.run(reply, as('bob'))).code).toBe(3);
  });
});
