import type { Bucket } from '../../bucket/bucket.js';
import type { Clock } from '../../clock.js';
import { SourceError } from '../../errors.js';
import type { Redactor } from '../../redact/redact.js';
import type { ShippedPart } from '../checkpoint.js';
import { isUnsteady } from '../slots/reconcile.js';
import { recoverLines } from '../slots/recovery.js';
import type { FileSnapshot, LineStream } from '../stream.js';

export interface DuplicateSourcesContext {
  readonly bucket: Bucket;
  readonly redactor: Redactor;
  readonly clock: Clock;
  readonly onSourceTrouble: (error: SourceError) => void;
}

/** How far a source agrees with a chain. */
export interface Agreement {
  readonly lines: number;
  readonly conflicts: boolean;
}

export interface Candidate extends Agreement {
  readonly stream: LineStream;
  readonly size: number;
}

const leftOutMs = 60_000;

/** Compares sources that claim to be one stream. Only reads: callers act on its findings. */
export class DuplicateSources {
  readonly #context: DuplicateSourcesContext;
  /** Unreadable: left out until this time (monotonic milliseconds). */
  readonly #leftOut = new Map<string, number>();

  constructor(context: DuplicateSourcesContext) {
    this.#context = context;
  }

  /** The source that agrees furthest first, then the longer one, then by path, so that the answer is deterministic. */
  async rank(
    prefix: string,
    streams: readonly LineStream[],
    known: readonly ShippedPart[],
  ): Promise<readonly Candidate[]> {
    const readable = streams.filter((stream) => !this.isLeftOut(stream));
    const [only] = readable;
    if (only !== undefined && readable.length === 1) {
      return [{ stream: only, lines: 0, conflicts: false, size: 0 }];
    }
    const candidates: Candidate[] = [];
    for (const stream of readable) {
      const size = (await this.snapshot(stream))?.size ?? 0;
      const agreement = await this.#agreementOrNone(prefix, stream, known);
      if (agreement !== undefined) candidates.push({ stream, ...agreement, size });
    }
    return candidates.sort(
      (left, right) =>
        right.lines - left.lines ||
        Number(left.conflicts) - Number(right.conflicts) ||
        right.size - left.size ||
        (left.stream.source < right.stream.source ? -1 : 1),
    );
  }

  async agreement(
    prefix: string,
    stream: LineStream,
    known: readonly ShippedPart[],
  ): Promise<Agreement> {
    const { bucket, redactor } = this.#context;
    const context = { bucket, redactor, observe: () => undefined };
    const recovery = await recoverLines(context, prefix, stream, known, false);
    if (isUnsteady(recovery)) return { lines: -1, conflicts: true };
    if (recovery.found === 'chain') {
      return { lines: recovery.checkpoint.position.line, conflicts: false };
    }
    return { lines: recovery.best.position.line, conflicts: true };
  }

  /** `undefined` if it is gone or unreadable (then it is left out, and reported). */
  async snapshot(stream: LineStream): Promise<FileSnapshot | undefined> {
    try {
      return await stream.changed(undefined);
    } catch (error) {
      this.#leaveOut(stream, error);
      return undefined;
    }
  }

  isLeftOut(stream: LineStream): boolean {
    const untilMs = this.#leftOut.get(stream.source);
    return untilMs !== undefined && this.#context.clock.monotonic() < untilMs;
  }

  /** An unreadable duplicate must not stop the readable one. */
  async #agreementOrNone(
    prefix: string,
    stream: LineStream,
    known: readonly ShippedPart[],
  ): Promise<Agreement | undefined> {
    try {
      return await this.agreement(prefix, stream, known);
    } catch (error) {
      this.#leaveOut(stream, error);
      return undefined;
    }
  }

  #leaveOut(stream: LineStream, error: unknown): void {
    if (!(error instanceof SourceError)) throw error;
    this.#leftOut.set(stream.source, this.#context.clock.monotonic() + leftOutMs);
    this.#context.onSourceTrouble(error);
  }
}
