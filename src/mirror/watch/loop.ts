import type { Stream } from '../stream.js';
import type { WatchContext } from './context.js';
import { drainWhole, finishOne } from './drain.js';
import { NoFileEvents } from './file-events.js';
import { HookSignalReader } from './hook-signal-reader.js';
import { ProgressCounter } from './progress-counter.js';
import { raceAbort } from './race-abort.js';
import { type Met, Recollection } from './recollection.js';
import { Removals } from './removals.js';
import { type DiscoveredStream, SessionFilter, withoutRemoved } from './session-filter.js';
import { StreamUploader } from './stream-uploader.js';
import { behindOf, summaryOf, type Unfinished, type WatchSummary } from './summary.js';
import { Sweep } from './sweep.js';
import { hotForMs, hotLookMs, UploadQueue } from './upload-queue.js';
import type { UploadState } from './upload-state.js';
import { within } from './within.js';

export type { WatchContext, WatchReport, WatchSettings } from './context.js';

const relistAfterEventMs = 100;
const shutdownMs = 10_000;
/** The documents of a large first run may take a while; a store that hangs must not hold up `once` forever. */
const metasMs = 600_000;
/** `once` waits this long for an unreachable store, then ends with its error. */
const patienceMs = 45_000;

/**
 * Looks for changes and has streams drained when they are due. File events only make it look sooner; the sweep alone is
 * enough for everything to arrive.
 */
export class WatchLoop {
  readonly #context: WatchContext;
  readonly #filter: SessionFilter;
  readonly #uploader: StreamUploader;
  readonly #hookSignals: HookSignalReader;
  readonly #removals: Removals;
  readonly #recollection: Recollection;
  readonly #sweep: Sweep;
  readonly #queue: UploadQueue;
  #wake: () => void = () => undefined;
  #sweepAtMs = 0;
  #hasEvents = true;
  #isWritingMetas = false;

  constructor(context: WatchContext) {
    const { watchers, settings, registry, clock, report } = context;
    this.#context = context;
    const uploader = new StreamUploader(registry, clock, report, settings.timing, context.index);
    this.#uploader = uploader;
    this.#queue = new UploadQueue(uploader, clock, () => this.#wake());
    this.#filter = new SessionFilter(watchers, settings.selection, (error) =>
      uploader.failed(error),
    );
    this.#recollection = new Recollection({
      registry,
      uploader,
      queue: this.#queue,
      clock,
      isThorough: settings.isThorough,
      onDue: () => this.#wake(),
    });
    this.#sweep = new Sweep({
      ...context,
      filter: this.#filter,
      uploader,
      queue: this.#queue,
      glance: (stream) => this.#glanceSafely(stream),
    });
    const takesMarkers = settings.selection.sessionId === undefined;
    this.#removals = new Removals({ registry, uploader, clock, takesMarkers });
    this.#hookSignals = new HookSignalReader(context, this.#filter, uploader, (stream) =>
      this.#glanceSafely(stream),
    );
  }

  /** Takes everything that exists once. Throws the store's own error if the store is unreachable at the start. */
  async once(signal: AbortSignal): Promise<WatchSummary> {
    const { clock } = this.#context;
    if (!(await raceAbort(this.#prepare(), signal))) return summaryOf([]);
    if (!(await raceAbort(this.#recollection.compareAll(), signal))) return summaryOf([]);
    await raceAbort(this.#removals.settle(), signal);
    await this.#hookSignals.read();
    const drain = { uploader: this.#uploader, clock, patienceMs };
    const counter = new ProgressCounter((done, total) =>
      this.#context.report.onProgress(done, total),
    );
    const mayGoOn = (): boolean => !signal.aborted && this.#hopeless() === undefined;
    const isAsked = ({ storeAuditAtMs }: UploadState): boolean => storeAuditAtMs !== undefined;
    await raceAbort(this.#queue.auditStores(isAsked, mayGoOn), signal);
    const unreachable = this.#hopeless();
    if (unreachable !== undefined) throw unreachable;
    for (let due = this.#due(); due.length > 0 && !signal.aborted; due = this.#due()) {
      counter.expect(due);
      const work = due.map((one) => () => drainWhole(drain, one, signal, counter));
      const isDone = await raceAbort(this.#queue.run(work), signal);
      if (!isDone) await within(clock, clock.monotonic() + shutdownMs, this.#queue.onIdle());
      const hopeless = this.#hopeless();
      if (hopeless !== undefined) throw hopeless;
      if (this.#due().length > 0) continue;
      await raceAbort(this.#queue.auditStores(hasShipped, mayGoOn), signal);
    }
    await within(clock, clock.monotonic() + metasMs, this.#uploader.writeMetas('all'));
    return this.summary;
  }

  /** Runs until `signal` aborts, then finishes work in progress within 10 s. */
  async run(signal: AbortSignal): Promise<WatchSummary> {
    const { clock, settings } = this.#context;
    const isReady = await raceAbort(this.#prepare(), signal);
    const recollecting = isReady ? this.#recollection.run() : undefined;
    recollecting?.catch((error: unknown) => this.#uploader.failed(error));
    this.#sweepAtMs = clock.monotonic();
    try {
      while (!signal.aborted) {
        await this.#lookAtHot();
        await this.#sweepWhenDue();
        this.#queue.flushDue();
        this.#writeDueMetas();
        this.#uploader.letRest();
        await this.#sleep(signal);
      }
    } finally {
      await settings.events.close();
    }
    return isReady ? this.#finish() : summaryOf([]);
  }

  /** Its current state: everything known to be missing from the bucket. */
  get summary(): WatchSummary {
    return summaryOf(this.#uploader.states, this.#filter.unplaced);
  }

  /** The same without the unterminated lines, at the cost of what is awake. */
  get behind(): readonly Unfinished[] {
    return [...behindOf(this.#uploader.awake), ...this.#filter.unplaced];
  }

  async #prepare(): Promise<void> {
    const { registry, clock, report } = this.#context;
    await registry.confirmBucket();
    await this.#removals.begin();
    const { taken, discovered } = await this.#filter.first(clock.now());
    const kept = await this.#removals.kept(discovered);
    this.#recollection.add(kept.map((found) => this.#take(found)));
    report.onTaken(withoutRemoved(taken, discovered, kept));
  }

  #take(found: DiscoveredStream): Met {
    const state = this.#uploader.of(this.#context.registry.admit(found.stream));
    state.seen = found.snapshot;
    return { state, found };
  }

  /** Includes folders that did not exist at the start: a harness may be used for the first time. */
  async #listen(): Promise<void> {
    const { watchers, settings } = this.#context;
    if (!this.#hasEvents) return;
    const roots: string[] = [];
    for (const watcher of watchers) roots.push(...(await watcher.roots()));
    const signals = this.#hookSignals.listenAt();
    if (signals !== undefined) roots.push(signals);
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
    this.#hookSignals.listenNoMore();
    this.#sweepAtMs = Math.min(this.#sweepAtMs, clock.monotonic() + settings.pollMs);
    report.onTrouble(new NoFileEvents(error, settings.pollMs), false);
    settings.events.close().catch(() => undefined);
    this.#wake();
  }

  #onPath(path: string): void {
    if (this.#hookSignals.heardOf(path)) {
      this.#wake();
      return;
    }
    this.#lookAt(path).catch((error: unknown) => this.#uploader.failed(error));
  }

  async #lookAt(path: string): Promise<void> {
    for (const watcher of this.#context.watchers) {
      const stream = await watcher.streamOf(path);
      if (stream === undefined) continue;
      await this.#glance(stream);
      return this.#wake();
    }
    // A folder, or a file that is no stream yet: the sweep lists what changed, so it will find out.
    const soon = this.#context.clock.monotonic() + relistAfterEventMs;
    if (this.#sweepAtMs <= soon) return;
    this.#sweepAtMs = soon;
    this.#wake();
  }

  /** One stat: if anything changed, the stream is hot, and due. */
  async #glance(stream: Stream): Promise<void> {
    const { registry, clock } = this.#context;
    const mirrored = registry.mirroredStreamOf(stream.source);
    if (mirrored === undefined) return this.#meet(stream);
    const state = this.#uploader.of(mirrored);
    const snapshot = await stream.changed(state.seen);
    const now = clock.monotonic();
    state.lookAtMs = now + hotLookMs;
    if (snapshot === undefined) return;
    await mirrored.mirror.load();
    state.seen = snapshot;
    state.hotUntilMs = now + hotForMs;
    state.noticed(now, snapshot.size - (mirrored.mirror.snapshot?.size ?? 0));
  }

  async #meet(stream: Stream): Promise<void> {
    const { registry, clock, report } = this.#context;
    if (!(await this.#removals.mayMirror(stream.session))) return;
    const discovered = await this.#filter.meet(stream, clock.now());
    const met = discovered.map((found) => this.#take(found));
    for (const { state } of met) state.hotUntilMs = clock.monotonic() + hotForMs;
    await this.#recollection.compareOrSend(met);
    if (discovered.length > 0) report.onSessions(registry.sessionCount);
  }

  async #lookAtHot(): Promise<void> {
    const now = this.#context.clock.monotonic();
    for (const state of this.#uploader.awake) {
      const isDue = state.hotUntilMs > now && state.lookAtMs <= now;
      if (isDue) await this.#glanceSafely(state.mirrored.mirror.source);
    }
  }

  /** A source that cannot be looked at must not stop the others. */
  async #glanceSafely(stream: Stream): Promise<void> {
    try {
      await this.#glance(stream);
    } catch (error) {
      const mirrored = this.#context.registry.mirroredStreamOf(stream.source);
      this.#uploader.failed(
        error,
        mirrored === undefined ? undefined : this.#uploader.of(mirrored),
      );
    }
  }

  async #sweepWhenDue(): Promise<void> {
    const { clock, settings } = this.#context;
    if (clock.monotonic() < this.#sweepAtMs) return;
    this.#sweepAtMs = clock.monotonic() + (this.#hasEvents ? settings.sweepMs : settings.pollMs);
    await this.#listen();
    this.#removals.look();
    await this.#sweep.run(this.#hasEvents);
  }

  /** Runs alongside the loop: a store that does not answer must not hold up checking, sending or ending. */
  #writeDueMetas(): void {
    const { clock } = this.#context;
    if (this.#isWritingMetas || this.#uploader.metasDueMs > clock.monotonic()) return;
    this.#isWritingMetas = true;
    const done = (): void => {
      this.#isWritingMetas = false;
      this.#wake();
    };
    this.#uploader.writeMetas('due').then(done, done);
  }

  /** Waits until something is due or noticed. Signals are polled often, so polling must not cost a look at everything. */
  async #sleep(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { clock } = this.#context;
    const waking = new AbortController();
    this.#wake = () => waking.abort();
    const stop = (): void => waking.abort();
    signal.addEventListener('abort', stop, { once: true });
    const untilMs = Math.max(clock.monotonic() + 1, this.#nextMs(clock.monotonic()));
    while (!waking.signal.aborted && !(await this.#hookSignals.readWhenDue())) {
      const leftMs = Math.min(untilMs, this.#hookSignals.nextMs) - clock.monotonic();
      if (clock.monotonic() >= untilMs) break;
      await clock.sleep(Math.max(1, leftMs), waking.signal);
    }
    signal.removeEventListener('abort', stop);
    this.#wake = () => undefined;
  }

  #nextMs(now: number): number {
    const { breaker, metasDueMs } = this.#uploader;
    let lookAtMs = this.#sweepAtMs;
    let send = this.#isWritingMetas ? Number.POSITIVE_INFINITY : metasDueMs;
    for (const state of this.#uploader.awake) {
      if (state.hotUntilMs > now) lookAtMs = Math.min(lookAtMs, state.lookAtMs);
      if (state.isFlushing) continue;
      const { dueAtMs = send, auditAtMs = send, storeAuditAtMs = send } = state;
      send = Math.min(send, dueAtMs, auditAtMs, storeAuditAtMs);
    }
    return Math.min(lookAtMs, Math.max(send, breaker.notBeforeMs));
  }

  /** One last look at everything, then everything that is due, within the time allowed for a shutdown. */
  async #finish(): Promise<WatchSummary> {
    const { clock } = this.#context;
    const deadline = clock.monotonic() + shutdownMs;
    await within(
      clock,
      deadline,
      this.#recollection.end(() => clock.monotonic() < deadline),
    );
    await within(clock, deadline, this.#queue.onIdle());
    await within(clock, deadline, this.#hookSignals.read());
    await within(clock, deadline, this.#removals.settle());
    for await (const some of this.#filter.everything()) {
      for (const stream of some) {
        if (clock.monotonic() < deadline) await this.#glanceSafely(stream);
      }
    }
    await this.#finishDue(deadline);
    await within(clock, deadline, this.#uploader.writeMetas('all'));
    return this.summary;
  }

  async #finishDue(deadline: number): Promise<void> {
    const { clock } = this.#context;
    const drain = { uploader: this.#uploader, clock, patienceMs };
    const isInTime = (): boolean => clock.monotonic() < deadline;
    while (isInTime()) {
      for (const state of this.#due()) {
        this.#queue.run([() => finishOne(drain, state, deadline)]).catch(() => undefined);
      }
      await within(clock, deadline, this.#queue.onIdle());
      if (this.#due().length > 0) continue;
      await within(clock, deadline, this.#queue.auditStores(hasShipped, isInTime));
      if (this.#due().length === 0) return;
    }
  }

  #due(): readonly UploadState[] {
    return [...this.#uploader.awake].filter(({ dueAtMs }) => dueAtMs !== undefined);
  }

  /** For `once`, which has someone waiting: the store's error, if continuing is pointless. */
  #hopeless(): Error | undefined {
    return this.#uploader.breaker.hopeless(this.#context.clock.monotonic(), patienceMs);
  }
}

function hasShipped(state: UploadState): boolean {
  return state.hasShipped;
}
