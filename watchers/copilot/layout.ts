import { join } from 'node:path';
import { namedFolder } from '../files/file-tree.js';
import { type PathRule, uuid } from '../files/path-rules.js';
import type { TreeSettings } from '../files/transcript-tree.js';

export type CopilotFile = 'events' | 'workspace' | 'checkpoints';

const session = `(?<session>${uuid})`;
const backup = 'events\\.jsonl\\.backup-before-recovery-(?<hash>[0-9a-f]{16})[0-9a-f]{0,48}';

/**
 * What belongs to a session below `session-state`: its events, the old bytes of them where they had to be repaired,
 * summaries of compactions, and the session's name. Early releases keep the events in one file. Copies of the user's files
 * and the databases next to them are never read.
 */
export const files: readonly PathRule<CopilotFile>[] = [
  { kind: 'events', path: `${session}/events\\.jsonl`, name: '' },
  { kind: 'events', path: `${session}\\.jsonl`, name: '' },
  { kind: 'events', path: `${session}/${backup}`, name: 'backups/$<hash>' },
  { kind: 'workspace', path: `${session}/workspace\\.yaml`, name: 'workspace' },
  {
    kind: 'checkpoints',
    path: `${session}/checkpoints/\\d{3,6}-.{1,200}\\.md`,
    name: 'checkpoints',
  },
];

export function homeFolder({ env, home }: Pick<TreeSettings, 'env' | 'home'>): string {
  return namedFolder(env.COPILOT_HOME, join(home, '.copilot'));
}
