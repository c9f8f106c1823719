import type { Clock } from '../../clock.js';
import { PartialError } from '../../errors.js';
import type { DiscoveredStream } from './session-filter.js';
import type { StreamRegistry } from './stream-registry.js';
import type { StreamUploader } from './stream-uploader.js';
import { restOf } from './summary.js';
import type { UploadQueue } from './upload-queue.js';
import type { UploadState } from './upload-state.js';

interface RecollectionContext {
  readonly registry: StreamRegistry;
  readonly uploader: StreamUploader;
  readonly queue: UploadQueue;
  readonly clock: Clock;
  readonly isThorough: boolean;
  /** Something may be due now. */
  readonly onDue: () => void;
}

/** A source that is mirrored from now on. */
export interface Met {
  readonly state: UploadState;
  readonly found: DiscoveredStream;
}

const auditsAtOnce = 4;

/**
 * Compares sources with what is remembered of them: what changed is sent, and of the rest the bucket is asked whether it
 * still holds it. At the start of a watch that happens beside the loop, a session at a time: ten thousand take seconds,
 * and most of them are calm, so nothing of them is kept in memory.
 */
export class Recollection {
  readonly #context: RecollectionContext;
  /** By session; the first is the last. */
  readonly #waiting: Met[][] = [];
  #isEnding = false;

  constructor(context: RecollectionContext) {
    this.#context = context;
  }

  /** Those of a session follow one another. */
  add(met: readonly Met[]): void {
    for (const one of met) {
      const last = this.#waiting.at(-1);
      const isSame = last?.[0]?.state.mirrored.session === one.state.mirrored.session;
      if (last !== undefined && isSame) last.push(one);
      else this.#waiting.push([one]);
    }
    this.#waiting.reverse();
  }

  /** Of one session. Returns those about which the bucket is still to be asked. */
  async compare(session: readonly Met[]): Promise<readonly UploadState[]> {
    const { registry, uploader, clock, isThorough } = this.#context;
    const calm: UploadState[] = [];
    for (const { state, found } of session) {
      const { mirror } = state.mirrored;
      await mirror.load();
      await registry.learnBucket(state.mirrored);
      const isSame = mirror.snapshot?.token === found.snapshot.token;
      if (isThorough || !isSame || mirror.source !== found.stream) {
        state.noticed(clock.monotonic(), found.snapshot.size);
      } else {
        state.rest = restOf(state);
        calm.push(state);
      }
    }
    const [first] = session;
    if (first !== undefined) await uploader.oweMeta(first.state.mirrored.session, isThorough);
    return calm;
  }

  /** Compares everything that waits, and has the bucket asked. */
  async compareAll(): Promise<void> {
    for (const session of this.#taken()) {
      for (const state of await this.compare(session)) this.#ask(state);
    }
  }

  /** The same, beside a loop, letting go of what is calm. What changed goes first, however slow the store is. */
  async run(): Promise<void> {
    const calm: UploadState[] = [];
    for (const session of this.#taken()) {
      for (const state of await this.compareOrSend(session)) {
        state.mirrored.mirror.rest();
        calm.push(state);
      }
      // Others get their turn between two sessions, however many there are.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#context.onDue();
    const following = calm.values();
    const worker = async (): Promise<void> => {
      for (const state of following) await this.#audit(state);
    };
    await Promise.all(Array.from({ length: auditsAtOnce }, worker));
  }

  /** What still waits is compared, as long as there is time; what is left then is named. */
  async end(isInTime: () => boolean): Promise<void> {
    this.#isEnding = true;
    for (const session of this.#taken()) {
      if (isInTime()) await this.compareOrSend(session);
      else for (const { state } of session) state.failure ??= notCompared();
    }
  }

  *#taken(): Generator<readonly Met[]> {
    for (let next = this.#waiting.pop(); next !== undefined; next = this.#waiting.pop()) yield next;
  }

  /** If the store cannot be asked what it holds, it is asked again when the session is sent. */
  async compareOrSend(session: readonly Met[]): Promise<readonly UploadState[]> {
    const { uploader, clock } = this.#context;
    try {
      return await this.compare(session);
    } catch (error) {
      uploader.failed(error, session[0]?.state);
      for (const { state } of session) state.noticed(clock.monotonic(), 1);
      return [];
    }
  }

  async #audit(state: UploadState): Promise<void> {
    const { uploader, queue, clock } = this.#context;
    if (this.#isEnding || state.isFlushing) return;
    if (clock.monotonic() < uploader.breaker.notBeforeMs) return this.#ask(state);
    await queue.auditStore(state);
    if (!state.isFlushing) state.mirrored.mirror.rest();
  }

  #ask(state: UploadState): void {
    state.storeAuditAtMs = this.#context.clock.monotonic();
  }
}

function notCompared(): PartialError {
  return new PartialError('there was no time left to compare it with what was sent', {
    hint: 'Start tracecraft watch again.',
  });
}
