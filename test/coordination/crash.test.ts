import { describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { acquire } from '../../src/coordination/claims/claims.js';
import { complete } from '../../src/coordination/claims/finish-claim.js';
import { listSteps, readHandoff, readStep } from '../../src/coordination/claims/steps.js';
import { AgentsRig, type Terminal } from '../support/agents-rig.js';
import type { Hooks, PutFate } from '../support/memory-bucket.js';

const alone = async (): Promise<undefined> => undefined;
const report = {
  outcome: 'blocked',
  note: 'missing auth check, needs rework',
  nextAgent: 'developer',
  nextAction: 'add it',
} as const;

/** A process that is killed at its write number `at`, after it was applied or before. */
function killedAt(at: number, fate: PutFate): Hooks {
  let writes = 0;
  return {
    fate: () => {
      writes += 1;
      if (writes < at) return 'applied';
      return writes === at ? fate : 'lost';
    },
    // What is dead reads nothing any more.
    gate: async () => {
      if (writes >= at) throw new Error('dead');
    },
  };
}

function claim({ context, holders }: Terminal, step: string) {
  return acquire(context, holders, { step, ttlMs: 600_000, reopen: false, alongside: alone });
}

/** Parses every document of the step: none is half written, none contradicts the claim. */
async function explained(bucket: Bucket, rig: AgentsRig): Promise<string | undefined> {
  const place = { ...rig.context('reader'), bucket };
  const view = await readStep(place, 'review');
  const listed = (await listSteps(place)).steps.find(({ step }) => step === 'review');
  expect(listed?.status).toBe(view?.status);
  return view?.status;
}

const kills = [1, 2, 3, 4, 5].flatMap((at) =>
  (['lost', 'applied-unanswered'] as const).map((fate) => ({ at, fate })),
);

describe.each(kills)('killed at write $at ($fate)', ({ at, fate }) => {
  it('of a claim: every reader explains it, and the next command continues', async () => {
    const rig = new AgentsRig();
    const reviewer = rig.terminal('reviewer', 's-1');
    await claim(rig.reconnect(reviewer, killedAt(at, fate)), 'review').catch(() => undefined);
    const isTaken = at > 1 || fate !== 'lost';
    expect(await explained(rig.store.client(), rig)).toBe(isTaken ? 'in_progress' : undefined);
    const other = await claim(rig.terminal('developer'), 'review');
    expect(other.outcome).toBe(isTaken ? 'rejected' : 'claimed');
    if (!isTaken) return;
    await complete(reviewer.context, reviewer.holders, { step: 'review' }, report);
    expect(await explained(rig.store.client(), rig)).toBe('blocked');
  });

  it('of a completion: every reader returns the whole handoff, and repeating it writes the rest', async () => {
    const rig = new AgentsRig();
    const reviewer = rig.terminal('reviewer', 's-1');
    await claim(reviewer, 'review');
    const dying = rig.reconnect(reviewer, killedAt(at, fate));
    await complete(dying.context, dying.holders, { step: 'review' }, report).catch(() => undefined);
    const isDone = at > 1 || fate !== 'lost';
    expect(await explained(rig.store.client(), rig)).toBe(isDone ? 'blocked' : 'in_progress');
    const handoff = await readHandoff(rig.context('developer'), 'review');
    expect(handoff?.note).toBe(isDone ? report.note : undefined);
    await complete(reviewer.context, reviewer.holders, { step: 'review' }, report);
    expect(rig.json('demo/steps/review/handoff.json')).toMatchObject({
      note: report.note,
      state: 'blocked',
      next_agent: 'developer',
    });
    expect(rig.json('demo/steps/review/status.json')).toMatchObject({ status: 'blocked' });
    const mail = [...rig.store.objects.keys()].filter((key) => key.includes('/messages/'));
    expect(mail).toHaveLength(1);
  });

  it('of a completion never repeated: the next holder finds the handoff', async () => {
    const rig = new AgentsRig();
    const reviewer = rig.terminal('reviewer', 's-1');
    await claim(reviewer, 'review');
    const dying = rig.reconnect(reviewer, killedAt(at, fate));
    await complete(dying.context, dying.holders, { step: 'review' }, report).catch(() => undefined);
    const isDone = at > 1 || fate !== 'lost';
    const developer = rig.terminal('developer');
    const request = { step: 'review', ttlMs: null, reopen: true, alongside: alone };
    const taken = await acquire(developer.context, developer.holders, request);
    if (!isDone) {
      expect(taken.outcome).toBe('rejected');
      return;
    }
    expect(taken).toMatchObject({ how: 'reopened' });
    expect(await readHandoff(developer.context, 'review')).toMatchObject({ note: report.note });
    expect(rig.json('demo/steps/review/status.json')).toMatchObject({ status: 'in_progress' });
  });
});
