import type { Clock } from '../../clock.js';
import { PartialError } from '../../errors.js';
import type { IndexWriter } from '../index/index-writer.js';
import { MetaSchedule } from '../meta/schedule.js';
import type { SessionMirror } from '../meta/session-mirror.js';
import type { UploadLimits } from '../slots/upload.js';
import { CircuitBreaker } from './circuit-breaker.js';
import type { FlushTiming } from './flush-schedule.js';
import type { MirroredStream, StreamRegistry } from './stream-registry.js';
import { UploadState } from './upload-state.js';

export type UploadOutcome =
  /** Everything complete is in the bucket, or cannot be (behind, gone). */
  | 'done'
  /** There is more: continue at once, */
  | 'again'
  /** or in a moment. */
  | 'soon'
  | 'failed';

export interface UploaderReport {
  onTrouble(trouble: Error, isTheStores: boolean): void;
  onWell(): void;
}

const retryUnsteadyMs = 250;
const retryFailedMs = 30_000;
const auditAfterMs = 30_000;
const auditEveryMs = 300_000;
const storeAuditEveryMs = 600_000;

/** Sends what one mirrored stream has, and keeps track of the state of the store, the source and the session's document. */
export class StreamUploader {
  readonly breaker = new CircuitBreaker();
  readonly metas = new MetaSchedule();
  readonly #registry: StreamRegistry;
  readonly #index: IndexWriter | undefined;
  readonly #clock: Clock;
  readonly #report: UploaderReport;
  readonly #timing: FlushTiming;
  readonly #states = new Map<MirroredStream, UploadState>();
  /** Those that are not known to be at rest. */
  readonly #awake = new Set<UploadState>();
  readonly #wake = (state: UploadState): void => {
    if (this.#isKept(state)) this.#awake.add(state);
  };
  readonly #told = new Set<string>();

  constructor(
    registry: StreamRegistry,
    clock: Clock,
    report: UploaderReport,
    timing: FlushTiming,
    index?: IndexWriter,
  ) {
    this.#index = index;
    this.#registry = registry;
    this.#clock = clock;
    this.#report = report;
    this.#timing = timing;
  }

  get states(): Iterable<UploadState> {
    return this.#states.values();
  }

  /** The few that may be due, changing or behind: what a loop walks over again and again. */
  get awake(): Iterable<UploadState> {
    return this.#awake;
  }

  /** From now on nobody walks over those that are at rest. */
  letRest(): void {
    for (const state of this.#awake) {
      if (state.isAtRest(this.#clock)) this.#awake.delete(state);
    }
  }

  of(mirrored: MirroredStream): UploadState {
    const known = this.#states.get(mirrored);
    if (known !== undefined) return known;
    const state = new UploadState(mirrored, this.#timing, this.#wake);
    this.#states.set(mirrored, state);
    this.#awake.add(state);
    return state;
  }

  /** Sends nothing more of a session; returns the states that may still be at work. */
  drop(session: SessionMirror): readonly UploadState[] {
    const dropped = [...this.#states.values()].filter((one) => one.mirrored.session === session);
    for (const state of dropped) {
      this.#states.delete(state.mirrored);
      this.#awake.delete(state);
    }
    this.metas.drop(session);
    this.#index?.drop(session.ref.harness, session.ref.id);
    return dropped;
  }

  /** Not if it was dropped while it waited for its turn, or was at work. */
  #isKept(state: UploadState): boolean {
    return this.#states.get(state.mirrored) === state;
  }

  /** One flush of a running watch; decides when the stream is due again, if at all. */
  async flush(state: UploadState, limits: UploadLimits): Promise<void> {
    state.flushing(this.#clock.monotonic());
    const upload = await this.upload(state, limits);
    const now = this.#clock.monotonic();
    if (upload === 'again') state.again(now);
    if (upload === 'soon') state.again(now + retryUnsteadyMs);
    if (upload === 'failed') {
      const isTheStores = this.breaker.trouble !== undefined;
      state.again(isTheStores ? this.breaker.notBeforeMs : now + retryFailedMs);
    }
    state.auditAtMs = Math.max(now + auditAfterMs, state.auditedAtMs + auditEveryMs);
  }

  async audit(state: UploadState): Promise<void> {
    const now = this.#clock.monotonic();
    state.auditAtMs = undefined;
    state.auditedAtMs = now;
    if (!this.#isKept(state)) return;
    try {
      await state.mirrored.mirror.audit();
    } catch (error) {
      this.failed(error, state);
      state.auditAtMs = now + retryFailedMs;
    }
  }

  /** Asks the bucket whether it still holds what was uploaded, and puts back anything missing. */
  async auditStore(state: UploadState): Promise<'done' | 'failed'> {
    const { mirrored } = state;
    state.storeAuditAtMs = undefined;
    state.hasShipped = false;
    if (!this.#isKept(state)) return 'done';
    try {
      // A calm stream has let go of its checkpoint: to read it again is no upload.
      await mirrored.mirror.load();
      const before = mirrored.mirror.checkpoint;
      const audited = await mirrored.mirror.auditStore();
      const now = this.#clock.monotonic();
      if (mirrored.mirror.checkpoint !== before) this.#shipped(state);
      state.failure ??= contest(mirrored);
      if (this.breaker.succeeded()) this.#report.onWell();
      const isOpen = audited.state === 'unsteady' || audited.state === 'conflict';
      if (audited.more || isOpen) state.noticed(now, 1);
      return 'done';
    } catch (error) {
      this.failed(error, state);
      state.storeAuditAtMs = this.#clock.monotonic() + retryFailedMs;
      state.hasShipped = true;
      return 'failed';
    }
  }

  async upload(state: UploadState, limits: UploadLimits): Promise<UploadOutcome> {
    const { mirrored } = state;
    if (!this.#isKept(state)) return 'done';
    try {
      await this.#registry.resolveSource(mirrored);
      this.#noticeFresh();
      const owner = this.#registry.mirroredStreamOf(mirrored.mirror.source.source);
      if (owner !== undefined && owner !== mirrored) return this.#leaveTo(owner);
      const before = mirrored.mirror.checkpoint?.sequence;
      const uploaded = await mirrored.mirror.upload(limits);
      state.rest = uploaded.rest;
      state.failure = contest(mirrored);
      if (mirrored.mirror.checkpoint?.sequence !== before) this.#shipped(state);
      if (this.breaker.succeeded()) this.#report.onWell();
      if (uploaded.state === 'unsteady') return 'soon';
      if (uploaded.state === 'conflict') return await this.#resolve(mirrored);
      return uploaded.more ? 'again' : 'done';
    } catch (error) {
      this.failed(error, state);
      return 'failed';
    }
  }

  #shipped(state: UploadState): void {
    if (!this.#isKept(state)) return;
    const now = this.#clock.monotonic();
    state.hasShipped = true;
    state.storeAuditAtMs ??= now + storeAuditEveryMs;
    const { session, mirror } = state.mirrored;
    this.metas.changed(session, now, mirror.snapshot?.modifiedAtMs ?? this.#clock.now());
  }

  /** Reports a failure once, and makes everything wait if it is the store's. */
  failed(thrown: unknown, state?: UploadState): void {
    // Found removed: the loop drops it with the next sweep.
    if (state !== undefined && this.#registry.removed.isRemoved(state.mirrored.session.ref)) return;
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const { isTheStores, isNews } = this.breaker.failed(error, this.#clock.monotonic());
    const isRepeated = state?.failure?.message === error.message;
    if (state !== undefined) state.failure = error;
    if (isNews && !isRepeated) this.#report.onTrouble(error, isTheStores);
  }

  /** A killed run may have left a document that says less than the parts. */
  async oweMeta(session: SessionMirror, isThorough: boolean): Promise<void> {
    const isOwed = (await session.isMetaOwed()) || isThorough;
    if (isOwed) this.metas.owed(session, this.#clock.monotonic());
  }

  /** When the next derived document is due. */
  get metasDueMs(): number {
    return Math.min(this.metas.nextMs, this.#index?.nextMs ?? Number.POSITIVE_INFINITY);
  }

  async writeMetas(which: 'due' | 'all'): Promise<void> {
    const now = (): number => this.#clock.monotonic();
    if (now() < this.breaker.notBeforeMs) return;
    for (const failure of await this.metas.write(which, now)) this.tellOnce(failure);
    await this.#index?.write(which, now);
  }

  /** A problem with a single document is retried forever, so it is reported only the first time. */
  tellOnce(failure: unknown): void {
    const message = failure instanceof Error ? failure.message : String(failure);
    if (this.#told.has(message)) return;
    this.#told.add(message);
    this.failed(failure);
  }

  async #resolve(mirrored: MirroredStream): Promise<UploadOutcome> {
    const other = await this.#registry.resolveConflict(mirrored);
    this.#noticeFresh();
    return other === mirrored ? 'again' : this.#leaveTo(other);
  }

  /** The source is mirrored as another stream now. */
  #leaveTo(owner: MirroredStream): UploadOutcome {
    this.of(owner).noticed(this.#clock.monotonic(), 1);
    return 'done';
  }

  /** Copies get mirrored streams in the middle of another stream's drain. */
  #noticeFresh(): void {
    for (const mirrored of this.#registry.takeFresh()) {
      if (this.#states.has(mirrored)) continue;
      this.of(mirrored).noticed(this.#clock.monotonic(), 1);
    }
  }
}

/** Known for as long as this process lives: readers find what another machine wrote under the same id. */
function contest({ mirror }: MirroredStream): Error | undefined {
  const { contestedBy } = mirror;
  if (contestedBy === undefined) return undefined;
  const message = `${contestedBy} writes another transcript under the same id: readers find that one`;
  return new PartialError(message, {
    hint: 'Both are in the bucket, in generations of their own. Mirror one session from one machine only.',
  });
}
