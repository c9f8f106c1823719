import { join, resolve } from 'node:path';
import type { TreeSettings } from '../files/transcript-tree.js';

/**
 * Which paths below `tmp` are transcripts. Gemini CLI keeps `<project>/chats/session-<minute>-<start of id>.jsonl` (one
 * `.json` document in releases up to 0.38), sub-agents in `chats/<session id>/<id>.jsonl`, and long tool outputs in
 * `tool-outputs/session-<id>/`. Logs, checkpoints and shadow copies of the user's files next to them are left alone.
 */
export type GeminiPath =
  | { readonly kind: 'session' | 'document' }
  | { readonly kind: 'sub-agent'; readonly sessionId: string; readonly name: string }
  | { readonly kind: 'outputs'; readonly sessionId: string; readonly name: string };

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const id = new RegExp(`^${uuid}$`, 'i');
const chat = /^session-\d{4}-\d\d-\d\dT\d\d-\d\d-[^/]{1,100}\.(jsonl?)$/;
const agent = new RegExp(`^(${uuid})\\.jsonl$`, 'i');
const outputs = new RegExp(`^session-(${uuid})$`, 'i');

export function isSessionId(text: string | undefined): text is string {
  return text !== undefined && id.test(text);
}

export function isFolder([, second, third, ...deeper]: readonly string[]): boolean {
  if (deeper.length > 0) return false;
  if (second === undefined) return true;
  if (second === 'chats') return third === undefined || id.test(third);
  return second === 'tool-outputs' && (third === undefined || outputs.test(third));
}

export function placeOf(path: readonly string[]): GeminiPath | undefined {
  const [, second, third = ''] = path;
  const file = path.at(-1) ?? '';
  if (path.length < 3 || !isFolder(path.slice(0, -1))) return undefined;
  if (second === 'tool-outputs') {
    const sessionId = path.length === 4 ? outputs.exec(third)?.[1] : undefined;
    const isOutput = sessionId !== undefined && file.endsWith('.txt') && file.length > 4;
    return isOutput ? { kind: 'outputs', sessionId, name: second } : undefined;
  }
  if (path.length === 4) {
    const own = agent.exec(file)?.[1];
    return own === undefined
      ? undefined
      : { kind: 'sub-agent', sessionId: third, name: `agents/${own}` };
  }
  const ending = chat.exec(file)?.[1];
  if (ending === undefined) return undefined;
  return { kind: ending === 'json' ? 'document' : 'session' };
}

export function homeFolder({ env, home }: Pick<TreeSettings, 'env' | 'home'>): string {
  const named = env.GEMINI_CLI_HOME ?? '';
  return join(named === '' ? home : resolve(named), '.gemini');
}
