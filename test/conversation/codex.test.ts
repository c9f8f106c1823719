import { describe, expect, it } from 'vitest';
import { countsOf } from '../../src/conversation/counts.js';
import { fold, kindsOf, promptsOf, that, those } from './folding.js';
import {
  answerItem,
  event,
  hookItem,
  item,
  meta,
  thread,
  userEvent,
  userItem,
} from './sample-rows.js';

type Row = Readonly<Record<string, unknown>>;

function read(...rows: readonly Row[]) {
  return fold('codex', rows, { session: thread });
}

function call(id: string, name: string, args: unknown = {}): Row {
  return item({ type: 'function_call', name, arguments: JSON.stringify(args), call_id: id });
}

function output(id: string, said: unknown): Row {
  return item({ type: 'function_call_output', call_id: id, output: said });
}

describe('prompts', () => {
  it('are recorded twice and shown once', () => {
    const conversation = read(
      meta(),
      userItem('# AGENTS.md instructions for /w'),
      userItem('<environment_context>/w</environment_context>'),
      userItem('yes', { type: 'input_image' }),
      userEvent('yes'),
      answerItem('Then so.'),
      event({ type: 'user_message', message: 'yes' }),
      userItem('yes'),
      answerItem('Again.'),
    );
    expect(those(conversation, 'prompt')).toMatchObject([
      { text: 'yes', images: 1, rows: [3, 4] },
      { text: 'yes', images: 0, rows: [6, 7] },
    ]);
    expect(conversation.bookkeeping).toEqual({ 'message user context': 2, session_meta: 1 });
  });

  it('are the items if there are no events', () => {
    const conversation = read(meta(), userItem('old'), answerItem('a'), userItem('older'));
    expect(promptsOf(conversation)).toEqual(['old', 'older']);
  });

  it('are the events if there are any: other items are the harness’s', () => {
    const conversation = read(
      meta(),
      userItem('You may not use the network.'),
      answerItem('I see.'),
      userItem('go'),
      userEvent('go'),
    );
    expect(kindsOf(conversation)).toEqual(['context', 'answer', 'prompt']);
  });

  it('are shown to the user in other words than to the model', () => {
    const conversation = read(
      meta(),
      userItem('look at <file>a.ts</file>'),
      userEvent('look at @a'),
    );
    expect(those(conversation, 'prompt')).toMatchObject([{ text: 'look at @a', rows: [1, 2] }]);
  });

  it('of a program or another agent are marked as such', () => {
    expect(that(read(meta({ source: 'exec' }), userItem('a')), 'prompt').origin).toBe('sdk');
    const spawn = { thread_spawn: { parent_thread_id: 'parent' } };
    const child = read(meta({ source: { subagent: spawn } }), userItem('task'));
    expect(that(child, 'prompt').origin).toBe('agent');
    expect(child).toMatchObject({ isSubagent: true, title: 'task' });
    expect(countsOf(child)).toMatchObject({ is_subagent: true, parent: 'parent' });
  });

  it('of a review belong to the review', () => {
    const conversation = read(
      meta(),
      userItem('go'),
      userEvent('go'),
      userEvent('Review', 'other'),
    );
    expect(promptsOf(conversation)).toEqual(['go']);
    expect(countsOf(conversation).subagents_linked).toEqual(['other']);
  });
});

describe('calls', () => {
  it('have their result, and their ending from events', () => {
    const conversation = read(
      meta(),
      call('c1', 'shell', { command: ['bash', '-lc', 'npm test'] }),
      event({
        type: 'exec_command_end',
        call_id: 'c1',
        exit_code: 1,
        duration: { secs: 2, nanos: 5e8 },
      }),
      output('c1', 'Exit code: 1\nWall time: 2.5 seconds\nOutput:\nfailed'),
      call('c2', 'exec_command', { cmd: 'ls' }),
      output('c2', '{"output":"a","metadata":{"exit_code":0}}'),
      item({
        type: 'custom_tool_call',
        name: 'apply_patch',
        input: '*** Begin Patch\n*** Add File: b.ts\n',
        call_id: 'c3',
      }),
      event({
        type: 'patch_apply_end',
        call_id: 'c3',
        success: false,
        stderr: 'no',
        changes: { 'b.ts': { unified_diff: '+b' } },
      }),
      item({ type: 'custom_tool_call_output', call_id: 'c3', output: [{ type: 'input_image' }] }),
    );
    expect(those(conversation, 'call')).toMatchObject([
      {
        command: 'npm test',
        result: { text: 'failed', exitCode: 1, durationMs: 2_500, isError: false },
        rows: [1, 3],
      },
      { command: 'ls', result: { text: 'a', exitCode: 0 } },
      { summary: 'b.ts', result: { isError: true, diff: 'b.ts\n+b', images: 1, text: 'no' } },
    ]);
    expect(conversation.bookkeeping).toMatchObject({ exec_command_end: 1, patch_apply_end: 1 });
  });

  it('known only from an event are entries', () => {
    const conversation = read(
      meta(),
      event({
        type: 'mcp_tool_call_end',
        call_id: 'c9',
        invocation: { server: 'linear', tool: 'get' },
        result: { Err: 'no such server' },
      }),
    );
    expect(that(conversation, 'result')).toMatchObject({
      callId: 'c9',
      tool: 'linear.get',
      result: { text: 'no such server', isError: true },
      rows: [1],
    });
    expect(conversation.bookkeeping).toEqual({ session_meta: 1 });
  });

  it('cut off by a compaction have no result', () => {
    const conversation = read(meta(), call('c1', 'exec_command'), {
      type: 'compacted',
      payload: { message: 'In short', replacement_history: [{ role: 'user' }] },
    });
    expect(that(conversation, 'call').result).toBeUndefined();
    expect(that(conversation, 'compaction').summary).toBe('In short');
    expect(countsOf(conversation).own).toEqual({ calls: 1 });
  });

  it('may start an agent', () => {
    const conversation = read(
      meta(),
      call('c1', 'spawn_agent', { message: 'look' }),
      output('c1', '{"agent_id":"child-1","nickname":"Ada"}'),
      call('c2', 'exec_command', { cmd: 'cat agents.json' }),
      output('c2', '{"agent_id":"nobody"}'),
      call('c3', 'spawn_agent'),
      event({ type: 'collab_agent_spawn_end', call_id: 'c3', new_thread_id: 'child-2' }),
      userItem('<subagent_notification>{"agent_path":"child-1"}</subagent_notification>'),
    );
    expect(those(conversation, 'call').map(({ child }) => child?.session)).toEqual([
      'child-1',
      undefined,
      'child-2',
    ]);
    expect(that(conversation, 'notice')).toMatchObject({ notice: 'notification', task: 'child-1' });
    expect(countsOf(conversation).subagents_linked).toEqual(['child-1', 'child-2']);
  });

  it('may run on the model’s side, with no result of their own', () => {
    const conversation = read(
      meta(),
      item({ type: 'web_search_call', id: 'ws1', action: { type: 'search', query: 'ccusage' } }),
      item({ type: 'tool_search_call', call_id: 'ts1', arguments: { query: 'x' } }),
      item({ type: 'tool_search_output', call_id: 'ts1', tools: [{ name: 'y' }] }),
    );
    expect(those(conversation, 'call')).toMatchObject([
      { callId: 'ws1', tool: 'web_search' },
      { callId: 'ts1', tool: 'tool_search', result: {} },
    ]);
  });
});

describe('repetitions', () => {
  it('by events are bookkeeping', () => {
    const conversation = read(
      meta(),
      event({ type: 'agent_reasoning', text: 'Hm' }),
      item({ type: 'reasoning', id: 'r1', summary: [{ type: 'summary_text', text: 'Hm' }] }),
      item({ type: 'reasoning', summary: [], encrypted_content: 'x' }),
      event({ type: 'agent_message', message: 'Done.' }),
      answerItem('Done.', 'm1'),
    );
    expect(kindsOf(conversation)).toEqual(['thinking', 'answer']);
    expect(conversation.bookkeeping).toEqual({
      agent_message: 1,
      agent_reasoning: 1,
      reasoning: 1,
      session_meta: 1,
    });
  });

  it('at the end of an interrupted turn are one notice', () => {
    const conversation = read(
      meta(),
      userItem('go'),
      event({ type: 'turn_aborted', reason: 'interrupted' }),
      userItem('<turn_aborted>The user interrupted.</turn_aborted>'),
    );
    expect(that(conversation, 'notice')).toMatchObject({ notice: 'interruption', rows: [2, 3] });
    expect(conversation.turns).toMatchObject([{ state: 'interrupted' }]);
  });
});

describe('a row from elsewhere', () => {
  it('is context if a hook added it, and a command if the user typed one', () => {
    const conversation = read(
      meta(),
      hookItem('tracecraft: 2 new messages for you'),
      item({ type: 'message', role: 'developer', content: [{ text: 'You may.' }] }),
      userItem('<user_shell_command><command>ls</command><result>a</result></user_shell_command>'),
    );
    expect(that(conversation, 'context').source).toBe('mail');
    expect(that(conversation, 'command')).toMatchObject({ name: '!', args: 'ls', output: 'a' });
  });

  it('is an error', () => {
    const conversation = read(
      meta(),
      userItem('go'),
      event({ type: 'stream_error', message: 'Reconnecting 1/5' }),
      event({ type: 'stream_error', message: 'Reconnecting 2/5' }),
      event({ type: 'error', message: 'out of tokens' }),
      event({ type: 'task_complete', error: { message: 'gave up' } }),
    );
    expect(those(conversation, 'notice')).toMatchObject([
      { notice: 'retries', count: 2 },
      { notice: 'error', text: 'out of tokens' },
      { notice: 'error', text: 'gave up' },
    ]);
    expect(conversation.turns).toMatchObject([{ state: 'failed' }]);
  });

  it('is a copy, from a second header up to the first row of the thread itself', () => {
    const conversation = read(
      meta({ forked_from_id: 'parent' }),
      meta({ id: 'parent' }),
      userItem('theirs'),
      answerItem('Their answer.'),
      event({ type: 'thread_settings_applied', thread_id: thread }),
      userItem('mine'),
      userEvent('mine'),
    );
    expect(those(conversation, 'prompt')).toMatchObject([
      { text: 'theirs', isInherited: true },
      { text: 'mine', rows: [5, 6] },
    ]);
    expect(countsOf(conversation)).toMatchObject({
      own: { prompts: 1 },
      inherited: { prompts: 1, answers: 1 },
      parent: 'parent',
      title: 'mine',
    });
  });

  it('is a copy as long as nothing pauses, if no row names the thread', () => {
    const at = (seconds: number, row: Row): Row => ({
      ...row,
      timestamp: new Date(Date.UTC(2026, 10, 29) + seconds * 1_000).toISOString(),
    });
    const conversation = read(
      at(0, meta()),
      at(0.01, meta({ id: 'parent' })),
      at(0.02, userItem('theirs')),
      at(5, userItem('mine')),
    );
    expect(those(conversation, 'prompt').map(({ isInherited }) => isInherited)).toEqual([
      true,
      undefined,
    ]);
  });

  it('is linked if nothing was copied', () => {
    const base = { thread_id: 'parent', end_ordinal_exclusive: 41 };
    const { forkedFrom } = read(meta({ history_base: base }));
    expect(forkedFrom).toEqual({ session: 'parent', rowId: '40' });
  });
});

describe('turns that were rolled back', () => {
  it('are abandoned, the last ones first', () => {
    const conversation = read(
      meta(),
      userItem('a'),
      answerItem('1'),
      userItem('b'),
      answerItem('2'),
      userItem('c'),
      event({ type: 'thread_rolled_back', num_turns: 2 }),
      userItem('d'),
    );
    expect(conversation.turns.map(({ isAbandoned }) => isAbandoned)).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });
});

describe('the oldest rollouts', () => {
  it('have items without an envelope', () => {
    const conversation = read(
      { id: thread, timestamp: '2025-09-01T00:00:00Z', instructions: null },
      { record_type: 'state' },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello' }] },
      { type: 'local_shell_call', call_id: 'c1', action: { type: 'exec', command: ['ls', '-l'] } },
      { type: 'function_call_output', call_id: 'c1', output: 'a' },
    );
    expect(promptsOf(conversation)).toEqual(['hello']);
    expect(that(conversation, 'call')).toMatchObject({ command: 'ls -l', result: { text: 'a' } });
    expect(conversation.bookkeeping).toEqual({ 'record state': 1, session_meta: 1 });
  });
});
