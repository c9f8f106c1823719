import { join } from 'node:path';
import { namedFolder } from '../files/file-tree.js';
import { type PathRule, uuid } from '../files/path-rules.js';
import type { TreeSettings } from '../files/transcript-tree.js';

export type QwenFile = 'rows' | 'agent-meta';

const project = '[^.].*';
const session = `(?<session>${uuid})`;
const agent = '(?<agent>agent-.{1,200}?)';

/**
 * What belongs to a session below `projects`: its chat (in `archive` once archived), and its sub-agents with a note on
 * each. Other files hold sockets and tokens, copies of the user's files, or notes that belong to no session.
 */
export const files: readonly PathRule<QwenFile>[] = [
  { kind: 'rows', path: `${project}/chats/${session}\\.jsonl`, name: '' },
  { kind: 'rows', path: `${project}/chats/archive/${session}\\.jsonl`, name: '' },
  {
    kind: 'rows',
    path: `${project}/subagents/${session}/${agent}\\.jsonl`,
    name: 'subagents/$<agent>',
  },
  {
    kind: 'agent-meta',
    path: `${project}/subagents/${session}/${agent}\\.meta\\.json`,
    name: 'subagents/$<agent>.meta',
  },
];

/** Where it keeps its settings, and where its transcripts. */
export function foldersOf({ env, home }: Pick<TreeSettings, 'env' | 'home'>) {
  const settings = namedFolder(env.QWEN_HOME, join(home, '.qwen'));
  return { settings, runtime: namedFolder(env.QWEN_RUNTIME_DIR, settings) };
}
