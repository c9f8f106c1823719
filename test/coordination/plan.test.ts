import { describe, expect, it } from 'vitest';
import { acquire } from '../../src/coordination/claims/claims.js';
import { complete } from '../../src/coordination/claims/finish-claim.js';
import { readBoard } from '../../src/coordination/plan/board.js';
import { claimNext } from '../../src/coordination/plan/claim-next.js';
import { mermaidOf, stateOf } from '../../src/coordination/plan/graph.js';
import { checkNeeds, unmetNeedsOf } from '../../src/coordination/plan/needs.js';
import { addSteps, editStep, removeStep } from '../../src/coordination/plan/plan-document.js';
import { waitForSteps } from '../../src/coordination/plan/wait-for-steps.js';
import { waitToAcquire } from '../../src/coordination/plan/wait-to-claim.js';
import {
  BlockedError,
  LostError,
  NotFoundError,
  TimedOutError,
  UsageError,
} from '../../src/errors.js';
import { type NewStep, parseNewSteps } from '../../src/protocol/plan.js';
import { AgentsRig, type Terminal } from '../support/agents-rig.js';

const alone = async (): Promise<undefined> => undefined;
const next = { ttlMs: 60_000, alongside: alone, onLook: alone };

const diamond: readonly NewStep[] = [
  { id: 'design' },
  { id: 'api', needs: ['design'], priority: 7 },
  { id: 'page', needs: ['design'], priority: 2 },
  { id: 'ship', needs: ['api', 'page'] },
];

function claim({ context, holders }: Terminal, step: string) {
  return acquire(context, holders, { step, ttlMs: 60_000, reopen: false, alongside: alone });
}

function end({ context, holders }: Terminal, step: string, outcome: 'complete' | 'blocked') {
  return complete(context, holders, { step }, { outcome });
}

describe('a plan', () => {
  it('is one document, and adding the same again changes nothing', async () => {
    const rig = new AgentsRig();
    const { context } = rig.terminal('lead');
    expect(await addSteps(context, diamond)).toEqual(['design', 'api', 'page', 'ship']);
    const before = rig.json('demo/plan.json');
    expect(before).toMatchObject({
      rev: 1,
      steps: { ship: { needs: ['api', 'page'], by: 'lead' } },
    });
    expect(await addSteps(context, diamond)).toEqual([]);
    expect(rig.json('demo/plan.json')).toEqual(before);
    expect(rig.events('step.planned')).toHaveLength(4);
  });

  it('refuses a cycle, an unknown need and a conflicting step, and stays as it was', async () => {
    const rig = new AgentsRig();
    const { context } = rig.terminal('lead');
    await addSteps(context, diamond);
    const before = rig.json('demo/plan.json');
    await expect(editStep(context, 'design', { needs: ['ship'] })).rejects.toBeInstanceOf(
      UsageError,
    );
    await expect(addSteps(context, [{ id: 'x', needs: ['nowhere'] }])).rejects.toBeInstanceOf(
      NotFoundError,
    );
    await expect(addSteps(context, [{ id: 'api', needs: [] }])).rejects.toBeInstanceOf(LostError);
    await expect(removeStep(context, 'design')).rejects.toThrow('step api needs step design');
    expect(rig.json('demo/plan.json')).toEqual(before);
  });

  it('keeps steps whose names JavaScript gives a meaning, and ignores what is no step', async () => {
    const rig = new AgentsRig();
    const { context } = rig.terminal('lead');
    const odd = [{ id: 'prototype' }, { id: 'constructor', needs: ['prototype'] }];
    await addSteps(context, odd);
    await addSteps(context, [{ id: 'last', needs: ['constructor'] }]);
    const names = ['constructor', 'last', 'prototype'];
    expect(Object.keys(Object(rig.json('demo/plan.json')).steps).sort()).toEqual(names);
    const { steps } = Object(rig.json('demo/plan.json'));
    const planted = { schema: 1, rev: 3, steps: { ...steps, '../x': {}, UPPER: {}, 'a.b': {} } };
    await context.bucket.put('demo/plan.json', Buffer.from(JSON.stringify(planted)));
    expect((await readBoard(context)).steps.map(({ step }) => step)).toEqual(names);
  });

  it('with a text that no reader accepts is refused, and stays as it was', async () => {
    const rig = new AgentsRig();
    const { context } = rig.terminal('lead');
    await addSteps(context, [{ id: 's' }]);
    const before = rig.json('demo/plan.json');
    const long = 'x'.repeat(1_001);
    for (const change of [
      () => addSteps(context, [{ id: 'a', title: long }]),
      () => editStep(context, 's', { paths: long }),
    ]) {
      await expect(change()).rejects.toThrow('not written, because nobody could read it: steps.');
    }
    expect(rig.json('demo/plan.json')).toEqual(before);
  });

  it('refuses to remove a claimed step', async () => {
    const rig = new AgentsRig();
    const lead = rig.terminal('lead');
    await addSteps(lead.context, [{ id: 'a' }, { id: 'b' }]);
    await claim(lead, 'a');
    await expect(removeStep(lead.context, 'a')).rejects.toThrow('was claimed by lead already');
    await removeStep(lead.context, 'b');
    expect(Object.keys(Object(rig.json('demo/plan.json')).steps)).toEqual(['a']);
  });

  it('in the wrong kind of file is a usage error', () => {
    expect(() => parseNewSteps('plan.json', '{"steps": [{"id": 7}]}')).toThrow(
      'not a list of steps',
    );
    expect(() => parseNewSteps('plan.json', '[{"id": "a", "need": "b"}]')).toThrow(
      'not a list of steps',
    );
    expect(parseNewSteps('plan.json', '{"steps": [{"id": "a", "priority": 0}]}')).toEqual([
      { id: 'a', priority: 0 },
    ]);
  });
});

describe('a ready step', () => {
  it('is held by nobody and has all its needs complete, ordered by priority', async () => {
    const rig = new AgentsRig();
    const lead = rig.terminal('lead');
    await addSteps(lead.context, diamond);
    const states = async () =>
      Object.fromEntries(
        (await readBoard(lead.context)).steps.map((one) => [one.step, stateOf(one)]),
      );
    expect(await states()).toEqual({ design: 'ready', api: 'waits', page: 'waits', ship: 'waits' });
    expect(await claimNext(lead.context, lead.holders, next)).toMatchObject({ step: 'design' });
    const nothing = claimNext(lead.context, lead.holders, next);
    await expect(nothing).rejects.toBeInstanceOf(TimedOutError);
    await expect(nothing).rejects.toThrow('nothing else is ready, and you hold step design');
    await end(lead, 'design', 'complete');
    expect(await claimNext(lead.context, lead.holders, next)).toMatchObject({ step: 'page' });
    expect(await claimNext(lead.context, lead.holders, next)).toMatchObject({ step: 'api' });
    await end(lead, 'page', 'blocked');
    await end(lead, 'api', 'complete');
    expect(await states()).toMatchObject({ page: 'blocked', ship: 'waits for blocked page' });
    await expect(claimNext(lead.context, lead.holders, next)).rejects.toBeInstanceOf(BlockedError);
  });

  it('that is blocked, however far below, ends every wait for those above it at once', async () => {
    const rig = new AgentsRig();
    const ann = rig.terminal('ann');
    const { context, holders } = ann;
    await addSteps(context, [{ id: 'a' }, { id: 'b', needs: ['a'] }, { id: 'c', needs: ['b'] }]);
    await claim(ann, 'a');
    const waitFor = (step: string, timeoutMs = 60_000) =>
      waitForSteps(context, { steps: [step], timeoutMs, onLook: alone, onNeedsReview: () => {} });
    await expect(waitFor('c', 0)).rejects.toBeInstanceOf(TimedOutError);
    await end(ann, 'a', 'blocked');
    const hopeless = 'waits for blocked a (blocked by ann)';
    await expect(waitFor('b')).rejects.toThrow(`step b ${hopeless}`);
    await expect(waitFor('c')).rejects.toThrow(`step c ${hopeless}`);
    const asked = { step: 'c', ttlMs: 60_000, reopen: false, alongside: alone };
    const patient = { ...asked, timeoutMs: 60_000, onLook: alone };
    await expect(waitToAcquire(context, holders, patient)).rejects.toBeInstanceOf(BlockedError);
    // Somebody works on it in spite of that.
    expect(await claim(ann, 'b')).toMatchObject({ outcome: 'claimed' });
    await expect(waitFor('c', 0)).rejects.toBeInstanceOf(TimedOutError);
    await expect(claimNext(context, holders, next)).rejects.toBeInstanceOf(TimedOutError);
    const forced = await waitToAcquire(context, holders, { ...patient, ignoresNeeds: true });
    expect(forced).toMatchObject({ outcome: 'claimed' });
  });

  it('is not one whose claim cannot be read, which keeps nobody from the others', async () => {
    const rig = new AgentsRig();
    const { context, holders } = rig.terminal('ann');
    await addSteps(context, [{ id: 'bad', priority: 0 }, { id: 'good' }]);
    await context.bucket.put('demo/steps/bad/claim.json', Buffer.from('{bad'));
    const board = await readBoard(context);
    expect(board.steps.map(stateOf)).toEqual(['unreadable', 'ready']);
    expect(await claimNext(context, holders, next)).toMatchObject({ step: 'good' });
    await expect(claimNext(context, holders, next)).rejects.toBeInstanceOf(TimedOutError);
    await complete(context, holders, { step: 'good' }, { outcome: 'complete' });
    await expect(claimNext(context, holders, next)).rejects.toThrow('bad/claim.json: not JSON');
  });

  it('goes to the agent it is assigned to, and there is none once all is done', async () => {
    const rig = new AgentsRig();
    const [ann, bob] = [rig.terminal('ann'), rig.terminal('bob')];
    await addSteps(ann.context, [{ id: 'a', assign: 'bob' }]);
    const nothing = claimNext(ann.context, ann.holders, next);
    await expect(nothing).rejects.toBeInstanceOf(NotFoundError);
    await expect(nothing).rejects.toThrow('nothing is left for you');
    expect(await claimNext(bob.context, bob.holders, next)).toMatchObject({ step: 'a' });
    await end(bob, 'a', 'complete');
    await expect(claimNext(bob.context, bob.holders, next)).rejects.toThrow('all steps are done');
  });

  it('is also required by a claim by name, which reports what it waits for', async () => {
    const rig = new AgentsRig();
    const ann = rig.terminal('ann');
    await addSteps(ann.context, [{ id: 'b' }, { id: 'c', needs: ['b'] }]);
    await claim(ann, 'b');
    const unmet = await unmetNeedsOf(ann.context, 'c');
    expect(() => checkNeeds('c', unmet)).toThrow('step c waits for b (in progress by ann)');
    const mayTake = async (): Promise<void> => checkNeeds('c', unmet);
    const request = { step: 'c', ttlMs: 60_000, reopen: false, alongside: alone, mayTake };
    await expect(acquire(ann.context, ann.holders, request)).rejects.toBeInstanceOf(BlockedError);
    expect(rig.json('demo/steps/c/claim.json')).toBeUndefined();
  });

  it('among 20 with needs is won exactly once by 4 concurrent workers, none before its needs', async () => {
    const rig = new AgentsRig();
    const steps = Array.from(
      { length: 20 },
      (_, n): NewStep => ({
        id: `s${n}`,
        needs: n < 4 ? [] : [`s${n - 4}`, `s${n - 3}`],
      }),
    );
    await addSteps(rig.context('lead'), steps);
    const order: string[] = [];
    const worker = async (agent: string): Promise<void> => {
      const { context, holders } = rig.terminal(agent);
      for (;;) {
        try {
          const { step } = await claimNext(context, holders, next);
          order.push(step);
          await complete(context, holders, { step }, { outcome: 'complete' });
        } catch (error) {
          if (error instanceof NotFoundError) return;
          if (!(error instanceof TimedOutError)) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: 4 }, (_, n) => worker(`w${n}`)));
    expect([...order].sort()).toEqual(steps.map(({ id }) => id).sort());
    for (const { id, needs = [] } of steps) {
      for (const need of needs) expect(order.indexOf(need)).toBeLessThan(order.indexOf(id));
    }
  });
});

it('the graph is a Mermaid flowchart in which a title is never syntax', async () => {
  const rig = new AgentsRig();
  const { context } = rig.terminal('lead');
  await addSteps(context, [
    { id: 'a', title: '"] --> x["<b>' },
    { id: 'b', needs: ['a'] },
  ]);
  const text = mermaidOf((await readBoard(context)).steps);
  expect(text).toBe(
    'flowchart LR\n  s0["a · #34;#93; --#62; x#91;#34;#60;b#62; · ready"]\n  s1["b · waits"]\n  s0 --> s1',
  );
});
