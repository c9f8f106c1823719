import PQueue from 'p-queue';
import type { Clock } from '../../clock.js';
import { backfillParts, liveParts } from './drain.js';
import type { StreamUploader } from './stream-uploader.js';
import type { UploadState } from './upload-state.js';

/** How long a changed stream is checked often, and how often. */
export const hotForMs = 5_000;
export const hotLookMs = 250;
const concurrency = 4;
const backfillBytes = 4 << 20;

/** Uploads and audits, a few streams at a time. It holds names, never content: the source files are the buffer. */
export class UploadQueue {
  readonly #queue = new PQueue({ concurrency });
  readonly #uploader: StreamUploader;
  readonly #clock: Clock;
  readonly #onDone: () => void;

  constructor(uploader: StreamUploader, clock: Clock, onDone: () => void) {
    this.#uploader = uploader;
    this.#clock = clock;
    this.#onDone = onDone;
  }

  /** Starts whatever is due, unless the store is to be left alone for now. */
  flushDue(): void {
    const now = this.#clock.monotonic();
    if (now < this.#uploader.breaker.notBeforeMs) return;
    for (const state of this.#uploader.awake) {
      if (state.isFlushing) continue;
      if (isDue(state.dueAtMs, now)) this.#flush(state);
      else if (isDue(state.storeAuditAtMs, now)) void this.auditStore(state);
      else if (isDue(state.auditAtMs, now))
        void this.#start(state, 0, () => this.#uploader.audit(state));
    }
  }

  /** Checks the chosen streams, as far as the store can be asked now; streams with missing parts are then due. */
  async auditStores(
    isMeant: (state: UploadState) => boolean,
    mayGoOn: () => boolean,
  ): Promise<void> {
    await this.run(
      [...this.#uploader.states].filter(isMeant).map((state) => async () => {
        if (mayGoOn()) await this.#uploader.auditStore(state);
      }),
    );
  }

  /** Checks one stream; resolves once that is done, however it ended. */
  async auditStore(state: UploadState): Promise<void> {
    await this.#start(state, 0, () => this.#uploader.auditStore(state));
  }

  /** Resolves once all of it is done; fails with the first failure. */
  async run(work: readonly (() => Promise<unknown>)[]): Promise<void> {
    await this.#queue.addAll(work);
  }

  onIdle(): Promise<void> {
    return this.#queue.onIdle();
  }

  #flush(state: UploadState): void {
    const waiting = (state.seen?.size ?? 0) - (state.mirrored.mirror.snapshot?.size ?? 0);
    const isBackfill = waiting > backfillBytes;
    const limits = isBackfill ? backfillParts : liveParts;
    void this.#start(state, isBackfill ? 0 : 1, () => this.#uploader.flush(state, limits));
  }

  #start(state: UploadState, priority: number, work: () => Promise<unknown>): Promise<void> {
    state.isFlushing = true;
    const task = (): Promise<unknown> =>
      work().finally(() => {
        state.isFlushing = false;
        state.lookAtMs = this.#clock.monotonic() + hotLookMs;
        // Thousands of audits at the start that find nothing missing must not wake the loop one by one.
        if (state.dueAtMs !== undefined || state.hasShipped) this.#onDone();
      });
    const failed = (error: unknown): void => {
      state.again(this.#clock.monotonic() + hotForMs);
      this.#uploader.failed(error, state);
    };
    return this.#queue.add(task, { priority }).then(() => undefined, failed);
  }
}

function isDue(atMs: number | undefined, now: number): boolean {
  return atMs !== undefined && atMs <= now;
}
