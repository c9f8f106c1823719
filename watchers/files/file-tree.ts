import { resolve } from 'node:path';
import type { SessionFacts, Stream, Watcher } from '../../src/mirror/stream.js';
import { type DocumentRows, documentFile } from './document-file.js';
import { FirstRows, type FirstRowsOf } from './first-rows.js';
import { jsonlFile } from './jsonl-file.js';
import { type FilePlace, type PathRule, PathRules } from './path-rules.js';
import { recordFile } from './record-file.js';
import { SideFacts, type SideFile } from './side-facts.js';
import { TranscriptTree, type TreeDisk, type TreeSettings } from './transcript-tree.js';
import { WriteOnceFiles } from './write-once-files.js';

type FoldFacts = (line: Buffer, before: SessionFacts) => SessionFacts;

/** How the files of one kind are read. */
export type FileReader =
  /** They grow by lines; `beside` is a small file that says more about their session. */
  | { readonly as: 'lines'; readonly facts: FoldFacts; readonly beside?: BesideFile }
  /** A document each, with rows that have ids. */
  | {
      readonly as: 'rows';
      readonly rows: DocumentRows;
      readonly facts: FoldFacts;
      readonly beside?: BesideFile;
    }
  /** A small document each, replaced as a whole. */
  | {
      readonly as: 'record';
      readonly parse?: (text: string) => unknown;
      readonly facts?: FoldFacts;
    }
  /** They are written once; all of a folder make up one stream. */
  | { readonly as: 'files'; readonly type: string; readonly suffix: string };

interface BesideFile extends SideFile {
  /** From the file's own folder. */
  readonly path: string;
}

/** What distinguishes a harness that keeps its transcripts as files in known places. */
export interface FileTree<Kind extends string> {
  readonly harness: string;
  /** Folders that may hold transcripts, whether or not they exist. */
  readonly roots: readonly string[];
  /** More of them, as the harness's settings say now. */
  moreRoots?(disk: TreeDisk): Promise<readonly string[]>;
  readonly rules: readonly PathRule<Kind>[];
  readonly readers: Readonly<Record<Kind, FileReader>>;
  /** The session of a file whose path does not tell; `undefined` while its first rows do not either. */
  sessionIn?(first: FirstRowsOf): string | undefined;
  /** Sessions that the harness itself reports as running. */
  live?(disk: TreeDisk): Promise<ReadonlySet<string>>;
}

export function fileTree<Kind extends string>(
  settings: TreeSettings,
  tree: FileTree<Kind>,
): Watcher {
  const rules = new PathRules(tree.rules);
  const { harness, roots, readers, moreRoots, live } = tree;
  return new TranscriptTree<FilePlace<Kind>>(settings, (disk) => {
    const sessions = new FirstRows(disk, (first) => tree.sessionIn?.(first));
    return {
      harness,
      roots,
      ...(moreRoots === undefined ? {} : { moreRoots: () => moreRoots(disk) }),
      isFolder: (path) => rules.isFolder(path),
      placeOf: (path) => rules.placeOf(path),
      isFolderOf: ({ kind }) => readers[kind].as === 'files',
      open: async (path, { kind, sessionId, name }) => {
        const id = sessionId ?? (await sessions.of(path));
        if (id === undefined) return undefined;
        return streamAt(disk, path, { session: { harness, id }, name }, readers[kind]);
      },
      ...(live === undefined ? {} : { live: () => live(disk) }),
    };
  });
}

function streamAt(
  disk: TreeDisk,
  path: string,
  named: Pick<Stream, 'session' | 'name'>,
  reader: FileReader,
): Stream {
  const { io } = disk;
  switch (reader.as) {
    case 'lines':
      return jsonlFile({ io, path, ...named, facts: reader.facts, ...sideOf(disk, path, reader) });
    case 'rows': {
      const { rows, facts } = reader;
      return documentFile({ io, path, ...named, rows, facts, ...sideOf(disk, path, reader) });
    }
    case 'record': {
      const { parse = JSON.parse, facts = (_line, before) => before } = reader;
      return recordFile({ io, path, ...named, parse, facts });
    }
    case 'files': {
      const { type, suffix } = reader;
      return new WriteOnceFiles({ ...disk, folder: path, ...named, type, suffix });
    }
  }
}

function sideOf(
  disk: TreeDisk,
  path: string,
  { beside }: { readonly beside?: BesideFile },
): { readonly side?: SideFacts } {
  if (beside === undefined) return {};
  return { side: new SideFacts(disk, { ...beside, path: resolve(path, '..', beside.path) }) };
}

/** A folder as a variable names it; `otherwise` if it does not. */
export function namedFolder(variable: string | undefined, otherwise: string): string {
  return variable === undefined || variable === '' ? otherwise : resolve(variable);
}
