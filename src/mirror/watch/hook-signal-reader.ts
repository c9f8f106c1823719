import { dirname } from 'node:path';
import type { SessionMirror } from '../meta/session-mirror.js';
import type { Stream } from '../stream.js';
import type { WatchContext } from './context.js';
import { noEvents } from './file-events.js';
import type { HookSignal } from './hook-signal.js';
import type { SessionFilter } from './session-filter.js';
import type { StreamUploader } from './stream-uploader.js';

const everyMs = 500;
/** The same where file events tell of them, which may be lost. */
const heardEveryMs = 10_000;
/** A signal for a session that is not mirrored here is left for another watch for this long. */
const foreignMs = 60_000;

/** Checks the sessions reported by the harnesses' hooks. Without it everything arrives with the next sweep. */
export class HookSignalReader {
  readonly #context: WatchContext;
  readonly #filter: SessionFilter;
  readonly #uploader: StreamUploader;
  readonly #glance: (stream: Stream) => Promise<void>;
  /** Monotonic milliseconds. */
  #nextMs = 0;
  /** Where file events work. */
  #folder: string | undefined;

  constructor(
    context: WatchContext,
    filter: SessionFilter,
    uploader: StreamUploader,
    glance: (stream: Stream) => Promise<void>,
  ) {
    this.#context = context;
    this.#filter = filter;
    this.#uploader = uploader;
    this.#glance = glance;
  }

  get nextMs(): number {
    return this.#context.settings.hookSignals === undefined
      ? Number.POSITIVE_INFINITY
      : this.#nextMs;
  }

  /** The folder of signals to listen at; `undefined` if there is none, or no event would come. */
  listenAt(): string | undefined {
    const { events, hookSignals } = this.#context.settings;
    this.#folder = events === noEvents ? undefined : hookSignals?.folder?.();
    return this.#folder;
  }

  /** Without file events, they are asked for again and again. */
  listenNoMore(): void {
    [this.#folder, this.#nextMs] = [undefined, 0];
  }

  /** Whether a file event is about a signal, which is then read at once. */
  heardOf(path: string): boolean {
    if (this.#folder === undefined) return false;
    if (path !== this.#folder && dirname(path) !== this.#folder) return false;
    this.#nextMs = 0;
    return true;
  }

  /** Whether there was one. */
  async readWhenDue(): Promise<boolean> {
    const { clock } = this.#context;
    if (clock.monotonic() < this.nextMs) return false;
    // What is heard of while they are read is read next.
    this.#nextMs = clock.monotonic() + (this.#folder === undefined ? everyMs : heardEveryMs);
    return this.read();
  }

  async read(): Promise<boolean> {
    const { clock, settings } = this.#context;
    const hookSignals = (await settings.hookSignals?.waiting()) ?? [];
    if (hookSignals.length === 0) return false;
    await this.#lookAt(hookSignals).catch((error: unknown) => this.#uploader.failed(error));
    const sessions = new Map(
      [...this.#context.registry.sessions].map((one) => [
        sessionKeyOf(one.ref.harness, one.ref.id),
        one,
      ]),
    );
    for (const hookSignal of hookSignals) {
      const session = sessions.get(sessionKeyOf(hookSignal.harness, hookSignal.sessionId));
      const isKept = session !== undefined && (await this.#tellSession(hookSignal, session));
      const isForeign = session === undefined && hookSignal.atMs < clock.now() - foreignMs;
      if (isKept || isForeign || hookSignal.sessionId === undefined)
        await settings.hookSignals?.take(hookSignal);
    }
    return true;
  }

  async #lookAt(hookSignals: readonly HookSignal[]): Promise<void> {
    const known = new Map<string, Stream[]>();
    for (const { mirrored } of this.#uploader.states) {
      const { source } = mirrored.mirror;
      const place = sessionKeyOf(source.session.harness, source.session.id);
      known.set(place, [...(known.get(place) ?? []), source]);
    }
    const unknown: HookSignal[] = [];
    for (const hookSignal of hookSignals) {
      const streams = known.get(sessionKeyOf(hookSignal.harness, hookSignal.sessionId)) ?? [];
      const named = streams.length > 0 ? undefined : await this.#named(hookSignal);
      const near = named === undefined ? streams : [named];
      for (const stream of near) await this.#glance(stream);
      if (near.length === 0) unknown.push(hookSignal);
    }
    await this.#search(unknown);
  }

  /** One pass over everything a harness has, however many signals concern it. */
  async #search(hookSignals: readonly HookSignal[]): Promise<void> {
    const places = new Set(hookSignals.map((one) => sessionKeyOf(one.harness, one.sessionId)));
    for (const harness of new Set(hookSignals.map((one) => one.harness))) {
      const isAny = places.has(sessionKeyOf(harness, undefined));
      for await (const some of this.#filter.everything(harness)) {
        for (const stream of some) {
          const isAsked = isAny || places.has(sessionKeyOf(harness, stream.session.id));
          // The next pass of a sweep need not come across what this one did.
          if (isAsked || this.#isNew(stream)) await this.#glance(stream);
        }
      }
    }
  }

  #isNew({ source }: Stream): boolean {
    if (this.#context.registry.mirroredStreamOf(source) !== undefined) return false;
    return this.#filter.dormantSnapshot(source) === undefined;
  }

  /** Finds the stream by the path that the hook reported, if that is a transcript of the reported session. */
  async #named({ path, harness, sessionId }: HookSignal): Promise<Stream | undefined> {
    if (path === undefined) return undefined;
    const watcher = this.#context.watchers.find((one) => one.harness === harness);
    try {
      const stream = await watcher?.streamOf(path);
      return stream?.session.id === sessionId ? stream : undefined;
    } catch (error) {
      this.#uploader.failed(error);
      return undefined;
    }
  }

  /** Whether the signal's content is saved on this machine, so that the signal may go: a kill must not lose it. */
  async #tellSession({ kind, atMs }: HookSignal, session: SessionMirror): Promise<boolean> {
    const { metas } = this.#uploader;
    const now = this.#context.clock.monotonic();
    await session.load();
    if (kind === 'started') metas.reopened(session, now);
    if (kind === 'ended') metas.ended(session, new Date(atMs).toISOString(), now);
    if (kind === 'advanced') return true;
    const isKept = await session.remember();
    if (kind === 'ended') this.#context.report.onEnded?.(session);
    return isKept || !this.#context.registry.state.isKept;
  }
}

function sessionKeyOf(harness: string, sessionId: string | undefined): string {
  return `${harness}\n${sessionId ?? ''}`;
}
