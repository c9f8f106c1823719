import { join, resolve } from 'node:path';
import type { TreeSettings } from '../files/transcript-tree.js';

/**
 * Which paths below `sessions` belong to a session. Kimi Code keeps `<workspace>/session_<id>/state.json` and for each of
 * its agents `agents/<agent>/wire.jsonl`; when it repairs one of these, the old bytes as `wire.jsonl.bak`. Everything
 * else next to them (logs, indexes, copies of the user's files) is left alone.
 */
export interface KimiPath {
  readonly kind: 'wire' | 'state';
  readonly sessionId: string;
  readonly name: string;
}

const session = /^session_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const agent = /^[a-z0-9][a-z0-9_-]{0,63}$/i;
const main = 'main';

export function isFolder([
  workspace = '',
  id,
  third,
  fourth,
  ...deeper
]: readonly string[]): boolean {
  if (!workspace.startsWith('wd_') || deeper.length > 0) return false;
  if (id === undefined) return true;
  return (
    session.test(id) &&
    (third === undefined || third === 'agents') &&
    (fourth === undefined || agent.test(fourth))
  );
}

export function placeOf(path: readonly string[]): KimiPath | undefined {
  const [, sessionId = '', third, name = '', file] = path;
  if (path.length < 3 || !isFolder(path.slice(0, -1)) || !session.test(sessionId)) return undefined;
  if (path.length === 3) {
    return third === 'state.json' ? { kind: 'state', sessionId, name: 'state' } : undefined;
  }
  if (path.length !== 5) return undefined;
  if (file === 'wire.jsonl.bak') return { kind: 'wire', sessionId, name: `backups/${name}` };
  if (file !== 'wire.jsonl') return undefined;
  return { kind: 'wire', sessionId, name: name === main ? '' : `agents/${name}` };
}

export function homeFolder({ env, home }: Pick<TreeSettings, 'env' | 'home'>): string {
  const named = env.KIMI_CODE_HOME ?? '';
  return named === '' ? join(home, '.kimi-code') : resolve(named);
}
