import { messageOf } from '../../errors.js';
import type { FileSnapshot, Pass, Stream, Watcher } from '../stream.js';
import { isStartedWithin, peekCwd, type Selection } from './selection.js';
import type { Unfinished } from './summary.js';

export interface DiscoveredStream {
  readonly stream: Stream;
  readonly snapshot: FileSnapshot;
}

export interface SelectedSessions {
  readonly sessions: number;
  readonly streams: number;
  readonly bytes: number;
  readonly leftSessions: number;
  readonly leftBytes: number;
  /** How many of those left out were started in other folders. The others changed too long ago. */
  readonly leftElsewhere: number;
  /** Of all sessions on this machine, so that a shortened id is unambiguous. */
  readonly ids: readonly string[];
  /** Removed from the bucket, where a record keeps them away; omitted if there are none. */
  readonly removedSessions?: number;
}

export interface FirstLook {
  readonly taken: SelectedSessions;
  readonly discovered: readonly DiscoveredStream[];
  /** Left out only because they changed too long ago. */
  readonly older: readonly DiscoveredStream[];
  /** Left out only because they were started in other folders. */
  readonly elsewhere: readonly DiscoveredStream[];
}

/**
 * Decides which of the sessions on this machine are mirrored. A session that is too old at first is taken as soon as it
 * grows; one from another folder never is.
 */
export class SessionFilter {
  readonly #watchers: readonly Watcher[];
  readonly #selection: Selection;
  readonly #onTrouble: (error: unknown) => void;
  /** Left out at the first look; by their source once somebody asks for one of them. */
  #leftOut: readonly DiscoveredStream[] = [];
  readonly #dormantBySource = new Map<string, DiscoveredStream>();
  readonly #cwds = new Map<string, string>();
  readonly #unplaced = new Map<string, Unfinished>();
  readonly #told = new Set<string>();

  constructor(
    watchers: readonly Watcher[],
    selection: Selection,
    onTrouble: (error: unknown) => void,
  ) {
    this.#watchers = watchers;
    this.#selection = selection;
    this.#onTrouble = onTrouble;
  }

  /** Sessions whose folder is asked for and cannot be read: not mirrored, and not known to belong elsewhere. */
  get unplaced(): readonly Unfinished[] {
    return [...this.#unplaced.values()];
  }

  /** Every existing stream that may concern us, of one harness or of all, in batches. */
  async *everything(harness?: string): AsyncIterable<readonly Stream[]> {
    for (const watcher of this.#watchers) {
      if (harness === undefined || watcher.harness === harness) yield* this.of(watcher, 'all');
    }
  }

  /** What concerns us of one harness. */
  async *of(watcher: Watcher, pass: Pass): AsyncIterable<readonly Stream[]> {
    const unplaced = new Set([...this.#unplaced.keys()].filter((key) => isOf(watcher, key)));
    for (const root of await watcher.roots()) {
      for await (const some of watcher.streams(root, pass)) {
        if (unplaced.size > 0) for (const one of some) unplaced.delete(sessionKey(one));
        yield this.#concerning(some);
      }
    }
    if (pass !== 'recent') for (const gone of unplaced) this.#unplaced.delete(gone);
  }

  /** The first look: which sessions are taken from the start. */
  async first(nowMs: number): Promise<FirstLook> {
    const sessions = await this.#sessions();
    const leftOut: DiscoveredStream[] = [];
    const ids: string[] = [];
    const left = { leftSessions: 0, leftBytes: 0, leftElsewhere: 0 };
    const discovered: DiscoveredStream[] = [];
    const older: DiscoveredStream[] = [];
    const elsewhere: DiscoveredStream[] = [];
    for (const one of sessions) {
      const session = 'stream' in one ? [one] : one;
      for (const { stream } of session.slice(0, 1)) ids.push(stream.session.id);
      const isRecent = this.#isRecent(session, nowMs);
      const isWanted = isRecent && (await this.#isWanted(session));
      if (isWanted === undefined) continue;
      if (isWanted) {
        discovered.push(...session);
        continue;
      }
      (isRecent ? elsewhere : older).push(...session);
      leftOut.push(...session);
      left.leftSessions += 1;
      left.leftElsewhere += Number(isRecent);
      left.leftBytes += bytesOf(session);
    }
    this.#leftOut = leftOut;
    const taken = {
      sessions: ids.length - left.leftSessions - this.#unplaced.size,
      streams: discovered.length,
      bytes: bytesOf(discovered),
      ...left,
      ids,
    };
    return { taken, discovered, older, elsewhere };
  }

  /** One object for each of a hundred thousand sessions, most of which have one stream. */
  async #sessions(): Promise<Iterable<DiscoveredStream | DiscoveredStream[]>> {
    const harnesses = new Map<string, Map<string, DiscoveredStream | DiscoveredStream[]>>();
    for await (const some of this.everything()) {
      for (const stream of some) {
        const snapshot = await this.#snapshot(stream);
        if (snapshot === undefined) continue;
        const { harness, id } = stream.session;
        const sessions =
          harnesses.get(harness) ?? new Map<string, DiscoveredStream | DiscoveredStream[]>();
        harnesses.set(harness, sessions);
        const session = sessions.get(id);
        if (session === undefined) sessions.set(id, { stream, snapshot });
        else if ('stream' in session) sessions.set(id, [session, { stream, snapshot }]);
        else session.push({ stream, snapshot });
      }
    }
    return [...harnesses.values()].flatMap((sessions) => [...sessions.values()]);
  }

  get #dormant(): Map<string, DiscoveredStream> {
    for (const found of this.#leftOut) this.#dormantBySource.set(found.stream.source, found);
    this.#leftOut = [];
    return this.#dormantBySource;
  }

  /**
   * A stream that is not mirrored was noticed: returns what to mirror now because of it. A stream that has grown
   * is taken, whatever its time; one that was moved or packed has not grown.
   */
  async meet(stream: Stream, nowMs: number): Promise<readonly DiscoveredStream[]> {
    if (!this.#mayConcern(stream)) return [];
    const before = this.#dormant.get(stream.source)?.snapshot;
    const snapshot = await stream.changed(before);
    if (snapshot === undefined) return [];
    const hasGrown = before !== undefined && isGrown(snapshot, before);
    this.#dormant.set(stream.source, { stream, snapshot });
    const key = sessionKey(stream);
    const session = [...this.#dormant.values()].filter((one) => sessionKey(one.stream) === key);
    if (!(hasGrown || this.#isRecent(session, nowMs))) return [];
    const isWanted = await this.#isWanted(session);
    if (isWanted === false) return [];
    // Of one that is unplaced, too: it may become readable without changing.
    for (const found of session) this.#dormant.delete(found.stream.source);
    return isWanted === undefined ? [] : session;
  }

  /** The last snapshot of a stream that is left out; `undefined` if it is mirrored, or new. */
  dormantSnapshot(source: string): FileSnapshot | undefined {
    return this.#dormant.get(source)?.snapshot;
  }

  /** If it cannot be looked at now, the sweep will see it again. */
  async #snapshot(stream: Stream): Promise<FileSnapshot | undefined> {
    try {
      return await stream.changed(undefined);
    } catch (error) {
      this.#onTrouble(error);
      return undefined;
    }
  }

  #concerning(streams: readonly Stream[]): readonly Stream[] {
    if (this.#selection.sessionId === undefined) return streams;
    return streams.filter((stream) => this.#mayConcern(stream));
  }

  #mayConcern(stream: Stream): boolean {
    const { sessionId } = this.#selection;
    return sessionId === undefined || stream.session.id === sessionId;
  }

  #isRecent(session: readonly DiscoveredStream[], nowMs: number): boolean {
    const { sinceMs } = this.#selection;
    if (sinceMs === undefined) return true;
    return session.some(({ snapshot }) => snapshot.modifiedAtMs >= nowMs - sinceMs);
  }

  /**
   * A session with an unknown start folder, neither in its lines nor from its location, is in no folder. `undefined` if its
   * lines cannot be read: it must neither stop the others nor count as one of another folder.
   */
  async #isWanted(session: readonly DiscoveredStream[]): Promise<boolean | undefined> {
    const { cwd } = this.#selection;
    const [first] = session;
    if (cwd === undefined || first === undefined) return true;
    const key = sessionKey(first.stream);
    try {
      const folder = await this.#cwdOf(session);
      this.#unplaced.delete(key);
      return session.some(({ stream }) => isStartedWithin(stream, folder, cwd));
    } catch (error) {
      this.#unplaced.set(key, unfinished(first.stream, error));
      this.#tellOnce(error);
      return undefined;
    }
  }

  #tellOnce(error: unknown): void {
    const message = messageOf(error);
    if (this.#told.has(message)) return;
    this.#told.add(message);
    this.#onTrouble(error);
  }

  async #cwdOf(session: readonly DiscoveredStream[]): Promise<string | undefined> {
    for (const { stream } of [...session].sort(mainFirst)) {
      const known = this.#cwds.get(sessionKey(stream));
      const tells = stream.kind === 'lines' || stream.isCompared;
      const folder = known ?? (tells ? await peekCwd(stream) : undefined);
      if (folder === undefined) continue;
      this.#cwds.set(sessionKey(stream), folder);
      return folder;
    }
    return undefined;
  }
}

/** An unpacked file is longer too, but it is a different file with the same time. */
function isGrown(now: FileSnapshot, before: FileSnapshot): boolean {
  const isSameFile = now.file !== undefined && now.file === before.file;
  return now.size > before.size && (isSameFile || now.modifiedAtMs !== before.modifiedAtMs);
}

function unfinished({ session, name, source }: Stream, error: unknown): Unfinished {
  return { session: session.id, stream: name, source, reason: messageOf(error) };
}

function sessionKey(stream: Stream): string {
  return `${stream.session.harness}\n${stream.session.id}`;
}

function isOf({ harness }: Watcher, key: string): boolean {
  return key.startsWith(`${harness}\n`);
}

function bytesOf(discovered: readonly DiscoveredStream[]): number {
  return discovered.reduce((sum, { snapshot }) => sum + snapshot.size, 0);
}

function mainFirst(left: DiscoveredStream, right: DiscoveredStream): number {
  return Number(left.stream.name !== '') - Number(right.stream.name !== '');
}

/** Without the sessions whose removal is on record, of which `kept` has no stream. */
export function withoutRemoved(
  taken: SelectedSessions,
  discovered: readonly DiscoveredStream[],
  kept: readonly DiscoveredStream[],
): SelectedSessions {
  if (kept.length === discovered.length) return taken;
  const removedSessions = sessionCount(discovered) - sessionCount(kept);
  return {
    ...taken,
    sessions: taken.sessions - removedSessions,
    streams: kept.length,
    bytes: bytesOf(kept),
    removedSessions,
  };
}

function sessionCount(streams: readonly DiscoveredStream[]): number {
  return new Set(streams.map(({ stream: { session } }) => `${session.harness}/${session.id}`)).size;
}
