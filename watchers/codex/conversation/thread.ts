import type { PromptOrigin } from '../../../src/conversation/conversation.js';
import type { Tell } from '../../../src/conversation/row.js';
import type { CodexRow, ThreadMeta } from './rows.js';

/** Who speaks in a thread with this origin. */
export function originOf(
  thread: Pick<ThreadMeta, 'isSubagent' | 'isExec'> | undefined,
): PromptOrigin {
  if (thread?.isSubagent === true) return 'agent';
  return thread?.isExec === true ? 'sdk' : 'human';
}

/** Rows that name no thread belong to this one. */
export function isOwnThread(
  threadId: string | undefined,
  session: string,
  id: string | undefined,
): boolean {
  return threadId === undefined || threadId === session || threadId === id;
}

/** A name may be reported for another thread. */
export function isOwnName(tell: Tell, { threadId }: CodexRow, session: string): boolean {
  return tell.kind !== 'title' || threadId === undefined || threadId === session;
}

/** Where the thread comes from. */
export function metaTells(meta: ThreadMeta | undefined): readonly Tell[] {
  const tells: Tell[] = [];
  if (meta?.spawn !== undefined) tells.push({ kind: 'spawn', by: meta.spawn });
  if (meta?.fork !== undefined) tells.push({ kind: 'fork', from: meta.fork });
  return tells;
}
