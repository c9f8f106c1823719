import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { beat } from '../../src/coordination/agents/agents.js';
import { registerAgent } from '../../src/coordination/agents/registration.js';
import { SessionHeartbeats } from '../../src/coordination/agents/session-heartbeats.js';
import { acquire, type ClaimResult } from '../../src/coordination/claims/claims.js';
import { complete, release } from '../../src/coordination/claims/finish-claim.js';
import { openHolderFiles } from '../../src/coordination/claims/holder-files.js';
import { renewHeld } from '../../src/coordination/claims/renew.js';
import { review } from '../../src/coordination/claims/review.js';
import { refuseFenced } from '../../src/coordination/claims/step-artifacts.js';
import { listSteps, readHandoff, readStep } from '../../src/coordination/claims/steps.js';
import { LostError, NotFoundError } from '../../src/errors.js';
import { nodeIo } from '../../src/io.js';
import { AgentsRig, type Terminal } from '../support/agents-rig.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import { Turnstile } from '../support/turnstile.js';

const minute = 60_000;
/** What this process stamped before comes first, by a few milliseconds. */
const aroundThen = expect.stringMatching(/^2026-01-02T03:04:05\.\d{3}Z$/);
const alone = async (): Promise<undefined> => undefined;

function claim(
  { context, holders }: Terminal,
  step = 'design',
  options: {
    readonly ttlMs?: number | null;
    readonly reopen?: boolean;
    readonly mine?: boolean;
  } = {},
): Promise<ClaimResult> {
  const { ttlMs = 10 * minute, reopen = false, mine = false } = options;
  return acquire(context, holders, { step, ttlMs, reopen, mine, alongside: alone });
}

function done({ context, holders }: Terminal, step = 'design', force = false) {
  return complete(context, holders, { step, force }, { outcome: 'complete', note: 'agreed' });
}

describe('a claim', () => {
  it('of a fresh step is the first epoch, and records who, when and until when', async () => {
    const rig = new AgentsRig();
    expect(await claim(rig.terminal('designer', 's-1'))).toMatchObject({
      outcome: 'claimed',
      how: 'fresh',
    });
    expect(rig.json('demo/steps/design/claim.json')).toEqual({
      agent: 'designer',
      session_id: 's-1',
      host: 'box',
      nonce: expect.stringMatching(/^[0-9a-f]{32}$/),
      epoch: 1,
      claimed_at: '2026-01-02T03:04:05.000Z',
      ttl_s: 600,
      state: 'held',
      renewals: 0,
    });
    expect(rig.json('demo/steps/design/status.json')).toMatchObject({
      status: 'in_progress',
      agent: 'designer',
      epoch: 1,
    });
    expect(rig.events('step.claimed')).toHaveLength(1);
  });

  it('of a held step is rejected, naming its holder, and writes an event', async () => {
    const rig = new AgentsRig();
    await claim(rig.terminal('designer'));
    const before = rig.steps();
    const result = await claim(rig.terminal('developer'));
    expect(result).toMatchObject({
      outcome: 'rejected',
      reason: 'held',
      holder: { agent: 'designer' },
    });
    expect(rig.steps()).toEqual(before);
    expect(rig.events('step.claim_rejected')).toMatchObject([
      { agent: 'developer', step: 'design', data: { holder: 'designer', reason: 'held' } },
    ]);
  });

  it('is protected from another terminal of the same agent', async () => {
    const rig = new AgentsRig();
    const first = rig.terminal('designer', 's-1');
    const second = rig.terminal('designer', 's-2');
    await claim(first);
    expect(await claim(second)).toMatchObject({ outcome: 'rejected' });
    await expect(done(second)).rejects.toThrow(/claimed by 'designer' .*not by this session/);
    await expect(done(first)).resolves.toMatchObject({ isRepeated: false });
  });

  it('spells a step as its key does', async () => {
    const rig = new AgentsRig();
    await claim(rig.terminal('designer'), 'S1.A');
    expect(await claim(rig.terminal('developer'), 's1-a')).toMatchObject({ outcome: 'rejected' });
  });

  it('of a step that is done needs --reopen, and is a new epoch', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer');
    await claim(designer);
    await done(designer);
    const developer = rig.terminal('developer');
    expect(await claim(developer)).toMatchObject({ outcome: 'rejected', reason: 'done' });
    expect(await claim(developer, 'design', { reopen: true })).toMatchObject({
      how: 'reopened',
      claim: { epoch: 2 },
    });
    expect(rig.json('demo/steps/design/status.json')).toMatchObject({
      status: 'in_progress',
      epoch: 2,
    });
    expect(rig.json('demo/steps/design/handoff.json')).toMatchObject({ note: 'agreed', epoch: 1 });
    await expect(done(designer)).rejects.toThrow(
      'fenced: step design was taken over by developer (epoch 2)',
    );
  });

  it('of the older tool never expires, and its agent may complete it', async () => {
    const rig = new AgentsRig();
    const old = { agent: 'designer', claimed_at: '2025-01-01T00:00:00+00:00' };
    await rig.store.client().put('demo/steps/design/claim.json', Buffer.from(JSON.stringify(old)));
    rig.advance(365 * 24 * 60 * minute);
    expect(await claim(rig.terminal('developer'))).toMatchObject({ outcome: 'rejected' });
    await done(rig.terminal('designer'));
    expect(await readStep(rig.context('x'), 'design')).toMatchObject({ status: 'complete' });
  });

  it('of a step that is done only in the older tool’s status.json is rejected as done', async () => {
    const rig = new AgentsRig();
    const client = rig.store.client();
    await client.put('demo/steps/design/claim.json', Buffer.from('{"agent": "designer"}'));
    await client.put(
      'demo/steps/design/status.json',
      Buffer.from('{"status": "blocked", "agent": "designer"}'),
    );
    expect(await claim(rig.terminal('developer'))).toMatchObject({ reason: 'done' });
  });

  it('that was deleted continues with the next epoch', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer');
    await claim(designer);
    await rig.store.client().delete('demo/steps/design/claim.json');
    expect(await claim(rig.terminal('developer'))).toMatchObject({ claim: { epoch: 2 } });
    await expect(done(designer)).rejects.toThrow('fenced');
  });
});

describe('a silent holder', () => {
  it('keeps the step for its TTL and a second, then anybody may take it over', async () => {
    const rig = new AgentsRig();
    await claim(rig.terminal('designer'));
    const developer = rig.terminal('developer');
    rig.advance(10 * minute + 999);
    expect(await claim(developer)).toMatchObject({ outcome: 'rejected' });
    rig.advance(1);
    expect(await claim(developer)).toMatchObject({
      outcome: 'claimed',
      how: 'expired',
      from: { agent: 'designer', epoch: 1 },
      claim: { agent: 'developer', epoch: 2 },
    });
    expect(rig.events('step.taken_over')).toMatchObject([
      { agent: 'developer', data: { epoch: 2, from: { agent: 'designer', epoch: 1 } } },
    ]);
  });

  it('learns that it was fenced, and has changed nothing', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer');
    await claim(designer);
    rig.advance(11 * minute);
    await claim(rig.terminal('developer'));
    const before = rig.steps();
    for (const end of [
      done(designer),
      release(designer.context, designer.holders, { step: 'design' }),
    ]) {
      const error: unknown = await end.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(LostError);
      expect(String(error)).toContain('fenced: step design was taken over by developer (epoch 2)');
    }
    expect(rig.steps()).toEqual(before);
    expect(rig.events('step.completed')).toEqual([]);
  });

  it('may still complete as long as nobody has taken the step over', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer');
    await claim(designer);
    rig.advance(60 * minute);
    await expect(done(designer)).resolves.toMatchObject({ isRepeated: false });
  });

  it('never expires if asked for, and otherwise within a second to 7 days', async () => {
    const rig = new AgentsRig();
    await claim(rig.terminal('designer'), 'for-ever', { ttlMs: null });
    await claim(rig.terminal('designer'), 'short', { ttlMs: 1 });
    await claim(rig.terminal('designer'), 'long', { ttlMs: 365 * 24 * 60 * minute });
    rig.advance(7 * 24 * 60 * minute + 1000);
    const { steps } = await listSteps(rig.context('x'));
    expect(steps.map(({ step, expired, ttl_s }) => [step, expired, ttl_s])).toEqual([
      ['for-ever', false, null],
      ['long', true, 604_800],
      ['short', true, 1],
    ]);
  });
});

describe('a renewal', () => {
  it('rewrites the claim with a counter, and keeps the step', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer', 's-1');
    await claim(designer);
    for (let n = 1; n <= 5; n += 1) {
      rig.advance(9 * minute);
      expect(await renewHeld(designer.context, designer.holders, { isForced: true })).toEqual([]);
      expect(rig.json('demo/steps/design/claim.json')).toMatchObject({ epoch: 1, renewals: n });
    }
    expect(await claim(rig.terminal('developer'))).toMatchObject({ outcome: 'rejected' });
    rig.advance(10 * minute + 1000);
    expect(await claim(rig.terminal('developer'))).toMatchObject({ how: 'expired' });
  });

  it('is one request', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer', 's-1');
    await claim(designer);
    const requests: string[] = [];
    const counted = rig.reconnect(designer, {
      gate: async (request) => void requests.push(request),
    });
    await renewHeld(counted.context, counted.holders, { isForced: true });
    expect(requests).toEqual(['PUT']);
  });

  it('makes a takeover already decided on fail', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer');
    await claim(designer);
    rig.advance(11 * minute);
    const turnstile = new Turnstile();
    const developer = rig.terminal('developer', undefined, { gate: turnstile.gate('developer') });
    const taking = claim(developer);
    // It has read an expired claim, and is about to write.
    await turnstile.let('developer');
    await turnstile.let('developer');
    await renewHeld(designer.context, designer.holders, { isForced: true });
    turnstile.release('developer');
    expect(await taking).toMatchObject({ outcome: 'rejected', reason: 'held' });
    await expect(done(designer)).resolves.toMatchObject({ isRepeated: false });
  });

  it('after a takeover is reported as lost, and only then', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer');
    await claim(designer);
    rig.advance(11 * minute);
    await claim(rig.terminal('developer'));
    const lost = await renewHeld(designer.context, designer.holders, { isForced: true });
    expect(lost.map(({ step }) => step)).toEqual(['design']);
    expect(await renewHeld(designer.context, designer.holders, { isForced: true })).toEqual([]);
    await expect(done(designer)).rejects.toThrow('fenced');
  });

  it('does not happen through a heartbeat of the same name, here or elsewhere', async () => {
    const rig = new AgentsRig();
    await claim(rig.terminal('designer', 's-1'));
    rig.advance(10 * minute + 1000);
    await beat(rig.context('designer', 's-1'), { sessionId: 's-1', status: 'active' });
    expect(await claim(rig.terminal('developer'))).toMatchObject({ how: 'expired' });
  });

  it('is sent by a watch for claims made from a live session', async () => {
    const rig = new AgentsRig();
    const folder = await createTemporaryFolder();
    const holders = openHolderFiles(nodeIo, folder.path, { agent: 'designer', place: 's-1' });
    const designer = { context: rig.context('designer', 's-1'), holders };
    await claim(designer);
    const watch = new SessionHeartbeats(
      { ...rig.context('watcher'), clock: { ...systemClock, now: () => rig.store.nowMs } },
      { io: nodeIo, folder: folder.path },
    );
    for (let n = 0; n < 30; n += 1) {
      rig.advance(5 * minute);
      await watch.send([{ harness: 'claude-code', id: 's-1', presumedAgent: 'somebody-else' }]);
    }
    expect(await claim(rig.terminal('developer'))).toMatchObject({ outcome: 'rejected' });
    for (let n = 0; n < 3; n += 1) {
      rig.advance(5 * minute);
      await watch.send([{ harness: 'claude-code', id: 's-2', presumedAgent: 'designer' }]);
    }
    expect(await claim(rig.terminal('developer'))).toMatchObject({ how: 'expired' });
    await folder.remove();
  });

  it('costs a watch no request when no session is live', async () => {
    const rig = new AgentsRig();
    let requests = 0;
    const gate = async (): Promise<void> => {
      requests += 1;
    };
    await new SessionHeartbeats(rig.context('watcher', undefined, { gate })).send([]);
    expect(requests).toBe(0);
  });
});

describe('a repeated request', () => {
  it('succeeds once: the holder learns that it has the step, and wins nothing', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer');
    await claim(designer);
    const before = rig.steps();
    expect(await claim(designer)).toMatchObject({ isOwnName: true, isHere: true });
    const elsewhere = rig.terminal('designer', 's-2');
    expect(await claim(elsewhere)).toMatchObject({ isOwnName: true, isHere: false });
    expect(rig.steps()).toEqual(before);
  });

  it('by six processes of one name in one place is won by one of them', async () => {
    const rig = new AgentsRig();
    const { holders } = rig.terminal('designer');
    const results = await Promise.all(
      Array.from({ length: 6 }, () => claim({ context: rig.context('designer'), holders })),
    );
    expect(results.filter(({ outcome }) => outcome === 'claimed')).toHaveLength(1);
  });

  it('with --mine moves the claim here as a new epoch, and fences the other', async () => {
    const rig = new AgentsRig();
    const first = rig.terminal('designer', 's-1');
    const second = rig.terminal('designer', 's-2');
    await claim(first);
    const mayTake = async (): Promise<void> => {
      throw new LostError('a need was reopened');
    };
    const request = { step: 'design', ttlMs: minute, reopen: false, mine: true, alongside: alone };
    expect(await acquire(second.context, second.holders, { ...request, mayTake })).toMatchObject({
      how: 'mine',
      claim: { epoch: 2, session_id: 's-2' },
    });
    await expect(done(first)).rejects.toThrow('fenced');
    await expect(done(second)).resolves.toMatchObject({ isRepeated: false });
    const stranger = claim(rig.terminal('developer'), 'design', { mine: true });
    expect(await stranger).toMatchObject({ outcome: 'rejected' });
  });

  it('with another outcome is refused, not taken as done', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer');
    await claim(designer);
    const end = (outcome: 'blocked' | 'complete') =>
      complete(designer.context, designer.holders, { step: 'design' }, { outcome });
    await end('blocked');
    await expect(end('complete')).rejects.toThrow('step design was blocked already (epoch 1)');
    expect(await readStep(designer.context, 'design')).toMatchObject({ status: 'blocked' });
  });

  it('by several at the same moment sends one mail', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer');
    await claim(designer);
    const report = { outcome: 'complete', nextAgent: 'developer' } as const;
    await Promise.allSettled(
      [1, 2, 3, 4].map(() =>
        complete(designer.context, designer.holders, { step: 'design' }, report),
      ),
    );
    await complete(designer.context, designer.holders, { step: 'design' }, report);
    const mail = [...rig.store.objects.keys()].filter((key) => key.includes('/messages/'));
    expect(mail).toHaveLength(1);
    expect(rig.events('message.sent')).toHaveLength(1);
  });
});

describe('a failure to record', () => {
  it('after a claim or a completion was written does not undo it', async () => {
    const rig = new AgentsRig();
    const told: string[] = [];
    const failing = (terminal: Terminal): Terminal => ({
      holders: terminal.holders,
      context: {
        ...terminal.context,
        onUnrecorded: (error) => told.push(error.message),
        bucket: {
          ...terminal.context.bucket,
          put: () => Promise.reject(new Error('no event')),
          putIfAbsent: (key, body) =>
            key.includes('/events/')
              ? Promise.reject(new Error('no event'))
              : terminal.context.bucket.putIfAbsent(key, body),
        },
      },
    });
    const designer = failing(rig.terminal('designer'));
    expect(await claim(designer)).toMatchObject({ outcome: 'claimed' });
    expect(await done(designer)).toMatchObject({ isRepeated: false });
    expect(told.length).toBeGreaterThanOrEqual(2);
    expect(await readStep(rig.context('x'), 'design')).toMatchObject({ status: 'complete' });
  });
});

describe('an agent that lost a step', () => {
  it('may not upload artifacts to it', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer');
    await refuseFenced(designer.context, designer.holders, { step: 'design' });
    await claim(designer);
    await refuseFenced(designer.context, designer.holders, { step: 'design' });
    rig.advance(11 * minute);
    await claim(rig.terminal('developer'));
    await expect(
      refuseFenced(designer.context, designer.holders, { step: 'design' }),
    ).rejects.toThrow('fenced');
  });
});

describe('a planted document', () => {
  it('with a note that no reader accepts is refused before anything is written', async () => {
    const rig = new AgentsRig();
    const ann = rig.terminal('ann');
    await claim(ann);
    const before = rig.steps();
    const report = { outcome: 'complete', note: 'n'.repeat(100_001) } as const;
    const ended = complete(ann.context, ann.holders, { step: 'design' }, report);
    await expect(ended).rejects.toThrow('nobody could read it: outcome.note');
    expect(rig.steps()).toEqual(before);
    const talkative = beat(ann.context, {
      sessionId: null,
      status: 'active',
      summary: 's'.repeat(100_001),
    });
    await expect(talkative).rejects.toThrow('nobody could read it: summary');
    expect(rig.json('demo/agents/ann.json')).toBeUndefined();
  });

  it('with an epoch at the limit is refused before anything is written', async () => {
    const rig = new AgentsRig();
    const planted = { agent: 'x', state: 'released', epoch: Number.MAX_SAFE_INTEGER };
    await rig.store.client().put('demo/steps/m/claim.json', Buffer.from(JSON.stringify(planted)));
    const before = rig.steps();
    await expect(claim(rig.terminal('designer'), 'm')).rejects.toThrow('epoch');
    expect(rig.steps()).toEqual(before);
  });

  it('with endless nesting is reported', async () => {
    const rig = new AgentsRig();
    const body = `{"id": "designer", "status": "active", "x": ${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
    await rig.store.client().put('demo/agents/designer.json', Buffer.from(body));
    const beating = beat(rig.context('designer'), { sessionId: null, status: 'active' });
    await expect(beating).rejects.toThrow('nested');
  });

  it('for a step the older tool has completed does not complete it again', async () => {
    const rig = new AgentsRig();
    const client = rig.store.client();
    await client.put('demo/steps/design/claim.json', Buffer.from('{"agent": "designer"}'));
    const status = '{"status": "complete", "agent": "designer"}';
    await client.put('demo/steps/design/status.json', Buffer.from(status));
    await expect(done(rig.terminal('designer'))).rejects.toThrow('completed already');
  });
});

describe('registering again', () => {
  it('is not a heartbeat of a session that died', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer', 's-1');
    await claim(designer);
    await beat(designer.context, { sessionId: 's-1', status: 'active' });
    rig.advance(9 * minute);
    const { bucket, layout } = rig.context('designer');
    const capabilities = { putIfAbsent: true, putIfMatch: true };
    await registerAgent(bucket, layout, { agent: 'designer', host: 'box', capabilities });
    rig.advance(2 * minute);
    expect(await claim(rig.terminal('developer'))).toMatchObject({ how: 'expired' });
  });
});

describe('releasing', () => {
  it('a finished step is refused, even by force, and the handoff stays', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer');
    const lead = rig.terminal('lead');
    await claim(designer);
    await done(designer);
    await rig.store.client().delete('demo/steps/design/handoff.json');
    const forced = release(lead.context, lead.holders, { step: 'design', force: true });
    await expect(forced).rejects.toBeInstanceOf(LostError);
    await expect(done(lead, 'design', true)).rejects.toThrow('completed already by designer');
    expect(await readHandoff(lead.context, 'design')).toMatchObject({ note: 'agreed', epoch: 1 });
  });

  it('makes the step available at once', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer');
    await claim(designer);
    await release(designer.context, designer.holders, { step: 'design' });
    expect(rig.json('demo/steps/design/status.json')).toMatchObject({ status: 'pending' });
    expect(await claim(rig.terminal('developer'))).toMatchObject({
      how: 'released',
      claim: { epoch: 2 },
    });
  });

  it('by force does not lose the mail of a rejection whose writer was stopped', async () => {
    const rig = new AgentsRig();
    const [ann, rev, lead] = [rig.terminal('ann'), rig.terminal('rev'), rig.terminal('lead')];
    for (const [step, end] of [
      ['given', () => release(lead.context, lead.holders, { step: 'given', force: true })],
      ['ended', () => done(lead, 'ended', true)],
    ] as const) {
      await claim(lead, step);
      await release(lead.context, lead.holders, { step });
      await claim(ann, step);
      await complete(ann.context, ann.holders, { step }, { outcome: 'needs_review' });
      const before = new Map(rig.store.objects);
      await review(rev.context, { step, verdict: 'rejected', note: 'no tests' });
      const claimKey = rig.layout.claim(step);
      for (const key of rig.store.objects.keys()) {
        const was = before.get(key);
        if (key === claimKey) continue;
        if (was === undefined) rig.store.objects.delete(key);
        else rig.store.objects.set(key, was);
      }
      await end();
      const told = rig.events('step.rejected').filter((event) => event.step === step);
      expect(told, step).toHaveLength(1);
    }
    const mail = [...rig.store.objects.keys()].filter((key) => key.includes('/messages/ann/'));
    expect(mail).toHaveLength(2);
  });

  it('twice is harmless, and without a claim is not found', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer');
    await claim(designer);
    await release(designer.context, designer.holders, { step: 'design' });
    expect(await release(designer.context, designer.holders, { step: 'design' })).toMatchObject({
      isRepeated: true,
    });
    expect(rig.events('step.released')).toHaveLength(1);
    await expect(
      release(designer.context, designer.holders, { step: 'build' }),
    ).rejects.toBeInstanceOf(NotFoundError);
  });

  it('somebody else’s step needs force, and then fences them', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer');
    const lead = rig.terminal('lead');
    await claim(designer);
    await expect(release(lead.context, lead.holders, { step: 'design' })).rejects.toThrow(
      /claimed by 'designer'/,
    );
    await release(lead.context, lead.holders, { step: 'design', force: true });
    await expect(done(designer)).rejects.toThrow('fenced');
  });
});

describe('completing', () => {
  it('writes the whole handoff to the claim, and the same to handoff.json and status.json', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer');
    const spec = { name: 'design/spec.md', sha256: 'a'.repeat(64), size: 3, etag: '"1"' };
    await claim(designer);
    await complete(
      designer.context,
      designer.holders,
      { step: 'design' },
      {
        outcome: 'complete',
        note: 'agreed',
        nextAgent: 'developer',
        nextAction: 'build it',
        changedFiles: ['a.ts'],
        artifacts: [spec],
      },
    );
    const handoff = {
      schema: 2,
      from_agent: 'designer',
      from_step: 'design',
      next_agent: 'developer',
      state: 'complete',
      next_action: 'build it',
      note: 'agreed',
      created_at: aroundThen,
      changed_files: ['a.ts'],
      artifacts: [spec],
      epoch: 1,
      message_id: expect.stringMatching(/^[0-9a-f]{8}$/),
    };
    expect(rig.json('demo/steps/design/handoff.json')).toEqual(handoff);
    expect(rig.json('demo/steps/design/claim.json')).toMatchObject({
      state: 'done',
      outcome: handoff,
    });
    expect(rig.json('demo/steps/design/status.json')).toEqual({
      status: 'complete',
      agent: 'designer',
      started_at: '2026-01-02T03:04:05.000Z',
      completed_at: aroundThen,
      epoch: 1,
    });
    const mail = [...rig.store.objects.keys()].filter((key) => key.includes('/messages/'));
    expect(mail).toHaveLength(1);
    expect(rig.json(mail[0] ?? '')).toMatchObject({
      from: 'designer',
      to: 'developer',
      step: 'design',
    });
  });

  it('with a different report is refused, even by force, and changes nothing', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer');
    await claim(designer);
    await done(designer);
    const before = [...rig.store.objects.keys()];
    for (const [said, force] of [
      [{ note: 'another' }, false],
      [{ note: 'agreed', nextAgent: 'reviewer' }, false],
      [{ note: 'another' }, true],
    ] as const) {
      const again = complete(
        designer.context,
        designer.holders,
        { step: 'design', force },
        { outcome: 'complete', ...said },
      );
      await expect(again).rejects.toThrow(/completed already .*, with another (note|next agent)/);
    }
    expect([...rig.store.objects.keys()]).toEqual(before);
  });

  it('an unclaimed step claims and ends it in one write', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer');
    expect(await done(designer)).toMatchObject({ wasUnclaimed: true, claim: { epoch: 1 } });
    expect(await readStep(rig.context('x'), 'design')).toMatchObject({ status: 'complete' });
    await expect(done(rig.terminal('developer'))).rejects.toThrow('completed already by designer');
  });

  it('twice changes nothing and sends no second mail', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer');
    await claim(designer);
    const report = { outcome: 'complete', nextAgent: 'developer' } as const;
    await complete(designer.context, designer.holders, { step: 'design' }, report);
    const before = [...rig.store.objects.keys()];
    const again = await complete(designer.context, designer.holders, { step: 'design' }, report);
    expect(again).toMatchObject({ isRepeated: true, handoff: { state: 'complete' } });
    expect([...rig.store.objects.keys()]).toEqual(before);
  });

  it.each(['blocked', 'needs_review'] as const)('as %s says so everywhere', async (outcome) => {
    const rig = new AgentsRig();
    const reviewer = rig.terminal('reviewer');
    await claim(reviewer, 'review');
    const report = { outcome, note: 'missing auth check, needs rework' };
    await complete(reviewer.context, reviewer.holders, { step: 'review' }, report);
    expect(await readStep(rig.context('x'), 'review')).toMatchObject({
      status: outcome,
      note: report.note,
    });
    expect(await readHandoff(rig.context('x'), 'review')).toMatchObject({
      state: outcome,
      next_agent: null,
    });
    expect(rig.events(`step.${outcome}`)).toHaveLength(1);
  });

  it('a claim made elsewhere needs its epoch', async () => {
    const rig = new AgentsRig();
    await claim(rig.terminal('designer', 's-1'));
    const other = rig.terminal('designer', 's-2');
    const report = { outcome: 'complete' } as const;
    await expect(
      complete(other.context, other.holders, { step: 'design', epoch: 2 }, report),
    ).rejects.toBeInstanceOf(LostError);
    await complete(other.context, other.holders, { step: 'design', epoch: 1 }, report);
    expect(await readStep(rig.context('x'), 'design')).toMatchObject({ status: 'complete' });
  });

  it('by force takes it over first', async () => {
    const rig = new AgentsRig();
    const designer = rig.terminal('designer');
    await claim(designer);
    await done(rig.terminal('lead'), 'design', true);
    expect(rig.json('demo/steps/design/claim.json')).toMatchObject({ agent: 'lead', epoch: 2 });
    await expect(done(designer)).rejects.toThrow('taken over by lead (epoch 2)');
  });
});

describe('on a store that does not arbitrate', () => {
  const none = { putIfAbsent: false, putIfMatch: false };

  function unarbitrated(rig: AgentsRig, agent: string): Terminal {
    const { context, holders } = rig.terminal(agent);
    const bucket = { ...context.bucket, capabilities: none };
    return { context: { ...context, bucket }, holders };
  }

  it('a claim is best-effort and says so; a later one is still refused', async () => {
    const rig = new AgentsRig();
    expect(await claim(unarbitrated(rig, 'designer'))).toMatchObject({
      outcome: 'claimed',
      isBestEffort: true,
    });
    expect(await claim(unarbitrated(rig, 'developer'))).toMatchObject({ outcome: 'rejected' });
  });

  it('of two simultaneous claims, the overwritten one learns it', async () => {
    const rig = new AgentsRig();
    const first = unarbitrated(rig, 'designer');
    let second: Promise<ClaimResult> | undefined;
    const clock = {
      ...first.context.clock,
      sleep: async () => {
        // As if the other had looked before the first wrote.
        await rig.store.client().delete('demo/steps/design/claim.json');
        second ??= claim(unarbitrated(rig, 'developer'));
        await second;
      },
    };
    const result = await claim({ context: { ...first.context, clock }, holders: first.holders });
    expect(await second).toMatchObject({ outcome: 'claimed' });
    expect(result).toMatchObject({ outcome: 'rejected', holder: { agent: 'developer' } });
  });
});
