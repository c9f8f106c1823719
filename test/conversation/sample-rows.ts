/** Rows as the harnesses write them, a little of each kind, made up here. */
type Row = Readonly<Record<string, unknown>>;

const session = '5e55e55e-0000-4000-8000-00000000c0de';
let clockMs = Date.parse('2026-11-29T08:00:00.000Z');

function now(): string {
  clockMs += 1_000;
  return new Date(clockMs).toISOString();
}

/** Rows of Claude Code, each the child of the one before it. */
export class ClaudeRows {
  readonly rows: Row[] = [];
  readonly session: string;
  #last: string | null = null;
  #count = 0;

  constructor(of = session) {
    this.session = of;
  }

  /** A row with an id; what it is given wins. */
  put(type: string, more: Row = {}): string {
    this.#count += 1;
    const uuid = typeof more.uuid === 'string' ? more.uuid : `row-${this.#count}`;
    const row = {
      type,
      parentUuid: this.#last,
      sessionId: this.session,
      timestamp: now(),
      ...more,
    };
    this.rows.push({ ...row, uuid });
    this.#last = uuid;
    return uuid;
  }

  /** A row without an id. */
  note(type: string, more: Row = {}): this {
    this.rows.push({ type, sessionId: this.session, ...more });
    return this;
  }

  user(content: unknown, more: Row = {}): string {
    return this.put('user', { message: { role: 'user', content }, ...more });
  }

  assistant(id: string, content: unknown, more: Row = {}): string {
    const message = { id, role: 'assistant', model: 'claude-opus-5-5', content };
    return this.put('assistant', { message, ...more });
  }

  call(id: string, callId: string, name: string, input: unknown): string {
    return this.assistant(id, [{ type: 'tool_use', id: callId, name, input }]);
  }

  result(callId: string, content: unknown, more: Row = {}, part: Row = {}): string {
    return this.user([{ type: 'tool_result', tool_use_id: callId, content, ...part }], more);
  }

  system(subtype: string, more: Row = {}): string {
    return this.put('system', { subtype, ...more });
  }

  attachment(type: string, more: Row = {}): string {
    return this.put('attachment', { attachment: { type, ...more } });
  }
}

export const thread = '01a2aaaa-0000-7000-8000-00000000c0de';

export function item(payload: Row): Row {
  return { timestamp: now(), type: 'response_item', payload };
}

export function event(payload: Row): Row {
  return { timestamp: now(), type: 'event_msg', payload };
}

export function meta(payload: Row = {}): Row {
  const own = { id: thread, session_id: thread, source: 'cli', cli_version: '0.171.0' };
  return { timestamp: now(), type: 'session_meta', payload: { ...own, ...payload } };
}

export function userItem(text: string, ...more: readonly Row[]): Row {
  const content = [{ type: 'input_text', text }, ...more];
  return item({ type: 'message', role: 'user', content });
}

export function answerItem(text: string, id?: string): Row {
  const content = [{ type: 'output_text', text }];
  const message = { type: 'message', role: 'assistant', content };
  return item(id === undefined ? message : { ...message, id });
}

/** What a hook added. */
export function hookItem(text: string): Row {
  const kinds = { content_item_kinds: ['hooks.additional_context'] };
  const content = [{ type: 'input_text', text }];
  const metadata = { internal_chat_message_metadata_passthrough: kinds };
  return item({ type: 'message', role: 'developer', content, ...metadata });
}

export function userEvent(text: string, threadId = thread): Row {
  const done = { type: 'UserMessage', id: `event of ${text}`, content: [{ type: 'text', text }] };
  return event({ type: 'item_completed', thread_id: threadId, item: done });
}

export function openclawMessage(id: string, message: Row): Row {
  return { type: 'message', id, parentId: null, timestamp: now(), message };
}

export function hermesMessage(id: number, role: string, content: unknown, more: Row = {}): Row {
  clockMs += 1_000;
  const row = { id, session_id: 'h', role, content, timestamp: clockMs / 1_000 };
  return { op: 'insert', ...row, observed: 0, active: 1, compacted: 0, ...more };
}

export function hermesSession(more: Row = {}): Row {
  return { op: 'insert', table: 'sessions', id: 'h', source: 'cli', ...more };
}

function claudeSample(): readonly Row[] {
  const rows = new ClaudeRows();
  rows.note('mode', { mode: 'normal' }).note('custom-title', { customTitle: 'A name' });
  rows.attachment('hook_additional_context', { content: ['mind the gap'] });
  rows.user([
    { type: 'text', text: 'Count the files' },
    { type: 'image', source: {} },
  ]);
  rows.assistant('m1', [{ type: 'thinking', thinking: 'How many?' }]);
  rows.assistant('m1', [{ type: 'text', text: 'I count.' }]);
  rows.call('m1', 't1', 'Bash', { command: 'ls | wc -l' });
  rows.call('m1', 't2', 'TodoWrite', { todos: [{ content: 'count', status: 'pending' }] });
  rows.result('t2', 'ok');
  rows.result('t1', '12', {}, { is_error: true });
  rows.attachment('queued_command', { prompt: 'and the folders', commandMode: 'prompt' });
  rows.user('[Request interrupted by user]');
  rows.system('local_command', { content: '<command-name>/model</command-name>' });
  rows.user('<local-command-stdout>Set</local-command-stdout>');
  rows.system('compact_boundary', { content: 'compacted' });
  rows.user('The summary', { isCompactSummary: true });
  rows.system('api_error', { error: { message: 'overloaded' } });
  rows.system('api_error', { error: { message: 'overloaded' } });
  rows.user('<task-notification><task-id>b1</task-id></task-notification>');
  rows.put('progress', { data: { type: 'agent_progress', agentId: 'a1' }, parentToolUseID: 't1' });
  rows.result('lost', 'whose?');
  rows.note('a-type-of-tomorrow', { text: 'news' });
  return rows.rows;
}

function codexSample(): readonly Row[] {
  return [
    meta(),
    event({ type: 'task_started', turn_id: 'x' }),
    userItem('<environment_context>here</environment_context>'),
    userItem('Count the files', { type: 'input_image', image_url: 'data:' }),
    userEvent('Count the files'),
    item({ type: 'reasoning', id: 'r1', summary: [{ type: 'summary_text', text: 'Hm' }] }),
    item({ type: 'function_call', name: 'exec_command', arguments: '{"cmd":"ls"}', call_id: 'c1' }),
    event({ type: 'exec_command_end', call_id: 'c1', exit_code: 1, stdout: 'x' }),
    item({ type: 'function_call_output', call_id: 'c1', output: 'Exit code: 1\nOutput:\nx' }),
    event({ type: 'mcp_tool_call_end', call_id: 'gone', result: { Err: 'no such server' } }),
    item({ type: 'function_call', name: 'spawn_agent', arguments: '{}', call_id: 'c2' }),
    item({ type: 'function_call_output', call_id: 'c2', output: '{"agent_id":"child"}' }),
    answerItem('Twelve.', 'a1'),
    hookItem('mind the gap'),
    event({ type: 'turn_aborted', reason: 'interrupted' }),
    userItem('<turn_aborted>by the user</turn_aborted>'),
    { timestamp: now(), type: 'compacted', payload: { message: 'In short' } },
    meta({ id: 'somebody-else' }),
    userItem('Their prompt'),
    event({ type: 'thread_settings_applied', thread_id: thread }),
    userItem('Mine again'),
    userEvent('Mine again'),
    event({ type: 'thread_rolled_back', num_turns: 1 }),
  ];
}

function openclawSample(): readonly Row[] {
  const call = { type: 'toolCall', id: 'c1', name: 'exec', arguments: { command: 'ls' } };
  const text = [{ type: 'text', text: 'x' }];
  return [
    { type: 'session', id: 's', timestamp: now(), cwd: '/w', parentSession: 'sqlite:main:p:/db' },
    { type: 'model_change', id: 'm', timestamp: now(), modelId: 'm' },
    openclawMessage('e1', { role: 'user', content: 'System: up\n\nCount the files' }),
    openclawMessage('e2', { role: 'assistant', content: [call], responseId: 'r1' }),
    openclawMessage('e3', { role: 'toolResult', toolCallId: 'c1', content: text, isError: true }),
    openclawMessage('e4', { role: 'assistant', content: text, stopReason: 'stop' }),
    { type: 'reset', id: 'e5', timestamp: now(), reason: 'new' },
    { type: 'compaction', id: 'e6', timestamp: now(), summary: 'In short' },
    openclawMessage('e7', { role: 'toolResult', toolCallId: 'lost', content: text }),
    { type: 'custom', customType: 'model-snapshot', id: 'e8', timestamp: now() },
  ];
}

function hermesSample(): readonly Row[] {
  const called = { name: 'terminal', arguments: '{"command":"ls"}' };
  const calls = JSON.stringify([{ id: 'c1', type: 'function', function: called }]);
  return [
    hermesSession({ title: 'First title' }),
    hermesMessage(1, 'user', 'Count the files'),
    hermesMessage(2, 'assistant', 'I count.', { tool_calls: calls, reasoning: 'Hm' }),
    hermesMessage(3, 'tool', '{"output":"12","exit_code":1}', { tool_call_id: 'c1' }),
    hermesMessage(4, 'user', 'Kept', { active: 0 }),
    hermesMessage(5, 'user', 'Taken back', { active: 0 }),
    hermesMessage(6, 'user', 'In short', { _compressed_summary: 1 }),
    hermesMessage(7, 'user', 'Kept'),
    hermesMessage(8, 'user', 'overheard', { observed: 1 }),
    { ...hermesMessage(1, 'user', 'Count the files', { compacted: 1, active: 0 }), op: 'update' },
    hermesMessage(10, 'user', 'Never mind'),
    { op: 'delete', id: 10 },
    hermesMessage(9, 'tool', 'whose?', { tool_call_id: 'lost' }),
    { ...hermesSession({ title: 'Second title' }), op: 'update' },
  ];
}

/** An entry of pi's tree. */
export function piEntry(id: string, parentId: string | null, type: string, more: Row): Row {
  return { type, id, parentId, timestamp: now(), ...more };
}

export function piMessage(id: string, parentId: string | null, role: string, more: Row): Row {
  return piEntry(id, parentId, 'message', { message: { role, ...more } });
}

function piSample(): readonly Row[] {
  const call = { type: 'toolCall', id: 'c1', name: 'bash', arguments: { command: 'ls' } };
  const text = [{ type: 'text', text: 'x' }];
  return [
    {
      type: 'session',
      version: 3,
      id: 's',
      timestamp: now(),
      cwd: '/w',
      parentSession: '/a/1_p.jsonl',
    },
    piEntry('a0', null, 'model_change', { modelId: 'm' }),
    piMessage('a1', 'a0', 'user', { content: 'Count the files' }),
    piMessage('a2', 'a1', 'assistant', { content: [call, ...text], responseId: 'r1' }),
    piMessage('a3', 'a2', 'toolResult', { toolCallId: 'c1', content: text, isError: true }),
    piMessage('a4', 'a3', 'user', { content: 'Left' }),
    piEntry('a5', 'a3', 'branch_summary', { summary: 'It was left' }),
    piMessage('a6', 'a5', 'bashExecution', { command: 'ls', output: 'x' }),
    piEntry('a7', 'a6', 'session_info', { name: 'A name' }),
    piEntry('a8', 'a7', 'compaction', { summary: 'In short' }),
    piMessage('a9', 'a8', 'toolResult', { toolCallId: 'lost', content: text }),
    piMessage('aa', 'a9', 'user', {
      content: [{ type: 'text', text: 'And now' }, { type: 'image' }],
    }),
  ];
}

/** A row of Qwen Code's. */
export function qwenRow(uuid: string, parentUuid: string | null, type: string, more: Row): Row {
  return { uuid, parentUuid, sessionId: session, timestamp: now(), type, ...more };
}

function qwenParts(...parts: readonly Row[]): Row {
  return { message: { parts } };
}

function qwenSample(): readonly Row[] {
  const call = { functionCall: { id: 'c1', name: 'ls', args: { path: '/' } } };
  const answer = (id: string) => ({
    functionResponse: { id, name: 'ls', response: { output: 'x' } },
  });
  const system = (subtype: string, systemPayload: Row) => ({ subtype, systemPayload });
  return [
    qwenRow('q1', null, 'user', qwenParts({ text: 'Count the files' }, { inlineData: {} })),
    qwenRow('q2', 'q1', 'system', system('ui_telemetry', { uiEvent: {} })),
    qwenRow(
      'q3',
      'q2',
      'assistant',
      qwenParts({ text: 'Hm', thought: true }, { text: 'So' }, call),
    ),
    qwenRow('q4', 'q3', 'tool_result', {
      ...qwenParts(answer('c1')),
      toolCallResult: { status: 'error' },
    }),
    qwenRow('q5', 'q4', 'user', qwenParts({ text: 'Left' })),
    qwenRow(
      'q6',
      'q4',
      'system',
      system('slash_command', { phase: 'invocation', rawCommand: '/x y' }),
    ),
    qwenRow('q7', 'q6', 'system', system('custom_title', { customTitle: 'A name' })),
    qwenRow(
      'q8',
      'q7',
      'system',
      system('chat_compression', { compressedHistory: [{ parts: [{ text: 'x' }] }] }),
    ),
    qwenRow('q9', 'q8', 'user', { ...qwenParts({ text: 'tick' }), provenance: 'system' }),
    qwenRow('qa', 'q9', 'tool_result', qwenParts(answer('lost'))),
    qwenRow('qb', 'qa', 'user', {
      ...qwenParts({ text: 'And now' }),
      forkedFrom: { sessionId: 'p' },
    }),
  ];
}

let copilotEvents = 0;

export function copilotEvent(type: string, data: Row, more: Row = {}): Row {
  copilotEvents += 1;
  return { type, data, id: `e${copilotEvents}`, timestamp: now(), ...more };
}

function copilotSample(): readonly Row[] {
  const agent = { agentId: 'a1' };
  const request = { toolCallId: 'c1', name: 'task', arguments: { prompt: 'look' } };
  return [
    copilotEvent('session.start', { sessionId: 's', selectedModel: 'm' }),
    copilotEvent('user.message', { content: 'Count the files' }),
    copilotEvent('assistant.message', {
      messageId: 'm1',
      content: 'So',
      reasoningText: 'Hm',
      toolRequests: [request],
    }),
    copilotEvent('tool.execution_start', { toolCallId: 'c1', toolName: 'task' }),
    copilotEvent('subagent.started', { toolCallId: 'c1', agentDisplayName: 'x' }, agent),
    copilotEvent('user.message', { content: 'look' }, agent),
    copilotEvent('assistant.message', { messageId: 'm2', content: 'Seen' }, agent),
    copilotEvent('tool.execution_complete', {
      toolCallId: 'c1',
      success: false,
      error: { message: 'no' },
    }),
    copilotEvent('tool.execution_complete', {
      toolCallId: 'lost',
      success: true,
      result: { content: 'x' },
    }),
    copilotEvent('session.compaction_complete', { success: true, summaryContent: 'In short' }),
    copilotEvent('user.message', { content: 'tick', source: 'system' }),
    copilotEvent('session.error', { message: 'overloaded' }),
    copilotEvent('user.message', { content: 'And now' }),
    copilotEvent('abort', { reason: 'user' }),
  ];
}

export function kimiRow(type: string, more: Row): Row {
  clockMs += 1_000;
  return { type, agentId: 'main', ...more, time: clockMs };
}

export function kimiEvent(event: Row): Row {
  return kimiRow('context.append_loop_event', { event });
}

function kimiSample(): readonly Row[] {
  const said = (text: string) => [{ type: 'text', text }];
  const appended = (text: string, kind: string, id?: string) =>
    kimiRow('context.append_message', {
      message: {
        role: 'user',
        content: said(text),
        origin: { kind },
        ...(id === undefined ? {} : { id }),
      },
    });
  return [
    kimiRow('metadata', { protocol_version: '1.5' }),
    kimiRow('turn.prompt', { input: said('Count the files'), promptId: 'p1' }),
    appended('Count the files', 'user', 'p1'),
    appended('mind the gap', 'injection'),
    kimiEvent({ type: 'content.part', stepUuid: 's1', part: { type: 'think', think: 'Hm' } }),
    kimiEvent({
      type: 'tool.call',
      stepUuid: 's1',
      toolCallId: 'c1',
      name: 'Bash',
      args: { command: 'ls' },
    }),
    kimiEvent({ type: 'tool.result', toolCallId: 'c1', result: { output: 'no', isError: true } }),
    kimiEvent({ type: 'content.part', stepUuid: 's2', part: { type: 'text', text: 'Twelve.' } }),
    kimiRow('turn.ended', { reason: 'completed' }),
    kimiRow('context.apply_compaction', { summary: 'In short' }),
    kimiEvent({ type: 'tool.result', toolCallId: 'lost', result: { output: 'whose?' } }),
    kimiRow('turn.prompt', { input: said('Never mind'), promptId: 'p2' }),
    kimiRow('context.undo', { count: 1 }),
    kimiRow('turn.prompt', { input: [...said('And now'), { type: 'image_url' }], promptId: 'p3' }),
  ];
}

export function geminiMessage(id: string, type: string, content: unknown, more: Row = {}): Row {
  return { id, timestamp: now(), type, content, ...more };
}

function geminiSample(): readonly Row[] {
  const header = {
    sessionId: session,
    projectHash: 'x',
    startTime: '2026-11-29T08:00:00Z',
    kind: 'main',
  };
  const context = geminiMessage('g0', 'user', [{ text: '<session_context>here' }]);
  const answer = (id: string) => ({
    functionResponse: { id, name: 'ls', response: { output: 'x' } },
  });
  const call = {
    id: 'c1',
    name: 'ls',
    args: { path: '/' },
    result: [answer('c1')],
    status: 'error',
  };
  const asked = geminiMessage('g1', 'user', [{ text: 'Count the files' }, { inlineData: {} }]);
  const saying = geminiMessage('g2', 'gemini', 'So', { thoughts: [{ description: 'Hm' }] });
  return [
    header,
    { $set: { messages: [context] } },
    asked,
    saying,
    { ...saying, toolCalls: [call] },
    geminiMessage('g3', 'user', [answer('lost')]),
    { $set: { summary: 'A name' } },
    geminiMessage('g4', 'user', [{ text: 'Left' }]),
    { $rewindTo: 'g4' },
    {
      $set: {
        messages: [context, asked, geminiMessage('g5', 'user', [{ text: '<state_snapshot>x' }])],
      },
    },
    geminiMessage('g6', 'info', 'Restored'),
    geminiMessage('g7', 'user', [{ text: 'And now' }]),
  ];
}

/** A state of a row of opencode's. */
export function openCodeRow(op: string, table: string, id: string, more: Row = {}): Row {
  clockMs += 1_000;
  const row = { op, table, id, ...more };
  return op === 'delete' ? row : { ...row, time_created: clockMs };
}

export function openCodePart(id: string, message: string, data: Row, op = 'insert'): Row {
  return openCodeRow(op, 'part', id, { message_id: message, data });
}

function openCodeSample(): readonly Row[] {
  const tool = (status: string, more: Row = {}) => ({
    type: 'tool',
    tool: 'bash',
    callID: 'c1',
    state: { status, input: { command: 'ls' }, ...more },
  });
  const message = (id: string, data: Row) => openCodeRow('insert', 'message', id, { data });
  return [
    openCodeRow('insert', 'session', 'ses_1', { title: 'First title', directory: '/w' }),
    message('msg_1', { role: 'user' }),
    openCodePart('prt_1', 'msg_1', { type: 'text', text: 'Count the files' }),
    openCodePart('prt_2', 'msg_1', { type: 'text', text: 'mind the gap', synthetic: true }),
    message('msg_2', { role: 'assistant', modelID: 'm' }),
    openCodePart('prt_3', 'msg_2', { type: 'reasoning', text: 'Hm' }),
    openCodePart('prt_4', 'msg_2', tool('running')),
    openCodePart('prt_4', 'msg_2', tool('error', { error: 'no' }), 'update'),
    openCodePart('prt_5', 'msg_2', { type: 'text', text: 'Twelve.' }),
    openCodePart('prt_6', 'msg_2', { type: 'step-finish' }),
    openCodePart('prt_6b', 'msg_2', {
      type: 'tool',
      callID: 'lost',
      state: { status: 'completed', output: 'whose?' },
    }),
    message('msg_3', { role: 'user' }),
    openCodePart('prt_7', 'msg_3', { type: 'text', text: 'Never mind' }),
    openCodeRow('delete', 'part', 'prt_7'),
    openCodeRow('delete', 'message', 'msg_3'),
    message('msg_4', { role: 'user' }),
    openCodePart('prt_8', 'msg_4', { type: 'compaction' }),
    message('msg_5', { role: 'assistant', summary: true }),
    openCodePart('prt_9', 'msg_5', { type: 'text', text: 'In short' }),
    message('msg_6', { role: 'assistant', error: { name: 'MessageAbortedError' } }),
    openCodeRow('update', 'session', 'ses_1', { title: 'Second title', directory: '/w' }),
    message('msg_7', { role: 'user' }),
    openCodePart('prt_a', 'msg_7', { type: 'text', text: 'And now' }),
  ];
}

/** By harness, as lines. */
export const samples: Readonly<Record<string, readonly string[]>> = {
  opencode: lines(openCodeSample()),
  pi: lines(piSample()),
  'qwen-code': lines(qwenSample()),
  copilot: lines(copilotSample()),
  'kimi-code': lines(kimiSample()),
  'gemini-cli': lines(geminiSample()),
  'claude-code': lines(claudeSample()),
  codex: lines(codexSample()),
  openclaw: lines(openclawSample()),
  hermes: lines(hermesSample()),
};

export function lines(rows: readonly Row[]): readonly string[] {
  return rows.map((row) => JSON.stringify(row));
}
