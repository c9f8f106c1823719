import { isAbsolute, relative } from 'node:path';
import type { FileSnapshot, SessionFacts, SessionRef, Stream, Watcher } from '../stream.js';
import { startPosition, streamsOf } from '../stream.js';

/** Which sessions are mirrored. */
export interface Selection {
  /** Sessions that changed within this time, and any that grow from now on; `undefined`: all. */
  readonly sinceMs: number | undefined;
  /** Only sessions started in or below this folder. */
  readonly cwd: string | undefined;
  /** Only this session. */
  readonly sessionId: string | undefined;
}

export const everything: Selection = { sinceMs: undefined, cwd: undefined, sessionId: undefined };

const peekBytes = 256 * 1024;
const maxPeeks = 8;

/** Whether a folder is `root` or below it. */
function isWithin(folder: string, root: string): boolean {
  const path = relative(root, folder);
  return path === '' || (!path.startsWith('..') && !isAbsolute(path));
}

/** The folder a session was started in, from its first lines; `undefined` if they do not say. */
export async function peekCwd(stream: Stream): Promise<string | undefined> {
  let position = startPosition;
  let facts: SessionFacts = {};
  for (let peek = 0; peek < maxPeeks; peek += 1) {
    const chunk = await stream.read(position, { bytes: peekBytes });
    if (chunk === 'moved' || chunk === 'gone') return undefined;
    for (const line of chunk.lines) {
      if (Buffer.isBuffer(line)) facts = stream.facts(line, facts);
      if (facts.cwd !== undefined) return facts.cwd;
    }
    if (!chunk.more) return undefined;
    position = chunk.next;
  }
  return undefined;
}

/** Whether a session was started in or below `root`: according to its lines, else to the place where it is kept. */
export function isStartedWithin(stream: Stream, folder: string | undefined, root: string): boolean {
  if (folder !== undefined) return isWithin(folder, root);
  return stream.isKeptFor?.(root) ?? false;
}

export interface NewestSession {
  readonly session: SessionRef;
  /** The parent folder that it was started in, if none was started in or below the folder asked for. */
  readonly around: string | undefined;
}

/**
 * The most recently changed session started in or below this folder; if there is none, of those started in the nearest
 * parent folder.
 */
export async function newestSession(
  watchers: readonly Watcher[],
  cwd: string,
): Promise<NewestSession | undefined> {
  const found: { readonly stream: Stream; readonly snapshot: FileSnapshot }[] = [];
  for (const watcher of watchers) {
    for await (const stream of streamsOf(watcher)) {
      const snapshot = stream.name === '' ? await stream.changed(undefined) : undefined;
      if (snapshot !== undefined) found.push({ stream, snapshot });
    }
  }
  found.sort((left, right) => right.snapshot.modifiedAtMs - left.snapshot.modifiedAtMs);
  let parent: { readonly session: SessionRef; readonly around: string } | undefined;
  for (const { stream } of found) {
    const { session } = stream;
    const folder = await peekCwd(stream);
    if (isStartedWithin(stream, folder, cwd)) return { session, around: undefined };
    if (folder === undefined || !isWithin(cwd, folder)) continue;
    if (parent !== undefined && folder.length <= parent.around.length) continue;
    parent = { session, around: folder };
  }
  return parent;
}

/** Every session on this machine, once. */
export async function sessionsHere(watchers: readonly Watcher[]): Promise<readonly SessionRef[]> {
  const sessions = new Map<string, SessionRef>();
  for (const watcher of watchers) {
    for await (const { session } of streamsOf(watcher)) {
      sessions.set(`${session.harness}/${session.id}`, session);
    }
  }
  return [...sessions.values()];
}
