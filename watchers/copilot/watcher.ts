import { dirname, join } from 'node:path';
import type { Watcher } from '../../src/mirror/stream.js';
import { jsonlFile } from '../files/jsonl-file.js';
import { isAlive } from '../files/live-signs.js';
import { recordFile } from '../files/record-file.js';
import { withSideFile } from '../files/side-facts.js';
import { TranscriptTree, type TreeDisk, type TreeSettings } from '../files/transcript-tree.js';
import { WriteOnceFiles } from '../files/write-once-files.js';
import { copilot } from './description.js';
import { factsOfWorkspace, foldCopilotRow, workspaceIn } from './facts.js';
import { type CopilotPath, homeFolder, isFolder, placeOf } from './layout.js';

export interface CopilotSettings extends TreeSettings {
  /** Whether a process with this id runs on this machine. */
  readonly isAlive?: (pid: number) => boolean | Promise<boolean>;
}

/** Copilot CLI's sessions. A rewind replaces the file of events: what it takes back stays in the mirror alone. */
export function copilotWatcher(settings: CopilotSettings): Watcher {
  const root = join(homeFolder(settings), 'session-state');
  return new TranscriptTree<CopilotPath>(settings, (disk) => ({
    harness: copilot.name,
    roots: [root],
    isFolder,
    placeOf,
    isFolderOf: ({ kind }) => kind === 'checkpoints',
    open: (path, place) => streamAt(disk, path, place),
    live: () => sessionsInUse(root, disk, settings),
  }));
}

function streamAt(disk: TreeDisk, path: string, { kind, sessionId, name }: CopilotPath) {
  const { io } = disk;
  const session = { harness: copilot.name, id: sessionId };
  switch (kind) {
    case 'events': {
      const stream = jsonlFile({ io, path, session, name, facts: foldCopilotRow });
      const side = join(dirname(path), 'workspace.yaml');
      return withSideFile(stream, { ...disk, path: side, read: factsOfWorkspace });
    }
    case 'backup':
      return jsonlFile({ io, path, session, name, facts: foldCopilotRow });
    case 'workspace':
      return recordFile({
        io,
        path,
        session,
        name,
        parse: workspaceIn,
        facts: (_, before) => before,
      });
    case 'checkpoints':
      return new WriteOnceFiles({
        ...disk,
        folder: path,
        session,
        name,
        type: 'checkpoint',
        suffix: '.md',
      });
  }
}

/** A lock names the process that uses the session; a killed one leaves it behind. */
async function sessionsInUse(
  root: string,
  { listings }: TreeDisk,
  settings: CopilotSettings,
): Promise<ReadonlySet<string>> {
  const sessions = new Set<string>();
  for (const { name, kind } of (await listings.list(root)) ?? []) {
    if (kind !== 'directory' || !isFolder([name])) continue;
    for (const { name: file } of (await listings.list(join(root, name))) ?? []) {
      const pid = Number(/^inuse\.(\d{1,10})\.lock$/.exec(file)?.[1]);
      if (await isAlive(pid, settings)) sessions.add(name);
    }
  }
  return sessions;
}
