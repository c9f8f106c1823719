import { join } from 'node:path';
import { fields, word } from '../../src/conversation/fields.js';
import type { Watcher } from '../../src/mirror/stream.js';
import { fileTree } from '../files/file-tree.js';
import type { TreeSettings } from '../files/transcript-tree.js';
import { isPlainId } from '../plain-id.js';
import { pi } from './description.js';
import { foldPiRow } from './facts.js';
import { agentFolder, files, folderNamed } from './layout.js';

/** pi's sessions: a tree of entries each, in a file that names its session in its header. */
export function piWatcher(settings: TreeSettings): Watcher {
  const { env, home } = settings;
  const agent = agentFolder(settings);
  return fileTree(settings, {
    harness: pi.name,
    roots: [agent],
    moreRoots: async ({ io }) => {
      const bytes = await io.readFile(join(agent, 'settings.json')).catch(() => undefined);
      const named = [env.PI_CODING_AGENT_SESSION_DIR, settingsIn(bytes).sessionDir];
      return named.flatMap((text) => folderNamed(text, home) ?? []);
    },
    rules: files,
    readers: { transcript: { as: 'lines', facts: foldPiRow } },
    sessionIn: ({ rows: [header] }) => {
      const id = header?.type === 'session' ? word(header.id) : undefined;
      return isPlainId(id) ? id : undefined;
    },
  });
}

function settingsIn(bytes: Buffer | undefined) {
  try {
    return fields(JSON.parse(bytes?.toString('utf8') ?? 'null'));
  } catch {
    return {};
  }
}
