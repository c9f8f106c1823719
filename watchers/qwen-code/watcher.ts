import { join } from 'node:path';
import type { Watcher } from '../../src/mirror/stream.js';
import { fileTree } from '../files/file-tree.js';
import { signedSessions } from '../files/live-signs.js';
import { isUuid } from '../files/path-rules.js';
import type { TreeSettings } from '../files/transcript-tree.js';
import { qwenCode } from './description.js';
import { foldQwenAgent, foldQwenRow } from './facts.js';
import { files, foldersOf } from './layout.js';

/** Qwen Code's transcripts: a file is its session's, wherever it lies. */
export function qwenCodeWatcher(settings: TreeSettings): Watcher {
  const { runtime } = foldersOf(settings);
  return fileTree(settings, {
    harness: qwenCode.name,
    roots: [join(runtime, 'projects')],
    rules: files,
    readers: {
      rows: { as: 'lines', facts: foldQwenRow },
      'agent-meta': { as: 'record', facts: foldQwenAgent },
    },
    live: async (disk) => {
      const ids = await signedSessions(join(runtime, 'sessions'), disk);
      return new Set(ids.filter(isUuid));
    },
  });
}
