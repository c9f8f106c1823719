import type { Watched } from './stream-uploader.js';

export type OnProgress = (doneBytes: number, totalBytes: number) => void;

/** How much of the sources `once` has dealt with. */
export class Meter {
  readonly #onProgress: OnProgress;
  #total = 0;
  readonly #done = new Map<Watched, number>();

  constructor(onProgress: OnProgress) {
    this.#onProgress = onProgress;
  }

  expect(due: readonly Watched[]): void {
    this.#total += due.reduce((sum, { seen }) => sum + (seen?.size ?? 0), 0);
    this.#tell();
  }

  advanced(watched: Watched): void {
    const parts = watched.track.mirror.head?.parts ?? [];
    this.#done.set(
      watched,
      parts.reduce((sum, part) => sum + part.sourceBytes, 0),
    );
    this.#tell();
  }

  finished(watched: Watched): void {
    this.#done.set(watched, watched.seen?.size ?? 0);
    this.#tell();
  }

  #tell(): void {
    const done = [...this.#done.values()].reduce((sum, bytes) => sum + bytes, 0);
    this.#onProgress(Math.min(done, this.#total), this.#total);
  }
}
