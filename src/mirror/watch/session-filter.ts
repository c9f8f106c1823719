import { isWithin, peekCwd, type Selection } from './selection.js';
import type { Harness, Look, Stream, Watcher } from '../stream.js';

export interface Sighting {
  readonly stream: Stream;
  readonly look: Look;
}

export interface Taken {
  readonly sessions: number;
  readonly streams: number;
  readonly bytes: number;
  readonly leftSessions: number;
  readonly leftBytes: number;
}

/**
 * Which of the sessions on this machine are mirrored. What is left alone at first, since it is too old, is taken as soon as
 * it grows; what lies in another folder never is.
 */
export class Intake {
  readonly #watchers: readonly Watcher[];
  readonly #selection: Selection;
  readonly #onTrouble: (error: unknown) => void;
  readonly #dormant = new Map<string, Sighting>();
  readonly #cwds = new Map<string, string>();

  constructor(
    watchers: readonly Watcher[],
    selection: Selection,
    onTrouble: (error: unknown) => void,
  ) {
    this.#watchers = watchers;
    this.#selection = selection;
    this.#onTrouble = onTrouble;
  }

  /** Those of which there is anything on this machine. */
  async harnesses(): Promise<string[]> {
    const present: string[] = [];
    for (const watcher of this.#watchers) {
      if ((await watcher.roots()).length > 0) present.push(watcher.harness);
    }
    return present;
  }

  /** Every stream there is now that may concern us, of one harness or of all, some at a time. */
  async *everything(harness?: Harness): AsyncIterable<readonly Stream[]> {
    for (const watcher of this.#watchers) {
      if (harness !== undefined && watcher.harness !== harness) continue;
      for (const root of await watcher.roots()) {
        for await (const some of watcher.streams(root)) yield this.#concerning(some);
      }
    }
  }

  /** The first look: what is taken from the start. */
  async first(nowMs: number): Promise<{ readonly taken: Taken; readonly sightings: Sighting[] }> {
    const sessions = new Map<string, Sighting[]>();
    for await (const some of this.everything()) {
      for (const stream of some) {
        const look = await this.#look(stream);
        if (look === undefined) continue;
        const key = sessionKey(stream);
        sessions.set(key, [...(sessions.get(key) ?? []), { stream, look }]);
      }
    }
    const left = { leftSessions: 0, leftBytes: 0 };
    const sightings: Sighting[] = [];
    for (const session of sessions.values()) {
      if (this.#isRecent(session, nowMs) && (await this.#isWanted(session))) {
        sightings.push(...session);
        continue;
      }
      for (const sighting of session) this.#dormant.set(sighting.stream.source, sighting);
      left.leftSessions += 1;
      left.leftBytes += bytesOf(session);
    }
    const taken = {
      sessions: sessions.size - left.leftSessions,
      streams: sightings.length,
      bytes: bytesOf(sightings),
      ...left,
    };
    return { taken, sightings };
  }

  /**
   * A stream that is not mirrored was noticed: what is to be taken now, on account of it. What is as old as before has not
   * grown, though it may have been moved or packed, which keeps its time.
   */
  async meet(stream: Stream, nowMs: number): Promise<readonly Sighting[]> {
    if (!this.#mayConcern(stream)) return [];
    const look = await stream.changed(this.#dormant.get(stream.source)?.look);
    if (look === undefined) return [];
    this.#dormant.set(stream.source, { stream, look });
    const key = sessionKey(stream);
    const session = [...this.#dormant.values()].filter((one) => sessionKey(one.stream) === key);
    if (!this.#isRecent(session, nowMs) || !(await this.#isWanted(session))) return [];
    for (const sighting of session) this.#dormant.delete(sighting.stream.source);
    return session;
  }

  /** What was seen of a stream that is left alone; `undefined` for one that is mirrored, or new. */
  dormantLook(stream: Stream): Look | undefined {
    return this.#dormant.get(stream.source)?.look;
  }

  /** What cannot be looked at now is met again by the sweep. */
  async #look(stream: Stream): Promise<Look | undefined> {
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

  #isRecent(session: readonly Sighting[], nowMs: number): boolean {
    const { sinceMs } = this.#selection;
    if (sinceMs === undefined) return true;
    return session.some(({ look }) => look.modifiedAtMs >= nowMs - sinceMs);
  }

  /** A session that does not say where it was started is in no folder. */
  async #isWanted(session: readonly Sighting[]): Promise<boolean> {
    const { cwd } = this.#selection;
    if (cwd === undefined) return true;
    const folder = await this.#cwdOf(session);
    return folder !== undefined && isWithin(folder, cwd);
  }

  async #cwdOf(session: readonly Sighting[]): Promise<string | undefined> {
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

function sessionKey(stream: Stream): string {
  return `${stream.session.harness}\n${stream.session.id}`;
}

function bytesOf(sightings: readonly Sighting[]): number {
  return sightings.reduce((sum, { look }) => sum + look.size, 0);
}

function mainFirst(left: Sighting, right: Sighting): number {
  return Number(left.stream.name !== '') - Number(right.stream.name !== '');
}
