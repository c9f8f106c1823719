import type { Clock } from '../../clock.js';
import { Breaker } from './circuit-breaker.js';
import { MetaSchedule } from '../meta/schedule.js';
import { Pace, type Pacing } from './flush-schedule.js';
import type { Roster, Track } from './stream-registry.js';
import type { Look } from '../stream.js';
import type { DrainLimits } from '../slots/stream-mirror.js';

/** The loop's own view of a track. Times are monotonic milliseconds. */
export interface Watched {
  readonly track: Track;
  readonly pace: Pace;
  /** What the last glance saw. */
  seen: Look | undefined;
  hotUntilMs: number;
  lookAtMs: number;
  isFlushing: boolean;
  auditAtMs: number | undefined;
  auditedAtMs: number;
  /** Bytes of an unterminated last line. */
  rest: number;
  failure: Error | undefined;
}

export type Drain =
  /** Everything complete is in the bucket, or cannot be (behind, gone). */
  | 'done'
  /** There is more: go on at once, */
  | 'again'
  /** or in a moment. */
  | 'soon'
  | 'failed';

export interface DrainReport {
  onTrouble(trouble: Error, isTheStores: boolean): void;
  onWell(): void;
}

const retryUnsteadyMs = 250;
const retryFailedMs = 30_000;
const auditAfterMs = 30_000;
const auditEveryMs = 300_000;

/** Sends what one track has, and keeps account of how the store, the source and the session's document are doing. */
export class Drainer {
  readonly breaker = new Breaker();
  readonly metas = new MetaSchedule();
  readonly #roster: Roster;
  readonly #clock: Clock;
  readonly #report: DrainReport;
  readonly #pacing: Pacing;
  readonly #watched = new Map<Track, Watched>();
  readonly #told = new Set<string>();

  constructor(roster: Roster, clock: Clock, report: DrainReport, pacing: Pacing) {
    this.#roster = roster;
    this.#clock = clock;
    this.#report = report;
    this.#pacing = pacing;
  }

  get watched(): Iterable<Watched> {
    return this.#watched.values();
  }

  of(track: Track): Watched {
    const known = this.#watched.get(track);
    if (known !== undefined) return known;
    const watched: Watched = {
      track,
      pace: new Pace(this.#pacing),
      seen: undefined,
      hotUntilMs: 0,
      lookAtMs: 0,
      isFlushing: false,
      auditAtMs: undefined,
      auditedAtMs: Number.NEGATIVE_INFINITY,
      rest: 0,
      failure: undefined,
    };
    this.#watched.set(track, watched);
    return watched;
  }

  /** One flush of a running watch: when it is due again, if it is, is settled here. */
  async flush(watched: Watched, limits: DrainLimits): Promise<void> {
    watched.pace.flushing(this.#clock.monotonic());
    const drain = await this.drain(watched, limits);
    const now = this.#clock.monotonic();
    if (drain === 'again') watched.pace.again(now);
    if (drain === 'soon') watched.pace.again(now + retryUnsteadyMs);
    if (drain === 'failed') {
      const isTheStores = this.breaker.trouble !== undefined;
      watched.pace.again(isTheStores ? this.breaker.notBeforeMs : now + retryFailedMs);
    }
    watched.auditAtMs = Math.max(now + auditAfterMs, watched.auditedAtMs + auditEveryMs);
  }

  async audit(watched: Watched): Promise<void> {
    const now = this.#clock.monotonic();
    watched.auditAtMs = undefined;
    watched.auditedAtMs = now;
    try {
      await watched.track.mirror.audit();
    } catch (error) {
      this.failed(error, watched);
      watched.auditAtMs = now + retryFailedMs;
    }
  }

  async drain(watched: Watched, limits: DrainLimits): Promise<Drain> {
    const { track } = watched;
    try {
      await this.#roster.settle(track);
      this.#noticeFresh();
      const before = track.mirror.head?.sequence;
      const drained = await track.mirror.drain(limits);
      watched.rest = drained.rest;
      watched.failure = undefined;
      const now = this.#clock.monotonic();
      if (track.mirror.head?.sequence !== before) this.metas.changed(track.session, now);
      if (this.breaker.succeeded()) this.#report.onWell();
      if (drained.state === 'unsteady') return 'soon';
      if (drained.state === 'conflict') return await this.#resolve(track);
      return drained.more ? 'again' : 'done';
    } catch (error) {
      this.failed(error, watched);
      return 'failed';
    }
  }

  /** Tells a failure once, and makes everything wait when it is the store's. */
  failed(thrown: unknown, watched?: Watched): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const { isTheStores, isNews } = this.breaker.failed(error, this.#clock.monotonic());
    const isRepeated = watched?.failure?.message === error.message;
    if (watched !== undefined) watched.failure = error;
    if (isNews && !isRepeated) this.#report.onTrouble(error, isTheStores);
  }

  async writeMetas(which: 'due' | 'all'): Promise<void> {
    const now = (): number => this.#clock.monotonic();
    if (now() < this.breaker.notBeforeMs) return;
    for (const failure of await this.metas.write(which, now)) this.#tellOnce(failure);
  }

  /** What concerns one document only is tried again for ever, so it is told the first time only. */
  #tellOnce(failure: unknown): void {
    const message = failure instanceof Error ? failure.message : String(failure);
    if (this.#told.has(message)) return;
    this.#told.add(message);
    this.failed(failure);
  }

  async #resolve(track: Track): Promise<Drain> {
    const other = await this.#roster.resolveConflict(track);
    this.#noticeFresh();
    if (other === track) return 'again';
    this.of(other).pace.noticed(this.#clock.monotonic(), 1);
    return 'done';
  }

  /** Copies get tracks of their own in the middle of somebody else's drain. */
  #noticeFresh(): void {
    for (const track of this.#roster.takeFresh()) {
      if (this.#watched.has(track)) continue;
      this.of(track).pace.noticed(this.#clock.monotonic(), 1);
    }
  }
}
