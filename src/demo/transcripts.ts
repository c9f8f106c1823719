/** One thing said in a session, this many seconds into the story. */
export interface Said {
  readonly at: number;
  readonly kind: 'prompt' | 'answer' | 'thinking' | 'call' | 'result';
  readonly text: string;
}

/** A session as its harness would have written it to disk. */
export interface DemoSession {
  readonly harness: 'claude-code' | 'codex';
  readonly agent: string;
  readonly id: string;
  readonly title: string;
  readonly said: readonly Said[];
  readonly subAgent?: { readonly id: string; readonly said: readonly Said[] };
}

export interface TranscriptFile {
  /** Below the story's home folder. */
  readonly path: string;
  readonly body: string;
}

const cwd = '/home/dev/shop';

export function transcriptFiles(session: DemoSession, startMs: number): readonly TranscriptFile[] {
  return session.harness === 'codex' ? [rollout(session, startMs)] : claudeFiles(session, startMs);
}

function claudeFiles(session: DemoSession, startMs: number): readonly TranscriptFile[] {
  const { id, title, said, subAgent } = session;
  const folder = '.claude/projects/-home-dev-shop';
  const named = { type: 'custom-title', customTitle: title, sessionId: id };
  const main = {
    path: `${folder}/${id}.jsonl`,
    body: jsonLines([...claudeRows(said, startMs, id, false), named]),
  };
  if (subAgent === undefined) return [main];
  const path = `${folder}/${id}/subagents/agent-${subAgent.id}.jsonl`;
  return [main, { path, body: jsonLines(claudeRows(subAgent.said, startMs, id, true)) }];
}

function claudeRows(
  said: readonly Said[],
  startMs: number,
  sessionId: string,
  isSidechain: boolean,
): readonly object[] {
  let parentUuid: string | null = null;
  return said.map(({ at, kind, text }, index) => {
    const uuid = `${sessionId.slice(0, 24)}${isSidechain ? '1' : '0'}${String(index).padStart(11, '0')}`;
    const isUser = kind === 'prompt' || kind === 'result';
    const row = {
      parentUuid,
      isSidechain,
      userType: 'external',
      cwd,
      sessionId,
      version: '2.1.250',
      gitBranch: 'patch-auth',
      type: isUser ? 'user' : 'assistant',
      message: isUser
        ? { role: 'user', content: claudeContent(kind, text, index) }
        : { role: 'assistant', model: 'claude-demo', content: claudeContent(kind, text, index) },
      uuid,
      timestamp: new Date(startMs + at * 1000).toISOString(),
    };
    parentUuid = uuid;
    return row;
  });
}

function claudeContent(kind: Said['kind'], text: string, index: number): unknown {
  switch (kind) {
    case 'prompt':
      return text;
    case 'answer':
      return [{ type: 'text', text }];
    case 'thinking':
      return [{ type: 'thinking', thinking: text }];
    case 'call':
      return [{ type: 'tool_use', id: `toolu_${index}`, name: 'Bash', input: { command: text } }];
    case 'result':
      return [{ type: 'tool_result', tool_use_id: `toolu_${index - 1}`, content: text }];
  }
}

function rollout({ id, said }: DemoSession, startMs: number): TranscriptFile {
  const beganMs = startMs + (said[0]?.at ?? 0) * 1000 - 500;
  const began = new Date(beganMs).toISOString();
  const meta = {
    id,
    session_id: id,
    timestamp: began,
    cwd,
    originator: 'codex_cli',
    cli_version: '0.169.0',
    source: 'cli',
  };
  const rows = said.map(({ at, kind, text }, index) => ({
    timestamp: new Date(startMs + at * 1000).toISOString(),
    type: 'response_item',
    payload: codexItem(kind, text, index),
  }));
  const name = began.slice(0, 19).replaceAll(':', '-');
  return {
    path: `.codex/sessions/${began.slice(0, 10).replaceAll('-', '/')}/rollout-${name}-${id}.jsonl`,
    body: jsonLines([
      { timestamp: began, type: 'session_meta', payload: meta },
      { timestamp: began, type: 'turn_context', payload: { cwd, model: 'codex-demo' } },
      ...rows,
    ]),
  };
}

function codexItem(kind: Said['kind'], text: string, index: number): object {
  switch (kind) {
    case 'prompt':
      return { type: 'message', role: 'user', content: [{ type: 'input_text', text }] };
    case 'answer':
      return { type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] };
    case 'thinking':
      return { type: 'reasoning', summary: [{ type: 'summary_text', text }], content: null };
    case 'call':
      return {
        type: 'function_call',
        name: 'exec_command',
        arguments: JSON.stringify({ cmd: text }),
        call_id: `call_${index}`,
      };
    case 'result':
      return { type: 'function_call_output', call_id: `call_${index - 1}`, output: text };
  }
}

function jsonLines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
