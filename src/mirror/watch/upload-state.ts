import type { Clock } from '../../clock.js';
import { calmAfterMs, type FileSnapshot } from '../stream.js';
import { FlushSchedule, type FlushTiming } from './flush-schedule.js';
import type { MirroredStream } from './stream-registry.js';

/** What tells the loop that a state may be due, changing or failing, and so has to be looked at. */
type Wake = (state: UploadState) => void;

/**
 * The loop's own view of a mirrored stream. Times are monotonic milliseconds. Most streams are at rest, and nobody walks over
 * those: whatever could end that rest says so.
 */
export class UploadState {
  readonly mirrored: MirroredStream;
  lookAtMs = 0;
  auditedAtMs = Number.NEGATIVE_INFINITY;
  /** Parts were uploaded since the bucket was last asked. */
  hasShipped = false;
  /** Bytes of an unterminated last line. */
  rest = 0;
  readonly #timing: FlushTiming;
  readonly #wake: Wake;
  #schedule: FlushSchedule | undefined;
  #seen: FileSnapshot | undefined;
  #hotUntilMs = 0;
  #isFlushing = false;
  #auditAtMs: number | undefined;
  #storeAuditAtMs: number | undefined;
  #failure: Error | undefined;

  constructor(mirrored: MirroredStream, timing: FlushTiming, wake: Wake) {
    this.mirrored = mirrored;
    this.#timing = timing;
    this.#wake = wake;
  }

  /** When what is new is to be sent; `undefined` while there is nothing to send. */
  get dueAtMs(): number | undefined {
    return this.#schedule?.dueAtMs;
  }

  /** Something new was noticed; `bytes` is the total known to be waiting. */
  noticed(nowMs: number, bytes: number): void {
    this.#awakeSchedule().noticed(nowMs, bytes);
  }

  /** An upload starts. */
  flushing(nowMs: number): void {
    this.#awakeSchedule().flushing(nowMs);
  }

  /** The upload failed (or left some): it is due again at `atMs`. */
  again(atMs: number): void {
    this.#awakeSchedule().again(atMs);
  }

  /** The result of the last look. */
  get seen(): FileSnapshot | undefined {
    return this.#seen;
  }

  set seen(snapshot: FileSnapshot | undefined) {
    this.#seen = snapshot;
    this.#wake(this);
  }

  /** Until then it is looked at often. */
  get hotUntilMs(): number {
    return this.#hotUntilMs;
  }

  set hotUntilMs(atMs: number) {
    this.#hotUntilMs = atMs;
    this.#wake(this);
  }

  get isFlushing(): boolean {
    return this.#isFlushing;
  }

  set isFlushing(isFlushing: boolean) {
    this.#isFlushing = isFlushing;
    this.#wake(this);
  }

  /** When the source is to be compared with what was sent. */
  get auditAtMs(): number | undefined {
    return this.#auditAtMs;
  }

  set auditAtMs(atMs: number | undefined) {
    this.#auditAtMs = atMs;
    this.#wake(this);
  }

  /** When to ask the bucket whether it still holds what was uploaded; `undefined` while there is no need. */
  get storeAuditAtMs(): number | undefined {
    return this.#storeAuditAtMs;
  }

  set storeAuditAtMs(atMs: number | undefined) {
    this.#storeAuditAtMs = atMs;
    this.#wake(this);
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  set failure(failure: Error | undefined) {
    this.#failure = failure;
    this.#wake(this);
  }

  /** Whether not all of it is in the bucket, as far as known. */
  get isBehind(): boolean {
    return this.#failure !== undefined || this.#isFlushing || this.dueAtMs !== undefined;
  }

  /** Whether nothing is to be done for it before its source changes, which has not happened for an hour. */
  isAtRest(clock: Clock): boolean {
    if (this.isBehind || this.#auditAtMs !== undefined || this.#storeAuditAtMs !== undefined)
      return false;
    return this.#hotUntilMs <= clock.monotonic() && isCalm(this.#seen, clock);
  }

  #awakeSchedule(): FlushSchedule {
    this.#wake(this);
    this.#schedule ??= new FlushSchedule(this.#timing);
    return this.#schedule;
  }
}

/** A stream that nobody has seen yet is not. */
export function isCalm(snapshot: FileSnapshot | undefined, clock: Clock): snapshot is FileSnapshot {
  return snapshot !== undefined && snapshot.modifiedAtMs < clock.now() - calmAfterMs;
}
