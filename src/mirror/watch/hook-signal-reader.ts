import type { Drainer } from './stream-uploader.js';
import type { Intake } from './session-filter.js';
import type { Mark } from './hook-signal.js';
import type { SessionMirror } from '../meta/session-mirror.js';
import type { Stream } from '../stream.js';
import type { WatchContext } from './context.js';

const everyMs = 500;
/** A mark of a session that is not mirrored here is left for another watch, for so long. */
const foreignMs = 60_000;

/** Has the sessions looked at that the harnesses' hooks told of. Without it everything arrives with the next sweep. */
export class MarkReader {
  readonly #context: WatchContext;
  readonly #intake: Intake;
  readonly #drainer: Drainer;
  readonly #glance: (stream: Stream) => Promise<void>;
  /** Monotonic milliseconds. */
  #nextMs = 0;

  constructor(
    context: WatchContext,
    intake: Intake,
    drainer: Drainer,
    glance: (stream: Stream) => Promise<void>,
  ) {
    this.#context = context;
    this.#intake = intake;
    this.#drainer = drainer;
    this.#glance = glance;
  }

  get nextMs(): number {
    return this.#context.settings.marks === undefined ? Number.POSITIVE_INFINITY : this.#nextMs;
  }

  /** Whether there was one. */
  async readWhenDue(): Promise<boolean> {
    const { clock } = this.#context;
    if (clock.monotonic() < this.nextMs) return false;
    const wereAny = await this.read();
    this.#nextMs = clock.monotonic() + everyMs;
    return wereAny;
  }

  async read(): Promise<boolean> {
    const { clock, settings } = this.#context;
    const marks = (await settings.marks?.waiting()) ?? [];
    if (marks.length === 0) return false;
    await this.#lookAt(marks).catch((error: unknown) => this.#drainer.failed(error));
    const sessions = new Map(
      [...this.#context.roster.sessions].map((one) => [placeOf(one.ref.harness, one.ref.id), one]),
    );
    for (const mark of marks) {
      const session = sessions.get(placeOf(mark.harness, mark.sessionId));
      if (session !== undefined) this.#settle(mark, session);
      const isStale = mark.atMs < clock.now() - foreignMs;
      const isDone = session !== undefined || isStale || mark.sessionId === undefined;
      if (isDone) await settings.marks?.take(mark);
    }
    return true;
  }

  async #lookAt(marks: readonly Mark[]): Promise<void> {
    const known = new Map<string, Stream[]>();
    for (const { track } of this.#drainer.watched) {
      const { source } = track.mirror;
      const place = placeOf(source.session.harness, source.session.id);
      known.set(place, [...(known.get(place) ?? []), source]);
    }
    const unknown: Mark[] = [];
    for (const mark of marks) {
      const streams = known.get(placeOf(mark.harness, mark.sessionId)) ?? [];
      const named = streams.length > 0 ? undefined : await this.#named(mark);
      const near = named === undefined ? streams : [named];
      for (const stream of near) await this.#glance(stream);
      if (near.length === 0) unknown.push(mark);
    }
    await this.#search(unknown);
  }

  /** One pass over all that a harness has, however many marks are about it. */
  async #search(marks: readonly Mark[]): Promise<void> {
    const places = new Set(marks.map((one) => placeOf(one.harness, one.sessionId)));
    for (const harness of new Set(marks.map((one) => one.harness))) {
      const isAny = places.has(placeOf(harness, undefined));
      for await (const some of this.#intake.everything(harness)) {
        for (const stream of some) {
          if (isAny || places.has(placeOf(harness, stream.session.id))) await this.#glance(stream);
        }
      }
    }
  }

  /** By the path that the hook told, if that is a transcript of the session that it told. */
  async #named({ path, harness, sessionId }: Mark): Promise<Stream | undefined> {
    if (path === undefined) return undefined;
    const watcher = this.#context.watchers.find((one) => one.harness === harness);
    try {
      const stream = await watcher?.streamOf(path);
      return stream?.session.id === sessionId ? stream : undefined;
    } catch (error) {
      this.#drainer.failed(error);
      return undefined;
    }
  }

  #settle({ kind, atMs }: Mark, session: SessionMirror): void {
    const { metas } = this.#drainer;
    const now = this.#context.clock.monotonic();
    if (kind === 'started') metas.reopened(session, now);
    if (kind !== 'ended') return;
    metas.ended(session, new Date(atMs).toISOString(), now);
    this.#context.report.onEnded?.(session);
  }
}

function placeOf(harness: string, sessionId: string | undefined): string {
  return `${harness}\n${sessionId ?? ''}`;
}
