import { join } from 'node:path';
import { namedFolder } from '../files/file-tree.js';
import { type PathRule, uuid } from '../files/path-rules.js';
import type { TreeSettings } from '../files/transcript-tree.js';

export type KimiFile = 'main' | 'agent' | 'state';

const session = `wd_.*/(?<session>session_${uuid})`;
const agent = '(?<agent>[a-zA-Z0-9][a-zA-Z0-9_-]{0,63})';

/**
 * What belongs to a session below `sessions`: a wire for each of its agents, the old bytes of one that had to be repaired,
 * and the session's state. Logs, indexes and copies of the user's files next to them are left alone.
 */
export const files: readonly PathRule<KimiFile>[] = [
  { kind: 'main', path: `${session}/agents/main/wire\\.jsonl`, name: '' },
  { kind: 'agent', path: `${session}/agents/${agent}/wire\\.jsonl`, name: 'agents/$<agent>' },
  {
    kind: 'agent',
    path: `${session}/agents/${agent}/wire\\.jsonl\\.bak`,
    name: 'backups/$<agent>',
  },
  { kind: 'state', path: `${session}/state\\.json`, name: 'state' },
];

export function homeFolder({ env, home }: Pick<TreeSettings, 'env' | 'home'>): string {
  return namedFolder(env.KIMI_CODE_HOME, join(home, '.kimi-code'));
}
