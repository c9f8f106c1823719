import { join } from 'node:path';
import { fields, word } from '../../src/conversation/fields.js';
import type { Watcher } from '../../src/mirror/stream.js';
import { FirstRows } from '../files/first-rows.js';
import { jsonlFile } from '../files/jsonl-file.js';
import { TranscriptTree, type TreeSettings } from '../files/transcript-tree.js';
import { isPlainId } from '../plain-id.js';
import { pi } from './description.js';
import { foldPiRow } from './facts.js';
import { agentFolder, folderNamed, isFolder, placeOf } from './layout.js';

/** pi's sessions: a tree of entries each, in a file that names its session in its header. */
export function piWatcher(settings: TreeSettings): Watcher {
  const { env, home } = settings;
  const agent = agentFolder(settings);
  return new TranscriptTree(settings, (disk) => {
    const ids = new FirstRows(disk, ({ rows: [header] }) => {
      const id = header?.type === 'session' ? word(header.id) : undefined;
      return isPlainId(id) ? id : undefined;
    });
    return {
      harness: pi.name,
      roots: [agent],
      moreRoots: async () => {
        const bytes = await disk.io.readFile(join(agent, 'settings.json')).catch(() => undefined);
        const { sessionDir } = settingsIn(bytes);
        const named = [env.PI_CODING_AGENT_SESSION_DIR, sessionDir];
        return named.flatMap((text) => folderNamed(text, home) ?? []);
      },
      isFolder,
      placeOf,
      open: async (path) => {
        const id = await ids.of(path);
        const { io } = disk;
        const session = { harness: pi.name, id: id ?? '' };
        return id === undefined
          ? undefined
          : jsonlFile({ io, path, session, name: '', facts: foldPiRow });
      },
    };
  });
}

function settingsIn(bytes: Buffer | undefined) {
  try {
    return fields(JSON.parse(bytes?.toString('utf8') ?? 'null'));
  } catch {
    return {};
  }
}
