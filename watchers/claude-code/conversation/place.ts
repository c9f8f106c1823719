import type { ClaudeRow } from './rows.js';

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const agentStream = /(?:^|\/)agent-([^/]+?)(?<!\.meta)$/;

/** The agent whose transcript the stream is. */
export function agentIn(stream: string): string | undefined {
  return agentStream.exec(stream)?.[1];
}

/** Whether a row itself says that it was copied, or carries another session's id. */
export function isFromElsewhere(
  { fork, sessionId }: Pick<ClaudeRow, 'fork' | 'sessionId'>,
  session: string,
): boolean {
  if (fork !== undefined) return true;
  return sessionId !== undefined && sessionId !== session && uuid.test(sessionId);
}
