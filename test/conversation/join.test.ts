import { describe, expect, it } from 'vitest';
import type { Conversation } from '../../src/conversation/conversation.js';
import { countsOf } from '../../src/conversation/counts.js';
import {
  type ChildHead,
  headOf,
  withChildren,
  withSpilledResults,
} from '../../src/conversation/join.js';
import { spawnedIn } from '../../watchers/claude-code/conversation/agent-meta.js';
import { fold, that, those } from './folding.js';
import { ClaudeRows, hermesMessage, hermesSession } from './sample-rows.js';

function agent(id: string, task: string, stream = `subagents/agent-${id}`): Conversation {
  const rows = new ClaudeRows();
  rows.user(task);
  rows.assistant('m1', [{ type: 'text', text: 'Found.' }]);
  return fold('claude-code', rows.rows, { session: rows.session, stream });
}

function headsOf(...conversations: readonly Conversation[]): readonly ChildHead[] {
  return conversations.map((one) => headOf(one)).filter((head) => head !== undefined);
}

function caller(): Conversation {
  const rows = new ClaudeRows();
  rows.call('m1', 't1', 'Agent', { prompt: 'Look here' });
  rows.call('m1', 't2', 'Agent', { prompt: 'Look there' });
  return fold('claude-code', rows.rows, { session: rows.session });
}

describe('children', () => {
  it('are placed at the call that names them', () => {
    const [head] = headsOf(agent('a1', 'something else'));
    if (head === undefined) throw new Error('no head');
    const spawnedBy = { ...head.spawnedBy, stream: '', callId: 't2' };
    const joined = withChildren(caller(), [{ ...head, spawnedBy }]);
    expect(those(joined, 'call').map(({ child }) => child?.id)).toEqual([undefined, 'a1']);
    expect(countsOf(joined).subagents_linked).toEqual(['a1']);
  });

  it('of a sub-agent are identified by the file beside their transcript', () => {
    const rows = new ClaudeRows();
    rows.user('find it');
    const meta = { toolUseId: 't2', parentAgentId: 'a1', description: 'find', spawnDepth: 2 };
    const spawned = spawnedIn(meta, rows.session);
    const place = { session: rows.session, stream: 'subagents/agent-a2', spawned };
    const nested = fold('claude-code', rows.rows, place);
    expect(nested).toMatchObject({ title: 'find' });
    expect(nested.spawnedBy).toEqual({
      session: rows.session,
      stream: 'subagents/agent-a1',
      callId: 't2',
    });
    const main = caller();
    const parent = { ...main, stream: 'subagents/agent-a1' };
    const joined = withChildren(parent, headsOf(nested));
    expect(those(joined, 'call').map(({ child }) => child?.id)).toEqual([undefined, 'a2']);
    expect(withChildren(main, headsOf(nested))).toBe(main);
    expect(spawnedIn({ agentType: 'general-purpose' }, 's')).toEqual({ session: 's' });
    expect(spawnedIn({ toolUseId: 't1' }, 's')).toMatchObject({ stream: '', callId: 't1' });
  });

  it('are placed at the calls that gave them their tasks, one each', () => {
    const deeper = 'subagents/workflows/wf/agent-a2';
    const heads = headsOf(agent('a1', 'Look there'), agent('a2', 'Look here', deeper));
    const joined = withChildren(caller(), heads);
    expect(those(joined, 'call').map(({ child }) => child?.stream)).toEqual([
      deeper,
      'subagents/agent-a1',
    ]);
    expect(
      countsOf(withChildren(caller(), headsOf(agent('a3', 'Neither')))).subagents_linked,
    ).toEqual([]);
  });

  it('with the same task are each placed at one of its calls', () => {
    const rows = new ClaudeRows();
    rows.call('m1', 't1', 'Agent', { prompt: 'Vote' });
    rows.call('m1', 't2', 'Agent', { prompt: 'Vote' });
    const voters = headsOf(agent('a1', 'Vote'), agent('a2', 'Vote'), agent('a3', 'Vote'));
    const session = { session: rows.session };
    const joined = withChildren(fold('claude-code', rows.rows, session), voters);
    expect(those(joined, 'call').map(({ child }) => child?.id)).toEqual(['a1', 'a2']);
  });

  it('of a session that only names its parent belong to all of it', () => {
    const parent = fold('hermes', [hermesMessage(1, 'user', 'go')], { session: 'p' });
    const origin = hermesSession({ model_config: { _delegate_from: 'p' } });
    const child = fold('hermes', [origin, hermesMessage(2, 'user', 'task')], { session: 'c' });
    const copy = { ...child, stream: 'profiles/coder' };
    expect(countsOf(withChildren(parent, headsOf(child, copy))).subagents_linked).toEqual(['c']);
  });

  it('that summarise are placed at the compaction', () => {
    const rows = new ClaudeRows();
    rows.user('go');
    rows.system('compact_boundary');
    const heads = headsOf(agent('acompact-1', 'Your task is to sum up'));
    rows.system('compact_boundary');
    const parent = fold('claude-code', rows.rows, { session: rows.session });
    const joined = withChildren(parent, heads);
    expect(those(joined, 'compaction').map((one) => one.agent?.id)).toEqual([
      undefined,
      'acompact-1',
    ]);
    expect(countsOf(joined).subagents_linked).toEqual([]);
  });
});

describe('spilled results', () => {
  it('replace the truncated ones', () => {
    const rows = new ClaudeRows();
    rows.call('m1', 't1', 'Bash', { command: 'seq 9' });
    const persistedOutputPath = 'C:\\p\\tool-results\\b7.txt';
    rows.result('t1', 'Output too large', { toolUseResult: { persistedOutputPath } });
    const spilled = fold('claude-code', [{ type: 'tool-result', id: 'b7', text: '1\n2' }]);
    const conversation = fold('claude-code', rows.rows, { session: rows.session });
    const joined = withSpilledResults(conversation, spilled);
    expect(that(joined, 'call').result).toMatchObject({ text: '1\n2', spilled: 'b7' });
  });
});
