import type { UploadState } from './upload-state.js';

export type OnProgress = (doneBytes: number, totalBytes: number) => void;

/** How much of the sources `once` has processed. */
export class ProgressCounter {
  readonly #onProgress: OnProgress;
  #total = 0;
  readonly #done = new Map<UploadState, number>();

  constructor(onProgress: OnProgress) {
    this.#onProgress = onProgress;
  }

  expect(due: readonly UploadState[]): void {
    this.#total += due.reduce((sum, { seen }) => sum + (seen?.size ?? 0), 0);
    this.#tell();
  }

  advanced(state: UploadState): void {
    const parts = state.mirrored.mirror.checkpoint?.parts ?? [];
    this.#done.set(
      state,
      parts.reduce((sum, part) => sum + part.sourceBytes, 0),
    );
    this.#tell();
  }

  finished(state: UploadState): void {
    this.#done.set(state, state.seen?.size ?? 0);
    this.#tell();
  }

  #tell(): void {
    const done = [...this.#done.values()].reduce((sum, bytes) => sum + bytes, 0);
    this.#onProgress(Math.min(done, this.#total), this.#total);
  }
}
