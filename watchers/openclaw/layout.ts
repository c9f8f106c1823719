import { copySuffix } from '../files/conflict-copies.js';

/**
 * Which files of an agent's folder are transcripts, and whose. Releases up to 2026.7.1 keep `sessions/<session
 * id>.jsonl` (`-topic-<thread>` after the id for a thread of a chat), and rename it when it is compacted
 * (`.bak.<time>`), reset or deleted; later ones keep transcripts in a database, leave
 * `.deleted.<time>.<generation>.zst` of deleted ones, and put imported files into `session-sqlite-import-archive/`
 * (https://github.com/openclaw/openclaw, src/config/sessions/artifacts.ts and src/commands/doctor-session-sqlite.ts).
 */
export type Transcript =
  | { readonly kind: 'current'; readonly sessionId: string }
  /** What a sync tool made of a transcript that two machines wrote: another source of its session. */
  | { readonly kind: 'copy'; readonly sessionId: string }
  /** A copy made before a transcript is compacted: it counts if nothing else is left of the session. */
  | { readonly kind: 'checkpoint'; readonly sessionId: string }
  /** The whole transcript of a session that was reset or deleted. */
  | { readonly kind: 'ended'; readonly sessionId: string; readonly endedAt: string | undefined }
  /** A transcript as it was before it was cut short; the session continues in another file. */
  | { readonly kind: 'backup'; readonly sessionId: string; readonly name: string }
  /** A file that the database was filled from. */
  | { readonly kind: 'imported'; readonly sessionId: string; readonly importedAtMs: number };

export const agentsFolder = 'agents';
export const sessionsFolder = 'sessions';
export const importsFolder = 'session-sqlite-import-archive';
export const databaseFolder = 'agent';
export const databaseFile = 'openclaw-agent.sqlite';
const packedSuffix = '.zst';

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const time = String.raw`(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d(?:\.\d{3})?)Z`;
const archive = new RegExp(
  String.raw`^(.+)\.jsonl\.(bak|reset|deleted)\.(${time})(?:\.[0-9a-z-]{1,64})?$`,
);
const imported = new RegExp(
  String.raw`^(?:.*\.)?(${uuid})(?:-topic-[^.]*)?\.jsonl\.imported-(\d{1,15})(?:\.\d+)?$`,
  'i',
);
const importedByName = /^[^.]+\.(.+)\.jsonl\.imported-(\d{1,15})(?:\.\d+)?$/;
const checkpoint = new RegExp(String.raw`^(.+)\.checkpoint\.${uuid}\.jsonl$`, 'i');
const conflictCopy = new RegExp(
  `^(${uuid.replaceAll('a-f', 'a-fA-F')})(?!-topic-.)${copySuffix}\\.jsonl$`,
  's',
);
/** Diagnostics and copies next to a transcript: none of them contains anything that is said only there. */
const besideTranscript = new RegExp(String.raw`\.trajectory$|\.checkpoint\.${uuid}$`, 'i');

/** What a file in `sessions/` is; without `.zst`, which makes no difference. */
export function transcriptOf(file: string): Transcript | undefined {
  const named = archive.exec(file);
  const [, of] = checkpoint.exec(file) ?? [];
  if (of !== undefined && isSessionId(of)) return { kind: 'checkpoint', sessionId: of };
  const [, copied] = conflictCopy.exec(file) ?? [];
  if (copied !== undefined) return { kind: 'copy', sessionId: copied };
  if (named === null) {
    const sessionId = file.endsWith('.jsonl') ? sessionIdOf(file.slice(0, -6)) : undefined;
    return sessionId === undefined ? undefined : { kind: 'current', sessionId };
  }
  const [, stem = '', reason, at = '', day, hour, minute, second] = named;
  const sessionId = sessionIdOf(stem);
  if (sessionId === undefined) return undefined;
  if (reason === 'bak') return { kind: 'backup', sessionId, name: `backups/${at}` };
  return { kind: 'ended', sessionId, endedAt: isoTime(`${day}T${hour}:${minute}:${second}Z`) };
}

/** What a file in `session-sqlite-import-archive/` is. */
export function importOf(file: string): Transcript | undefined {
  const [, stem = '', at] = imported.exec(file) ?? importedByName.exec(file) ?? [];
  const sessionId = sessionIdOf(stem);
  if (sessionId === undefined) return undefined;
  return { kind: 'imported', sessionId, importedAtMs: Number(at) };
}

/**
 * Whether a path below `agents`, folder by folder, can belong to no session: OpenClaw writes much more next to a
 * transcript, and its database has auxiliary files.
 */
export function isBesideThePoint([, folder, file, ...deeper]: readonly string[]): boolean {
  if (folder === undefined) return false;
  if (folder === sessionsFolder) return deeper.length > 0 || isNo(transcriptOf, file);
  if (folder === importsFolder) return deeper.length > 0 || isNo(importOf, file);
  if (folder !== databaseFolder) return true;
  return deeper.length > 0 || (file !== undefined && !isDatabase(file));
}

/** The database, or the journal that is written first. */
function isDatabase(file: string): boolean {
  return file === databaseFile || file === `${databaseFile}-wal`;
}

/** A file and its packed twin are one, named after the plain one. */
export function plainName(file: string): string {
  return file.endsWith(packedSuffix) ? file.slice(0, -packedSuffix.length) : file;
}

function isNo(
  transcript: (file: string) => Transcript | undefined,
  file: string | undefined,
): boolean {
  return file !== undefined && transcript(plainName(file)) === undefined;
}

/** Whether it is an id that OpenClaw accepts. */
function isSessionId(text: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,127}$/i.test(text);
}

/** A thread's transcript is named after its session and the thread. */
function sessionIdOf(stem: string): string | undefined {
  if (besideTranscript.test(stem)) return undefined;
  const sessionId = /^(.+?)-topic-./s.exec(stem)?.[1] ?? stem;
  return isSessionId(sessionId) ? sessionId : undefined;
}

function isoTime(text: string): string | undefined {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}
