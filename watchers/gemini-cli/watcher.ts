import { join } from 'node:path';
import { word } from '../../src/conversation/fields.js';
import type { Watcher } from '../../src/mirror/stream.js';
import { FirstRows, type FirstRowsOf } from '../files/first-rows.js';
import { jsonlFile } from '../files/jsonl-file.js';
import { TranscriptTree, type TreeDisk, type TreeSettings } from '../files/transcript-tree.js';
import { WriteOnceFiles } from '../files/write-once-files.js';
import { geminiCli } from './description.js';
import { foldGeminiRow } from './facts.js';
import { type GeminiPath, homeFolder, isFolder, isSessionId, placeOf } from './layout.js';

/**
 * Gemini CLI's sessions. When one is resumed, a second file with the same header appears, and a later launch may delete
 * both; so a file counts as soon as it holds a message, and not before.
 */
export function geminiCliWatcher(settings: TreeSettings): Watcher {
  return new TranscriptTree<GeminiPath>(settings, (disk) => {
    const ids = new FirstRows(disk, sessionIn);
    return {
      harness: geminiCli.name,
      roots: [join(homeFolder(settings), 'tmp')],
      isFolder,
      placeOf,
      isFolderOf: ({ kind }) => kind === 'outputs',
      open: async (path, place) => {
        switch (place.kind) {
          case 'outputs':
            return outputsIn(disk, path, place);
          case 'sub-agent': {
            const folder = await folderOf(disk, join(path, '..', '..', '..'));
            return transcript(disk, path, place, folder);
          }
          case 'session': {
            const sessionId = await ids.of(path);
            if (sessionId === undefined) return undefined;
            const folder = await folderOf(disk, join(path, '..', '..'));
            return transcript(disk, path, { sessionId, name: '' }, folder);
          }
          default:
            return undefined;
        }
      },
    };
  });
}

interface Named {
  readonly sessionId: string;
  readonly name: string;
}

function transcript(
  { io }: TreeDisk,
  path: string,
  { sessionId, name }: Named,
  folder: string | undefined,
) {
  return jsonlFile({
    io,
    path,
    session: { harness: geminiCli.name, id: sessionId },
    name,
    facts: (line, before) => foldGeminiRow(line, before, folder),
  });
}

function outputsIn(disk: TreeDisk, folder: string, { sessionId, name }: Named) {
  const session = { harness: geminiCli.name, id: sessionId };
  return new WriteOnceFiles({
    ...disk,
    folder,
    session,
    name,
    type: 'tool-output',
    suffix: '.txt',
  });
}

/** By its header; only once it holds a message. */
function sessionIn({ rows, isAll }: FirstRowsOf): string | undefined {
  const id = word(rows[0]?.sessionId);
  const hasMessage =
    !isAll || rows.some((row) => word(row.id) !== undefined && row.type !== undefined);
  return hasMessage && isSessionId(id) ? id : undefined;
}

async function folderOf({ io }: TreeDisk, project: string): Promise<string | undefined> {
  const bytes = await io.readFile(join(project, '.project_root')).catch(() => undefined);
  return bytes?.toString('utf8').trim();
}
