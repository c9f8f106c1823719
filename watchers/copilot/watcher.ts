import { join } from 'node:path';
import type { Watcher } from '../../src/mirror/stream.js';
import { fileTree } from '../files/file-tree.js';
import { sessionsWithLock } from '../files/live-signs.js';
import type { TreeSettings } from '../files/transcript-tree.js';
import { copilot } from './description.js';
import { factsOfWorkspace, foldCopilotRow, workspaceIn } from './facts.js';
import { files, homeFolder } from './layout.js';

/** Copilot CLI's sessions. A rewind replaces the file of events: what it takes back stays in the mirror alone. */
export function copilotWatcher(settings: TreeSettings): Watcher {
  const root = join(homeFolder(settings), 'session-state');
  return fileTree(settings, {
    harness: copilot.name,
    roots: [root],
    rules: files,
    readers: {
      events: {
        as: 'lines',
        facts: foldCopilotRow,
        beside: { path: 'workspace.yaml', read: factsOfWorkspace },
      },
      workspace: { as: 'record', parse: workspaceIn },
      checkpoints: { as: 'files', type: 'checkpoint', suffix: '.md' },
    },
    live: (disk) => sessionsWithLock(root, /^inuse\.(\d{1,10})\.lock$/, disk),
  });
}
