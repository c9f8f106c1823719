import { join, resolve } from 'node:path';
import type { TreeSettings } from '../files/transcript-tree.js';

/**
 * Which paths below `session-state` belong to a session. Copilot CLI keeps `<session id>/events.jsonl`, the old bytes as
 * `events.jsonl.backup-before-recovery-<hash>` when it had to repair that, summaries of compactions in `checkpoints/`,
 * and the session's name in `workspace.yaml`; early releases `<session id>.jsonl`. Copies of the user's files and the
 * databases next to them are never read.
 */
export type CopilotPath =
  | { readonly kind: 'events' | 'backup'; readonly sessionId: string; readonly name: string }
  | {
      readonly kind: 'workspace' | 'checkpoints';
      readonly sessionId: string;
      readonly name: string;
    };

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const session = new RegExp(`^${uuid}$`, 'i');
const early = new RegExp(`^(${uuid})\\.jsonl$`, 'i');
const backup = /^events\.jsonl\.backup-before-recovery-([0-9a-f]{16})[0-9a-f]{0,48}$/;
const checkpoint = /^\d{3,6}-[^/]{1,200}\.md$/;

export function isFolder([first = '', second, ...deeper]: readonly string[]): boolean {
  return (
    session.test(first) && (second === undefined || second === 'checkpoints') && deeper.length === 0
  );
}

export function placeOf([first = '', second, third, ...deeper]: readonly string[]):
  | CopilotPath
  | undefined {
  const sessionId = second === undefined ? early.exec(first)?.[1] : first;
  if (sessionId === undefined || !session.test(sessionId) || deeper.length > 0) return undefined;
  if (second === undefined || (second === 'events.jsonl' && third === undefined)) {
    return { kind: 'events', sessionId, name: '' };
  }
  if (third !== undefined) {
    const isCheckpoint = second === 'checkpoints' && checkpoint.test(third);
    return isCheckpoint ? { kind: 'checkpoints', sessionId, name: second } : undefined;
  }
  if (second === 'workspace.yaml') return { kind: 'workspace', sessionId, name: 'workspace' };
  const hash = backup.exec(second)?.[1];
  return hash === undefined ? undefined : { kind: 'backup', sessionId, name: `backups/${hash}` };
}

export function homeFolder({ env, home }: Pick<TreeSettings, 'env' | 'home'>): string {
  const named = env.COPILOT_HOME ?? '';
  return named === '' ? join(home, '.copilot') : resolve(named);
}
