import { join, resolve } from 'node:path';
import type { TreeSettings } from '../files/transcript-tree.js';

/**
 * Which paths below `projects` are transcripts. Qwen Code keeps `<project>/chats/<session id>.jsonl` (in `archive/` once
 * archived) and `<project>/subagents/<session id>/agent-<…>.jsonl` with a note on each. Its other files hold sockets and
 * tokens, copies of the user's files, or notes that belong to no session.
 */
export type QwenPath = {
  readonly kind: 'main' | 'sub-agent' | 'agent-meta';
  readonly sessionId: string;
  readonly name: string;
};

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const session = new RegExp(`^${uuid}$`, 'i');
const chat = new RegExp(`^(${uuid})\\.jsonl$`, 'i');
const agent = /^(agent-[^/]{1,200}?)(\.jsonl|\.meta\.json)$/;

export function isSessionId(text: string): boolean {
  return session.test(text);
}

export function isFolder([, kind, third, ...deeper]: readonly string[]): boolean {
  if (deeper.length > 0) return false;
  if (kind === undefined) return true;
  return kind === 'chats'
    ? third === undefined || third === 'archive'
    : kind === 'subagents' && (third === undefined || isSessionId(third));
}

export function placeOf(path: readonly string[]): QwenPath | undefined {
  const [, kind, third = ''] = path;
  const file = path.at(-1) ?? '';
  if (path.length < 3 || !isFolder(path.slice(0, -1))) return undefined;
  if (kind === 'chats') {
    const sessionId = chat.exec(file)?.[1];
    return sessionId === undefined ? undefined : { kind: 'main', sessionId, name: '' };
  }
  const [, stem, ending] = agent.exec(file) ?? [];
  if (path.length !== 4 || stem === undefined) return undefined;
  const name = `subagents/${stem}`;
  if (ending === '.jsonl') return { kind: 'sub-agent', sessionId: third, name };
  return { kind: 'agent-meta', sessionId: third, name: `${name}.meta` };
}

/** Where it keeps its settings, and where its transcripts. */
export function foldersOf({ env, home }: Pick<TreeSettings, 'env' | 'home'>) {
  const settings = named(env.QWEN_HOME) ?? join(home, '.qwen');
  return { settings, runtime: named(env.QWEN_RUNTIME_DIR) ?? settings };
}

function named(folder: string | undefined): string | undefined {
  return folder === undefined || folder === '' ? undefined : resolve(folder);
}
