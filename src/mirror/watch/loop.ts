import PQueue from 'p-queue';
import { beforeAbort } from './race-abort.js';
import { Drainer, type Watched } from './stream-uploader.js';
import { type Ending, endingOf } from './summary.js';
import { NoFileEvents } from './file-events.js';
import { Intake, type Sighting } from './session-filter.js';
import { MarkReader } from './hook-signal-reader.js';
import { Meter } from './progress-counter.js';
import type { Stream } from '../stream.js';
import type { WatchContext } from './context.js';

export type { WatchContext, WatchReport, WatchSettings } from './context.js';

const hotForMs = 5_000;
const hotLookMs = 250;
const relistAfterEventMs = 100;
const shutdownMs = 10_000;
/** The documents of a large first run may take a while; a store that hangs must not keep `once` for ever. */
const metasMs = 600_000;
const sliceStreams = 200;
/** What is quiet is looked at in every so many sweeps: once a minute. */
const quietEverySweeps = 6;
const quietAfterMs = 3_600_000;
const concurrency = 4;
const liveParts = { partBytes: 1 << 20, parts: 8 };
const backfillParts = { partBytes: 8 << 20, parts: 4 };
const backfillBytes = 4 << 20;
/** Records count once they were seen unchanged for 2 s. */
const settleRecordsMs = 2_100;
/** `once` waits this long for a store that cannot be reached, then ends with its error. */
const patienceMs = 45_000;

/**
 * Looks, and has streams drained when they are due. File events only make it look earlier; the sweep alone is enough for
 * everything to arrive. What waits is names, never content: the source files are the buffer.
 */
export class WatchLoop {
  readonly #context: WatchContext;
  readonly #intake: Intake;
  readonly #drainer: Drainer;
  readonly #marks: MarkReader;
  readonly #queue = new PQueue({ concurrency });
  #wake: () => void = () => undefined;
  #sweepAtMs = 0;
  #sweeps = 0;
  #hasEvents = true;
  #isWritingMetas = false;

  constructor(context: WatchContext) {
    const { watchers, settings, roster, clock, report } = context;
    this.#context = context;
    const drainer = new Drainer(roster, clock, report, settings.pacing);
    this.#drainer = drainer;
    this.#intake = new Intake(watchers, settings.selection, (error) => drainer.failed(error));
    this.#marks = new MarkReader(context, this.#intake, drainer, (stream) =>
      this.#glanceSafely(stream),
    );
  }

  /** Takes everything there is once. The store's own error is thrown when it cannot be reached to begin with. */
  async once(signal: AbortSignal): Promise<Ending> {
    const { clock } = this.#context;
    if (!(await beforeAbort(this.#prepare(), signal))) return endingOf([]);
    await this.#marks.read();
    const meter = new Meter((done, total) => this.#context.report.onProgress(done, total));
    for (let due = this.#due(); due.length > 0 && !signal.aborted; due = this.#due()) {
      meter.expect(due);
      const work = due.map((one) => () => this.#drainWhole(one, signal, meter));
      const isDone = await beforeAbort(
        this.#queue.addAll(work).then(() => undefined),
        signal,
      );
      if (!isDone) await this.#until(clock.monotonic() + shutdownMs, this.#queue.onIdle());
      const hopeless = this.#hopeless();
      if (hopeless !== undefined) throw hopeless;
    }
    await this.#until(clock.monotonic() + metasMs, this.#drainer.writeMetas('all'));
    return endingOf(this.#drainer.watched);
  }

  /** Runs until `signal` aborts; then finishes what is in hand within 10 s. */
  async run(signal: AbortSignal): Promise<Ending> {
    const { clock, settings } = this.#context;
    const isReady = await beforeAbort(this.#prepare(), signal);
    this.#sweepAtMs = clock.monotonic();
    while (!signal.aborted) {
      await this.#lookAtHot();
      await this.#sweepWhenDue();
      this.#flushDue();
      this.#writeDueMetas();
      await this.#sleep(signal);
    }
    await settings.events.close();
    return isReady ? this.#finish() : endingOf([]);
  }

  async #prepare(): Promise<void> {
    const { roster, clock, report } = this.#context;
    await roster.learnBucket(await this.#intake.harnesses());
    const { taken, sightings } = await this.#intake.first(clock.now());
    for (const sighting of sightings) await this.#take(sighting);
    report.onTaken(taken);
  }

  async #take({ stream, look }: Sighting): Promise<Watched> {
    const { roster, clock } = this.#context;
    const track = roster.admit(stream);
    const watched = this.#drainer.of(track);
    await track.mirror.load();
    watched.seen = look;
    const isUnchanged = track.mirror.look?.token === look.token && track.mirror.source === stream;
    const { isThorough } = this.#context.settings;
    if (isThorough || !isUnchanged || roster.isLost(track))
      watched.pace.noticed(clock.monotonic(), look.size);
    return watched;
  }

  /** Also for folders that were not there at the start: a harness that is used for the first time. */
  async #listen(): Promise<void> {
    const { watchers, settings } = this.#context;
    if (!this.#hasEvents) return;
    const roots: string[] = [];
    for (const watcher of watchers) roots.push(...(await watcher.roots()));
    await settings.events.listen(roots, {
      onPath: (path) => this.#onPath(path),
      ignores: (path) => watchers.some((watcher) => watcher.ignores?.(path)),
      onTrouble: (error) => this.#giveUpEvents(error),
    });
  }

  #giveUpEvents(error: Error): void {
    if (!this.#hasEvents) return;
    const { settings, report, clock } = this.#context;
    this.#hasEvents = false;
    this.#sweepAtMs = Math.min(this.#sweepAtMs, clock.monotonic() + settings.pollMs);
    report.onTrouble(new NoFileEvents(error, settings.pollMs), false);
    settings.events.close().catch(() => undefined);
    this.#wake();
  }

  #onPath(path: string): void {
    this.#lookAt(path).catch((error: unknown) => this.#drainer.failed(error));
  }

  async #lookAt(path: string): Promise<void> {
    for (const watcher of this.#context.watchers) {
      const stream = await watcher.streamOf(path);
      if (stream === undefined) continue;
      await this.#glance(stream);
      return this.#wake();
    }
    // A folder, or a file that is no stream yet: the sweep lists what changed, so it finds out.
    const soon = this.#context.clock.monotonic() + relistAfterEventMs;
    if (this.#sweepAtMs <= soon) return;
    this.#sweepAtMs = soon;
    this.#wake();
  }

  /** One stat: if anything changed, the stream is hot, and due. */
  async #glance(stream: Stream): Promise<void> {
    const { roster, clock } = this.#context;
    const track = roster.trackOf(stream.source);
    if (track === undefined) return this.#meet(stream);
    const watched = this.#drainer.of(track);
    const look = await stream.changed(watched.seen);
    const now = clock.monotonic();
    watched.lookAtMs = now + hotLookMs;
    if (look === undefined) return;
    watched.seen = look;
    watched.hotUntilMs = now + hotForMs;
    watched.pace.noticed(now, look.size - (track.mirror.look?.size ?? 0));
  }

  async #meet(stream: Stream): Promise<void> {
    const { roster, clock, report } = this.#context;
    const sightings = await this.#intake.meet(stream, clock.now());
    for (const sighting of sightings) {
      const watched = await this.#take(sighting);
      watched.hotUntilMs = clock.monotonic() + hotForMs;
    }
    if (sightings.length > 0) report.onSessions(roster.sessionCount);
  }

  async #lookAtHot(): Promise<void> {
    const now = this.#context.clock.monotonic();
    for (const watched of this.#drainer.watched) {
      const isDue = watched.hotUntilMs > now && watched.lookAtMs <= now;
      if (isDue) await this.#glanceSafely(watched.track.mirror.source);
    }
  }

  /** A source that cannot be looked at is not the end of the others. */
  async #glanceSafely(stream: Stream): Promise<void> {
    try {
      await this.#glance(stream);
    } catch (error) {
      const track = this.#context.roster.trackOf(stream.source);
      this.#drainer.failed(error, track === undefined ? undefined : this.#drainer.of(track));
    }
  }

  async #sweepWhenDue(): Promise<void> {
    const { clock, settings } = this.#context;
    if (clock.monotonic() < this.#sweepAtMs) return;
    this.#sweepAtMs = clock.monotonic() + (this.#hasEvents ? settings.sweepMs : settings.pollMs);
    await this.#listen();
    let count = 0;
    this.#sweeps += 1;
    for await (const some of this.#intake.everything()) {
      for (const stream of some) {
        count += 1;
        const isItsTurn = (count + this.#sweeps) % quietEverySweeps === 0;
        if (isItsTurn || !this.#isQuiet(stream)) await this.#glanceSafely(stream);
        if (count % sliceStreams !== 0) continue;
        this.#flushDue();
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  /** Where file events are heard, what nobody touched for an hour need not be asked in every sweep. */
  #isQuiet(stream: Stream): boolean {
    if (!this.#hasEvents) return false;
    const { roster, clock } = this.#context;
    const track = roster.trackOf(stream.source);
    const look = track ? this.#drainer.of(track).seen : this.#intake.dormantLook(stream);
    return look !== undefined && look.modifiedAtMs < clock.now() - quietAfterMs;
  }

  #flushDue(): void {
    const now = this.#context.clock.monotonic();
    if (now < this.#drainer.breaker.notBeforeMs) return;
    for (const watched of this.#drainer.watched) {
      if (watched.isFlushing) continue;
      if ((watched.pace.dueAtMs ?? Number.POSITIVE_INFINITY) <= now) this.#enqueue(watched);
      else if ((watched.auditAtMs ?? Number.POSITIVE_INFINITY) <= now) this.#enqueueAudit(watched);
    }
  }

  #enqueue(watched: Watched): void {
    const waiting = (watched.seen?.size ?? 0) - (watched.track.mirror.look?.size ?? 0);
    const isBackfill = waiting > backfillBytes;
    const limits = isBackfill ? backfillParts : liveParts;
    this.#enqueueWork(watched, isBackfill ? 0 : 1, () => this.#drainer.flush(watched, limits));
  }

  #enqueueAudit(watched: Watched): void {
    this.#enqueueWork(watched, 0, () => this.#drainer.audit(watched));
  }

  #enqueueWork(watched: Watched, priority: number, work: () => Promise<void>): void {
    watched.isFlushing = true;
    const task = async (): Promise<void> => {
      await work();
      watched.isFlushing = false;
      watched.lookAtMs = this.#context.clock.monotonic() + hotLookMs;
      this.#wake();
    };
    this.#queue.add(task, { priority }).catch((error: unknown) => this.#drainer.failed(error));
  }

  /** Beside the loop: a store that does not answer must not keep it from looking, sending and ending. */
  #writeDueMetas(): void {
    const { clock } = this.#context;
    if (this.#isWritingMetas || this.#drainer.metas.nextMs > clock.monotonic()) return;
    this.#isWritingMetas = true;
    const done = (): void => {
      this.#isWritingMetas = false;
      this.#wake();
    };
    this.#drainer.writeMetas('due').then(done, done);
  }

  /** Until something is due or was noticed. Marks are asked for often, so that asking must not cost a look at everything. */
  async #sleep(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { clock } = this.#context;
    const waking = new AbortController();
    this.#wake = () => waking.abort();
    const stop = (): void => waking.abort();
    signal.addEventListener('abort', stop, { once: true });
    const untilMs = Math.max(clock.monotonic() + 1, this.#nextMs(clock.monotonic()));
    while (!waking.signal.aborted && !(await this.#marks.readWhenDue())) {
      const leftMs = Math.min(untilMs, this.#marks.nextMs) - clock.monotonic();
      if (clock.monotonic() >= untilMs) break;
      await clock.sleep(Math.max(1, leftMs), waking.signal);
    }
    signal.removeEventListener('abort', stop);
    this.#wake = () => undefined;
  }

  #nextMs(now: number): number {
    const { breaker, metas } = this.#drainer;
    let look = this.#sweepAtMs;
    let send = this.#isWritingMetas ? Number.POSITIVE_INFINITY : metas.nextMs;
    for (const watched of this.#drainer.watched) {
      if (watched.hotUntilMs > now) look = Math.min(look, watched.lookAtMs);
      if (watched.isFlushing) continue;
      send = Math.min(send, watched.pace.dueAtMs ?? send, watched.auditAtMs ?? send);
    }
    return Math.min(look, Math.max(send, breaker.notBeforeMs));
  }

  /** One last look at everything, then all that is due, within the time a shutdown may take. */
  async #finish(): Promise<Ending> {
    const { clock } = this.#context;
    const deadline = clock.monotonic() + shutdownMs;
    await this.#until(deadline, this.#queue.onIdle());
    await this.#until(deadline, this.#marks.read());
    for await (const some of this.#intake.everything()) {
      for (const stream of some) {
        if (clock.monotonic() < deadline) await this.#glanceSafely(stream);
      }
    }
    for (let due = this.#due(); due.length > 0; due = this.#due()) {
      if (clock.monotonic() >= deadline) break;
      for (const watched of due) {
        this.#queue.add(() => this.#finishOne(watched, deadline)).catch(() => undefined);
      }
      await this.#until(deadline, this.#queue.onIdle());
    }
    await this.#until(deadline, this.#drainer.writeMetas('all'));
    return endingOf(this.#drainer.watched);
  }

  #due(): readonly Watched[] {
    return [...this.#drainer.watched].filter(({ pace }) => pace.dueAtMs !== undefined);
  }

  async #finishOne(watched: Watched, deadline: number): Promise<void> {
    const { clock } = this.#context;
    watched.isFlushing = true;
    watched.pace.flushing(clock.monotonic());
    while (clock.monotonic() < deadline) {
      const drain = await this.#drainer.drain(watched, liveParts);
      const isSourceBroken = drain === 'failed' && this.#drainer.breaker.trouble === undefined;
      if (drain === 'done' || isSourceBroken) {
        watched.isFlushing = false;
        return;
      }
      const left = Math.max(0, deadline - clock.monotonic());
      if (drain !== 'again') await clock.sleep(Math.min(500, left));
    }
  }

  async #until(deadline: number, work: Promise<unknown>): Promise<void> {
    const { clock } = this.#context;
    const enough = new AbortController();
    const left = Math.max(0, deadline - clock.monotonic());
    await Promise.race([work, clock.sleep(left, enough.signal)]);
    enough.abort();
  }

  /** Until everything of one stream is sent, or nothing can be: the failure stands then, and the others go on. */
  async #drainWhole(watched: Watched, signal: AbortSignal, meter: Meter): Promise<void> {
    const { clock } = this.#context;
    const { breaker } = this.#drainer;
    let maySettle = watched.track.mirror.source.kind === 'records';
    watched.isFlushing = true;
    watched.pace.flushing(clock.monotonic());
    while (!signal.aborted && this.#hopeless() === undefined) {
      const drain = await this.#drainer.drain(watched, backfillParts);
      meter.advanced(watched);
      if (drain === 'again') continue;
      const isSettling = drain === 'done' && maySettle && watched.rest > 0;
      if (drain === 'done' && !isSettling) {
        watched.isFlushing = false;
        return meter.finished(watched);
      }
      if (drain === 'failed' && breaker.trouble === undefined) return;
      if (isSettling) maySettle = false;
      const waitMs = isSettling ? settleRecordsMs : breaker.notBeforeMs - clock.monotonic();
      await clock.sleep(Math.max(250, Math.min(waitMs, patienceMs)), signal);
    }
  }

  /** For `once`, which somebody waits for: the store's error, when it is no use to go on. */
  #hopeless(): Error | undefined {
    return this.#drainer.breaker.hopeless(this.#context.clock.monotonic(), patienceMs);
  }
}
