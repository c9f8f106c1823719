import { join } from 'node:path';
import type { Watcher } from '../../src/mirror/stream.js';
import { fileTree } from '../files/file-tree.js';
import type { TreeSettings } from '../files/transcript-tree.js';
import { kimiCode } from './description.js';
import { factsOfState, foldKimiRow } from './facts.js';
import { files, homeFolder } from './layout.js';

/** Kimi Code's sessions: a stream per agent, and the states of what it keeps about the session. */
export function kimiCodeWatcher(settings: TreeSettings): Watcher {
  const lines = { as: 'lines', facts: foldKimiRow } as const;
  return fileTree(settings, {
    harness: kimiCode.name,
    roots: [join(homeFolder(settings), 'sessions')],
    rules: files,
    readers: {
      main: { ...lines, beside: { path: '../../state.json', read: factsOfState } },
      agent: lines,
      state: { as: 'record' },
    },
  });
}
