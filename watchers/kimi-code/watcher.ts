import { join } from 'node:path';
import type { Watcher } from '../../src/mirror/stream.js';
import { jsonlFile } from '../files/jsonl-file.js';
import { recordFile } from '../files/record-file.js';
import { withSideFile } from '../files/side-facts.js';
import { TranscriptTree, type TreeSettings } from '../files/transcript-tree.js';
import { kimiCode } from './description.js';
import { factsOfState, foldKimiRow } from './facts.js';
import { homeFolder, isFolder, placeOf } from './layout.js';

/** Kimi Code's sessions: a stream per agent, and the states of what it keeps about the session. */
export function kimiCodeWatcher(settings: TreeSettings): Watcher {
  return new TranscriptTree(settings, (disk) => ({
    harness: kimiCode.name,
    roots: [join(homeFolder(settings), 'sessions')],
    isFolder,
    placeOf,
    open: (path, { kind, sessionId, name }) => {
      const session = { harness: kimiCode.name, id: sessionId };
      const file = { io: disk.io, path, session, name };
      if (kind === 'state') return recordFile({ ...file, facts: (_line, before) => before });
      const stream = jsonlFile({ ...file, facts: foldKimiRow });
      if (name !== '') return stream;
      const side = join(path, '..', '..', '..', 'state.json');
      return withSideFile(stream, { ...disk, path: side, read: factsOfState });
    },
  }));
}
