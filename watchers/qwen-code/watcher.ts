import { join } from 'node:path';
import type { Watcher } from '../../src/mirror/stream.js';
import { jsonlFile } from '../files/jsonl-file.js';
import { signedSessions } from '../files/live-signs.js';
import { recordFile } from '../files/record-file.js';
import { TranscriptTree, type TreeSettings } from '../files/transcript-tree.js';
import { qwenCode } from './description.js';
import { foldQwenAgent, foldQwenRow } from './facts.js';
import { foldersOf, isFolder, isSessionId, placeOf } from './layout.js';

/** Qwen Code's transcripts: a file is its session's, wherever it lies. */
export function qwenCodeWatcher(settings: TreeSettings): Watcher {
  const { runtime } = foldersOf(settings);
  return new TranscriptTree(settings, (disk) => ({
    harness: qwenCode.name,
    roots: [join(runtime, 'projects')],
    isFolder,
    placeOf,
    open: (path, { kind, sessionId, name }) => {
      const stream = {
        io: disk.io,
        path,
        session: { harness: qwenCode.name, id: sessionId },
        name,
      };
      return kind === 'agent-meta'
        ? recordFile({ ...stream, facts: foldQwenAgent })
        : jsonlFile({ ...stream, facts: foldQwenRow });
    },
    live: async () => {
      const ids = await signedSessions(join(runtime, 'sessions'), disk);
      return new Set(ids.filter(isSessionId));
    },
  }));
}
