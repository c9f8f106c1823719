import { importOf, plainName, type Transcript, transcriptOf } from './layout.js';

/** One source of an agent's sessions, in the disk's current state. */
export interface TranscriptSource {
  readonly sessionId: string;
  /** The stream's name; '' for the session's main one. */
  readonly name: string;
  readonly from:
    | { readonly kind: 'file'; readonly folder: 'sessions' | 'imports'; readonly file: string }
    | { readonly kind: 'database' };
  /** ISO 8601 UTC, if the source itself says that the session is over. */
  readonly endedAt?: string;
}

interface Present {
  /** Names of the files in `sessions/`. */
  readonly sessions: readonly string[];
  /** Names of the files in `session-sqlite-import-archive/`. */
  readonly imports: readonly string[];
  /** Sessions in the database; `undefined` if it exists but cannot be read. */
  readonly inDatabase: ReadonlySet<string> | undefined;
  /** The sessions among these that it imported from the file of that name, not written to since. */
  readonly takenOver: ReadonlySet<string>;
}

/**
 * Decides which source represents which session. A session's main stream follows it wherever OpenClaw moves it: from
 * its file into the database, or to the name that a reset or deletion gives it. Of several files with a whole session
 * only one counts, so that nothing is mirrored twice: the one in use, otherwise the one that ended last, otherwise
 * the one imported last unless the database has it. Whatever was set aside while the session continued under the same
 * id is a stream of its own. The conflict copy of a sync tool may hold lines that nothing else does: it competes with
 * whatever represents its session.
 */
export function sourcesOf(present: Present): readonly TranscriptSource[] {
  const found = transcriptsIn(present.sessions, transcriptOf);
  const sources: TranscriptSource[] = [];
  const whole = new Set(present.inDatabase);
  for (const { file, transcript } of found) {
    if (transcript.kind !== 'current' || present.takenOver.has(file)) continue;
    whole.add(transcript.sessionId);
    sources.push(fromFile('sessions', file, transcript.sessionId, ''));
  }
  for (const { file, transcript } of latestFirst(found)) {
    const { kind, sessionId } = transcript;
    if (kind === 'copy') sources.push(fromFile('sessions', file, sessionId, ''));
    if (kind === 'backup') sources.push(fromFile('sessions', file, sessionId, transcript.name));
    if (kind !== 'ended') continue;
    const isMain = !whole.has(sessionId);
    whole.add(sessionId);
    const aside = `backups/${file.slice(file.lastIndexOf('.jsonl.') + '.jsonl.'.length)}`;
    const source = fromFile('sessions', file, sessionId, isMain ? '' : aside);
    const { endedAt } = transcript;
    sources.push(isMain && endedAt !== undefined ? { ...source, endedAt } : source);
  }
  for (const sessionId of present.inDatabase ?? []) {
    sources.push({ sessionId, name: '', from: { kind: 'database' } });
  }
  if (present.inDatabase === undefined) return sources;
  sources.push(...lastCheckpoints(found, whole));
  for (const { file, transcript } of latestFirst(transcriptsIn(present.imports, importOf))) {
    if (whole.has(transcript.sessionId)) continue;
    whole.add(transcript.sessionId);
    sources.push(fromFile('imports', file, transcript.sessionId, ''));
  }
  return sources;
}

/**
 * Copies of sessions of which nothing else is left. If there are several, they compete for one stream: the one that
 * agrees furthest is the session.
 */
function lastCheckpoints(
  found: readonly FoundTranscript[],
  whole: ReadonlySet<string>,
): readonly TranscriptSource[] {
  return found.flatMap(({ file, transcript: { kind, sessionId } }) =>
    kind === 'checkpoint' && !whole.has(sessionId)
      ? [fromFile('sessions', file, sessionId, '')]
      : [],
  );
}

interface FoundTranscript {
  /** Without `.zst`. */
  readonly file: string;
  readonly transcript: Transcript;
}

function transcriptsIn(
  files: readonly string[],
  nameOf: (file: string) => Transcript | undefined,
): readonly FoundTranscript[] {
  const found = new Map<string, FoundTranscript>();
  for (const name of files) {
    const file = plainName(name);
    const transcript = nameOf(file);
    // A file in use is never packed.
    const isInUse = transcript?.kind === 'current' || transcript?.kind === 'copy';
    const isOdd = isInUse && file !== name;
    if (transcript !== undefined && !isOdd) found.set(file, { file, transcript });
  }
  return [...found.values()];
}

function latestFirst(found: readonly FoundTranscript[]): readonly FoundTranscript[] {
  const sortKey = ({ transcript, file }: FoundTranscript): string => {
    if (transcript.kind === 'ended') return transcript.endedAt ?? '';
    if (transcript.kind === 'imported') return String(transcript.importedAtMs).padStart(16, '0');
    return file;
  };
  return found
    .filter(({ transcript }) => transcript.kind !== 'current')
    .sort((left, right) => (sortKey(left) < sortKey(right) ? 1 : -1));
}

function fromFile(
  folder: 'sessions' | 'imports',
  file: string,
  sessionId: string,
  name: string,
): TranscriptSource {
  return { sessionId, name, from: { kind: 'file', folder, file } };
}
