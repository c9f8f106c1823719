import { describe, expect, it } from 'vitest';
import { timelineOf } from '../../src/replay/timeline/timeline.js';
import { HandMadeBucket, isoAt, stampAt } from './run-state.js';

async function told(made: HandMadeBucket): Promise<string[]> {
  const { state } = await made.read();
  return timelineOf(state).entries.map(({ type, agent, text, isDerived }) =>
    `${isDerived ? '~' : ''}${type} ${agent ?? '-'} ${text}`.trimEnd(),
  );
}

const claim = {
  agent: 'developer',
  nonce: 'a'.repeat(32),
  epoch: 1,
  claimed_at: isoAt(10),
  state: 'held',
};
const ref = { key: 'demo/steps/build/claim.json', nonce: claim.nonce };

describe('a bucket with events', () => {
  it('shows them by time, then by key', async () => {
    const made = new HandMadeBucket()
      .event(30, 'step.completed', 'developer', {
        step: 'build',
        data: { note: 'done', next_agent: 'reviewer' },
      })
      .event(10, 'step.claimed', 'developer', { step: 'build', data: { ref, epoch: 1 } })
      .event(10, 'agent.registered', 'developer')
      .event(20, 'step.claim_rejected', 'reviewer', {
        step: 'build',
        data: { holder: 'developer', reason: 'held' },
      });
    expect(await told(made)).toEqual([
      'step.claimed developer build',
      'agent.registered developer',
      'step.claim_rejected reviewer build, held by developer',
      'step.completed developer build → reviewer: done',
    ]);
  });

  it('does not repeat a state that an event records', async () => {
    const made = new HandMadeBucket()
      .put('agents/developer.json', { id: 'developer', status: 'active', started_at: isoAt(1) })
      .event(1, 'agent.registered', 'developer', {
        data: { ref: { key: 'demo/agents/developer.json', id: 'developer' } },
      })
      .put('steps/build/claim.json', {
        ...claim,
        state: 'done',
        outcome: {
          from_agent: 'developer',
          state: 'blocked',
          note: 'no',
          epoch: 1,
          created_at: isoAt(20),
        },
      })
      .put('steps/build/handoff.json', {
        from_agent: 'developer',
        state: 'blocked',
        note: 'no',
        epoch: 1,
      })
      .put('steps/build/status.json', { status: 'blocked', agent: 'developer', epoch: 1 })
      .event(10, 'step.claimed', 'developer', { step: 'build', data: { ref, epoch: 1 } })
      .event(20, 'step.blocked', 'developer', {
        step: 'build',
        data: {
          ref: { key: 'demo/steps/build/handoff.json', nonce: claim.nonce },
          epoch: 1,
          note: 'no',
        },
      })
      .put(`messages/reviewer/${stampAt(21)}_developer_0000000a.json`, {
        from: 'developer',
        message: 'hi',
      })
      .event(21, 'message.sent', 'developer', {
        data: {
          ref: {
            key: `demo/messages/reviewer/${stampAt(21)}_developer_0000000a.json`,
            id: '0000000a',
          },
          to: 'reviewer',
          message: 'hi',
        },
      })
      .put('memory/a.b.json', { value: 1, set_by: 'developer', version: 2 })
      .put(`memory/_history/a.b/${stampAt(22)}_developer_0000000b.json`, {
        value: 0,
        set_by: 'developer',
        version: 1,
      })
      .put(`memory/_history/a.b/${stampAt(23)}_developer_0000000c.json`, {
        value: 1,
        set_by: 'developer',
        version: 2,
      })
      .event(22, 'memory.set', 'developer', {
        data: { ref: { key: 'demo/memory/a.b.json', version: 1 } },
      })
      .event(23, 'memory.set', 'developer', {
        data: {
          ref: {
            key: `demo/memory/_history/a.b/${stampAt(23)}_developer_0000000c.json`,
            version: 2,
          },
        },
      })
      .put('artifacts/build/patch.diff', 'diff')
      .event(24, 'artifact.uploaded', 'developer', {
        step: 'build',
        data: { ref: { key: 'demo/artifacts/build/patch.diff' }, size: 4 },
      });
    expect(await told(made)).toEqual([
      'agent.registered developer',
      'step.claimed developer build',
      'step.blocked developer build: no',
      'message.sent developer → reviewer: hi',
      'memory.set developer a.b (version 1)',
      'memory.set developer a.b (version 2)',
      'artifact.uploaded developer build/patch.diff (4 bytes)',
    ]);
  });

  it('shows states left without an event by a crash', async () => {
    const made = new HandMadeBucket()
      .event(10, 'step.claimed', 'developer', { step: 'build', data: { ref, epoch: 1 } })
      .put('steps/build/claim.json', {
        ...claim,
        epoch: 2,
        nonce: 'b'.repeat(32),
        claimed_at: isoAt(500),
        agent: 'reviewer',
        state: 'done',
        outcome: {
          from_agent: 'reviewer',
          from_step: 'build',
          state: 'blocked',
          note: 'missing',
          epoch: 2,
          created_at: isoAt(600),
        },
      });
    expect(await told(made)).toEqual([
      'step.claimed developer build',
      '~step.claimed reviewer build (epoch 2)',
      '~step.blocked reviewer build: missing',
    ]);
  });

  it('does not mistake a forced ending for a claim', async () => {
    const made = new HandMadeBucket()
      .event(10, 'step.claimed', 'developer', { step: 'build', data: { ref, epoch: 1 } })
      .put('steps/build/claim.json', {
        ...claim,
        epoch: 2,
        nonce: 'b'.repeat(32),
        agent: 'reviewer',
        state: 'released',
      })
      .event(60, 'step.released', 'reviewer', {
        step: 'build',
        data: { ref: { key: 'demo/steps/build/status.json', nonce: 'b'.repeat(32) }, epoch: 2 },
      });
    expect(await told(made)).toEqual([
      'step.claimed developer build',
      'step.released reviewer build (epoch 2)',
    ]);
  });

  it('keeps unknown types', async () => {
    const made = new HandMadeBucket().event(1, 'weather.changed', 'developer', { step: 'build' });
    expect(await told(made)).toEqual(['weather.changed developer build']);
  });
});

describe('a bucket whose writers keep no events', () => {
  it('shows what follows from its state', async () => {
    const made = new HandMadeBucket()
      .put('agents/designer.json', {
        id: 'designer',
        status: 'active',
        started_at: isoAt(0),
        heartbeat: isoAt(9),
      })
      .put('steps/design/claim.json', { agent: 'designer', claimed_at: isoAt(5) })
      .put('steps/design/status.json', {
        status: 'complete',
        agent: 'designer',
        completed_at: isoAt(40),
      })
      .put('steps/design/handoff.json', {
        from_agent: 'designer',
        from_step: 'design',
        next_agent: 'developer',
        note: 'look',
        created_at: isoAt(40),
      })
      .put('memory/design/contract.json', {
        value: 'JWT',
        set_by: 'designer',
        set_at: isoAt(20),
        version: 1,
      })
      .put(`messages/developer/${stampAt(30)}_designer_0000000a.json`, {
        from: 'designer',
        to: 'developer',
        message: 'go',
      })
      .put(`messages/_broadcast/${stampAt(31)}_designer_0000000b.json`, {
        from: 'designer',
        message: 'all',
      })
      .put('artifacts/build/patch.diff', 'diff');
    expect(await told(made)).toEqual([
      '~agent.registered designer',
      '~artifact.uploaded - build/patch.diff (4 bytes)',
      '~step.claimed designer design',
      '~memory.set designer design.contract = JWT (version 1)',
      '~message.sent designer → developer: go',
      '~message.broadcast designer → all: all',
      '~step.completed designer design → developer: look',
    ]);
  });

  it('shows how a step ended even from a status alone', async () => {
    const made = new HandMadeBucket().put('steps/x/status.json', {
      status: 'needs_review',
      agent: 'a',
      completed_at: isoAt(3),
    });
    expect(await told(made)).toEqual(['~step.needs_review a x']);
  });
});

describe('sessions', () => {
  it('are separate from the entries, with the agent that an event names', async () => {
    const meta = {
      schema_version: 2,
      harness: 'claude-code',
      session_id: 's1',
      agent_id: 'nobody',
      title: 'Work',
      started_at: isoAt(1),
      ended_at: isoAt(9),
    };
    const made = new HandMadeBucket()
      .put('sessions/claude-code/s1/meta.json', meta)
      .put('sessions/claude-code/s2/part-00000-00000000.jsonl', '{}\n')
      .event(2, 'agent.registered', 'designer', { session_id: 's1' });
    const { entries, sessions } = timelineOf((await made.read()).state);
    expect(entries).toHaveLength(1);
    expect(sessions.map(({ type, agent, text }) => [type, agent, text])).toEqual([
      ['session.started', 'designer', 'claude-code: Work'],
      ['session.ended', 'designer', 'claude-code: Work'],
    ]);
  });
});

describe('an object that does not match its key', () => {
  it('is skipped and named', async () => {
    const made = new HandMadeBucket()
      .event(1, 'agent.registered', 'designer')
      .put(`events/${stampAt(2)}_designer_0000000f.json`, 'no json')
      .put(`events/${stampAt(3)}_designer_000000ff.json`, { agent: 5 })
      .put('events/junk.txt', 'junk')
      .put('steps/../claim.json', claim)
      .put('steps/build/claim.json', { agent: [] })
      .put('messages/developer/_cursor.json', {})
      .put('memory/x.json', '{"version": "one"}');
    const { state, skipped } = await made.read();
    expect(timelineOf(state).entries).toHaveLength(1);
    expect(skipped.map(({ message }) => message).sort()).toEqual([
      expect.stringContaining(`${stampAt(2)}_designer_0000000f.json: not JSON`),
      expect.stringContaining(`${stampAt(3)}_designer_000000ff.json: type`),
      expect.stringContaining('demo/memory/x.json'),
      expect.stringContaining('demo/steps/build/claim.json: agent'),
    ]);
  });
});

describe('reading again', () => {
  it('gets only what is new', async () => {
    const { RunReader } = await import('../../src/replay/timeline/read.js');
    const { layout } = await import('./run-state.js');
    const made = new HandMadeBucket()
      .event(1, 'agent.registered', 'a')
      .event(2, 'agent.registered', 'b');
    const requests: string[] = [];
    const bucket = made.store.client({ gate: async (request) => void requests.push(request) });
    const reader = new RunReader(bucket, layout);
    await reader.read();
    expect(requests.filter((request) => request === 'GET')).toHaveLength(2);
    made.event(3, 'agent.registered', 'c');
    const { state } = await reader.read();
    expect(requests.filter((request) => request === 'GET')).toHaveLength(3);
    expect(state.events).toHaveLength(3);
  });
});
