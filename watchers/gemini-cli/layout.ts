import { join } from 'node:path';
import { namedFolder } from '../files/file-tree.js';
import { type PathRule, uuid } from '../files/path-rules.js';
import type { TreeSettings } from '../files/transcript-tree.js';

export type GeminiFile = 'session' | 'document' | 'agent' | 'outputs';

const project = '[^.].*';
const chat = 'session-\\d{4}-\\d\\d-\\d\\dT\\d\\d-\\d\\d-.{1,100}';
const session = `(?<session>${uuid})`;

/**
 * What belongs to a session below `tmp`: its records (one document in releases up to 0.38), its sub-agents, and long
 * outputs of tools. Logs, checkpoints and shadow copies of the user's files next to them are left alone.
 */
export const files: readonly PathRule<GeminiFile>[] = [
  { kind: 'session', path: `${project}/chats/${chat}\\.jsonl`, name: '' },
  { kind: 'document', path: `${project}/chats/${chat}\\.json`, name: '' },
  {
    kind: 'agent',
    path: `${project}/chats/${session}/(?<agent>${uuid})\\.jsonl`,
    name: 'agents/$<agent>',
  },
  {
    kind: 'outputs',
    path: `${project}/tool-outputs/session-${session}/.+\\.txt`,
    name: 'tool-outputs',
  },
];

export function homeFolder({ env, home }: Pick<TreeSettings, 'env' | 'home'>): string {
  return join(namedFolder(env.GEMINI_CLI_HOME, home), '.gemini');
}
