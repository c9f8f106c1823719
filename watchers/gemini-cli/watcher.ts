import { join } from 'node:path';
import { word } from '../../src/conversation/fields.js';
import type { Watcher } from '../../src/mirror/stream.js';
import { fileTree } from '../files/file-tree.js';
import type { FirstRowsOf } from '../files/first-rows.js';
import { isUuid } from '../files/path-rules.js';
import type { TreeSettings } from '../files/transcript-tree.js';
import { geminiCli } from './description.js';
import { documentRows } from './document.js';
import { factsOfProject, foldGeminiRow } from './facts.js';
import { files, homeFolder } from './layout.js';

/**
 * Gemini CLI's sessions. When one is resumed, a second file with the same header appears, and a later launch may delete
 * both; so a file counts as soon as it holds a message, and not before.
 */
export function geminiCliWatcher(settings: TreeSettings): Watcher {
  const lines = { as: 'lines', facts: foldGeminiRow } as const;
  const beside = (path: string) => ({ path, read: factsOfProject });
  return fileTree(settings, {
    harness: geminiCli.name,
    roots: [join(homeFolder(settings), 'tmp')],
    rules: files,
    readers: {
      session: { ...lines, beside: beside('../.project_root') },
      agent: { ...lines, beside: beside('../../.project_root') },
      document: {
        as: 'rows',
        rows: documentRows,
        facts: foldGeminiRow,
        beside: beside('../.project_root'),
      },
      outputs: { as: 'files', type: 'tool-output', suffix: '.txt' },
    },
    sessionIn,
  });
}

/** By its header, or how a document begins; only once it holds a message. */
function sessionIn({ text, rows, isAll }: FirstRowsOf): string | undefined {
  const document = /^\{\s*"sessionId"\s*:\s*"([^"]+)".*?"messages"\s*:\s*\[\s*\{/s.exec(text);
  const id = document?.[1] ?? word(rows[0]?.sessionId);
  if (document !== null) return isUuid(id) ? id : undefined;
  const hasMessage =
    !isAll || rows.some((row) => word(row.id) !== undefined && row.type !== undefined);
  return hasMessage && isUuid(id) ? id : undefined;
}
