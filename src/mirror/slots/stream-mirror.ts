import {
  type Checkpoint,
  emptyCheckpoint,
  nameOf,
  nextPartName,
  type ShippedPart,
  withPart,
} from '../checkpoint.js';
import type { StreamOutline } from '../outline.js';
import type {
  Chunk,
  FileSnapshot,
  Position,
  RecordStream,
  SessionFacts,
  Stream,
} from '../stream.js';
import { type Beyond, isBroken, openAfter } from './beyond-source.js';
import { compareSlot } from './compare-slot.js';
import { inMode, reasonToReopen } from './generations.js';
import type { Listing } from './listing.js';
import { outcomeOf } from './outcome.js';
import { type PreparedPart, preparedAs } from './prepare-part.js';
import { isUnsteady, mayBeEdited, stillShipped } from './reconcile.js';
import { isStillHeld, recoverLines, recoverRecords } from './recovery.js';
import { type StreamTools, toolsFor } from './stream-tools.js';
import type { ReadUsage } from './stream-usage.js';
import { done, type StreamMirrorContext, type UploadLimits, type UploadResult } from './upload.js';

const maxAttempts = 8;
const onePart: UploadLimits = { partBytes: 1 << 20, parts: 1 };

/**
 * Mirrors one stream of one session into the bucket, exactly once, by filling slots (docs/guarantees.md). All its I/O
 * goes through the stream, the bucket and the cache it was given, and it can be dropped at any await: its successor
 * recovers the same state.
 */
export class StreamMirror {
  readonly #open: () => StreamMirrorContext;
  #made: StreamTools | undefined;
  #source: Stream;
  #checkpoint: Checkpoint | undefined;
  /** What was uploaded, as far as remembered, for quick comparison; trusted only where the source agrees. */
  #known: readonly ShippedPart[] = [];
  #remembered: Checkpoint | undefined;
  #snapshot: FileSnapshot | undefined;
  /** The snapshot in which the source was found behind; until it changes there is nothing to ask the bucket. */
  #waitingAt: string | undefined;
  /** The bucket is listed before anything is put, however little it may hold. */
  #mustList = false;
  #loaded = false;
  /** The remembered state has to be confirmed in the bucket and the source before anything is added to it. */
  #isDoubted = false;

  /** `open`: a calm stream keeps nothing that can be made again. */
  constructor(open: () => StreamMirrorContext, source: Stream) {
    [this.#open, this.#source] = [open, source];
  }

  get #tools(): StreamTools {
    this.#made ??= toolsFor(this.#open());
    return this.#made;
  }

  /** How far the stream has come, as far as known (from local state, before the first drain). */
  get checkpoint(): Checkpoint | undefined {
    return this.#checkpoint ?? this.#remembered;
  }

  get facts(): SessionFacts {
    return this.#made?.observations.facts ?? {};
  }

  /** The outline of what was uploaded, if known. */
  get outline(): StreamOutline | undefined {
    return this.#made?.observations.told(this.checkpoint?.position.line ?? 0);
  }

  /** The same; rebuilt from the bucket if unknown. */
  readOutline(): Promise<StreamOutline | undefined> {
    return this.#tools.observations.read(this.#tools.context, this.checkpoint ?? emptyCheckpoint);
  }

  /** What the calls of all generations took; `undefined` if nothing was uploaded or the harness tells no tokens. */
  readUsage(): Promise<ReadUsage | undefined> {
    const { context, observations, generations } = this.#tools;
    return generations.usage(context, this.checkpoint, observations);
  }

  /** The source as it was when last mirrored; `changed(look)` says whether there is anything to do. */
  get snapshot(): FileSnapshot | undefined {
    return this.#snapshot;
  }

  get source(): Stream {
    return this.#source;
  }

  /** Who opened a newer generation while this process was writing, if anyone: readers find theirs, not this one. */
  get contestedBy(): string | undefined {
    return this.#made?.contest.by;
  }

  /** The same stream at a new location: the file was moved. */
  moveTo(source: Stream): void {
    if (this.#source === source) return;
    this.#source = source;
    [this.#waitingAt, this.#isDoubted] = [undefined, true];
  }

  /** Reads local state, without any request. */
  async load(): Promise<void> {
    if (this.#loaded) return;
    this.#loaded = true;
    const cached = await this.#tools.context.stateFile.load();
    if (cached === undefined) return;
    [this.#remembered, this.#known] = [cached.checkpoint, cached.checkpoint.parts];
    this.#tools.observations.restore(cached.facts, cached.outline);
    this.#snapshot = cached.snapshot;
  }

  /** Lets go of what local state holds, if nothing but that is known; it is read again when it is needed. */
  rest(): void {
    if (this.#checkpoint !== undefined || this.#isDoubted || !this.#remembered) return;
    [this.#loaded, this.#mustList] = [false, true];
    [this.#remembered, this.#known, this.#snapshot] = [undefined, [], undefined];
    this.#made = undefined;
  }

  /** Uploads what is new. Bounded by `limits.parts`; one request per part when all is well. */
  async upload(limits: UploadLimits): Promise<UploadResult> {
    for (let attempts = 0; attempts < maxAttempts; ) {
      const before = this.#checkpoint?.sequence;
      const uploaded = await this.#tryDrain(limits);
      if (uploaded !== 'again') {
        this.#tools.observations.pack();
        return uploaded;
      }
      attempts = this.#checkpoint?.sequence === before ? attempts + 1 : 0;
    }
    return done('unsteady');
  }

  /** Compares the whole source with what was uploaded; a difference leads to recovery. For quiet moments. */
  async audit(): Promise<UploadResult> {
    this.#waitingAt = undefined;
    if (this.#source.kind === 'records') this.#source.compareAll?.();
    const state = await this.#verify();
    return state === 'again' ? this.upload(onePart) : state;
  }

  /**
   * Compares the bucket's listing with the parts remembered as uploaded. Missing or truncated parts are put back; those
   * that cannot be are sent again in a new generation.
   */
  async auditStore(): Promise<UploadResult> {
    await this.load();
    const { checkpoint } = this;
    if (checkpoint !== undefined && !this.#isDoubted) {
      if (this.contestedBy !== undefined) return done('level');
      if (await isStillHeld(this.#tools.context, checkpoint)) return done('level');
    }
    this.#isDoubted = true;
    return this.upload(onePart);
  }

  async #tryDrain(limits: UploadLimits): Promise<UploadResult | 'again'> {
    const ready = await this.#ready();
    if (ready !== undefined) return ready;
    const checkpoint = this.#checkpoint ?? emptyCheckpoint;
    const first = await this.#tools.sender.prepare(this.#source, checkpoint.position, limits);
    if (first === 'gone') return done('gone');
    if (first === 'moved') return this.#verify();
    if (first.chunk.lines.length === 0) return this.#nothingNew(first.chunk);
    return this.#ship(first, limits);
  }

  /** Makes sure there is a head to continue from; returns an outcome if there is nothing to do. */
  async #ready(): Promise<UploadResult | undefined> {
    await this.load();
    await this.#tools.observations.wake(this.#tools.context.stateFile);
    if (this.#isDoubted) {
      [this.#isDoubted, this.#mustList] = [false, true];
      this.#known = this.checkpoint?.parts ?? this.#known;
      this.#remembered = this.checkpoint;
      this.#checkpoint = undefined;
    }
    if (this.#checkpoint?.ahead && this.#waitingAt !== undefined) {
      const snapshot = await this.#source.changed(undefined);
      if (snapshot?.token === this.#waitingAt) return done('behind');
    }
    if (this.#checkpoint === undefined && (await this.#tools.sender.replay())) {
      // That may have put more than is remembered, so the bucket is asked.
      [this.#mustList, this.#remembered] = [true, undefined];
    }
    if (this.#checkpoint === undefined || this.#checkpoint.ahead) return this.#recover();
    return undefined;
  }

  async #recover(): Promise<UploadResult | undefined> {
    const { bucket, prefix, redactor, confirmBucket } = this.#tools.context;
    if (await this.#isUnheld()) {
      this.#tools.contest.saw(0);
      this.#checkpoint = emptyCheckpoint;
      return undefined;
    }
    const before = await this.#source.changed(undefined);
    if (this.#source.kind === 'records') return this.#recoverRecords(this.#source, before);
    const source = this.#source;
    const observe = this.#tools.observations.observer(source, redactor);
    const context = { bucket, redactor, observe, confirmBucket };
    const known = this.#tools.context.isThorough ? [] : this.#known;
    const recovery = await recoverLines(
      context,
      prefix,
      source,
      known,
      !this.#tools.sender.isRange,
    );
    if (isUnsteady(recovery)) return done(recovery === 'gone' ? 'gone' : 'unsteady');
    if (recovery.found === 'chain') {
      const { listing, checkpoint, restored, beyond } = recovery;
      for (const part of checkpoint.parts.filter((one) => restored.has(nameOf(one))))
        this.#tools.context.onPart?.(part, checkpoint);
      const isHalf = beyond !== undefined && isBroken(listing, checkpoint, beyond);
      const reason = isHalf ? 'repaired' : reasonToReopen(bucket, listing, checkpoint);
      if (reason === 'resumed' && this.#tools.contest.isOvertaken(listing))
        return this.#adoptHead(checkpoint, before);
      this.#tools.contest.saw(listing.newestGeneration);
      if (reason !== undefined) return this.#reopen(listing, checkpoint, reason, before, beyond);
      const usable = await inMode(bucket, prefix, checkpoint, this.#tools.context.who);
      if (usable === 'lost') return this.#recover();
      if (usable !== checkpoint) this.#tools.context.onGeneration?.(usable, 'mode');
      return this.#adoptHead(usable, before, beyond);
    }
    if ((await this.#tools.context.onConflict()) === 'yield') return done('conflict');
    const { listing, best } = recovery;
    const reason = best.parts.length === 0 ? 'replaced' : 'rewritten';
    return this.#reopen(listing, best, reason, before);
  }

  /** Asked once: after that, someone else may have begun. */
  async #isUnheld(): Promise<boolean> {
    if (this.#mustList || this.#known.length > 0 || (await this.#tools.context.isHeld()))
      return false;
    this.#mustList = true;
    return true;
  }

  async #recoverRecords(
    source: RecordStream,
    before: FileSnapshot | undefined,
  ): Promise<UploadResult | undefined> {
    const { bucket, prefix, confirmBucket } = this.#tools.context;
    const context = { bucket, observe: this.#tools.observations.observer(source), confirmBucket };
    const found = await recoverRecords(context, prefix, source, this.#remembered);
    const { listing, checkpoint, isTorn } = found;
    const reason = isTorn ? 'repaired' : reasonToReopen(bucket, listing, checkpoint);
    if (reason !== undefined) return this.#reopen(listing, checkpoint, reason, before);
    return this.#adoptHead(checkpoint, before);
  }

  /** A new generation, so that readers find the current transcript in the newest one. */
  async #reopen(
    listing: Listing,
    base: Checkpoint,
    reason: string,
    before: FileSnapshot | undefined,
    beyond?: Beyond,
  ): Promise<UploadResult | undefined> {
    const { bucket, who, onGeneration } = this.#tools.context;
    const opened = await openAfter(bucket, listing, base, reason, who, beyond);
    if (opened === 'lost') return this.#recover();
    this.#tools.contest.saw(opened.generation);
    onGeneration?.(opened, reason);
    return this.#adoptHead(opened, before, beyond);
  }

  #adoptHead(
    checkpoint: Checkpoint,
    snapshot: FileSnapshot | undefined,
    beyond?: Beyond,
  ): UploadResult | undefined {
    this.#checkpoint = checkpoint;
    this.#tools.observations.settle(checkpoint.position.line);
    this.#known = [...checkpoint.parts, ...(beyond?.parts ?? [])];
    this.#waitingAt = checkpoint.ahead ? snapshot?.token : undefined;
    return checkpoint.ahead ? done('behind') : undefined;
  }

  /** Whether the source still holds what was uploaded. 'again': continue (at a fresh position, or with recovery). */
  async #verify(): Promise<UploadResult | 'again'> {
    const checkpoint = this.#checkpoint;
    if (checkpoint === undefined || checkpoint.ahead || this.#source.kind === 'records') {
      return 'again';
    }
    const position = await stillShipped(this.#source, checkpoint);
    if (position === 'gone') return done('gone');
    if (position === 'moved') return 'again';
    if (position !== 'differs') {
      this.#checkpoint = { ...checkpoint, position };
      return 'again';
    }
    [this.#known, this.#checkpoint] = [checkpoint.parts, undefined];
    this.#mustList = true;
    return (await this.#recover()) ?? 'again';
  }

  /** Nothing to upload. A source that changed without growing may have been edited, so it is compared first. */
  async #nothingNew(chunk: Chunk): Promise<UploadResult | 'again'> {
    const isEdited = mayBeEdited(this.#source, this.#snapshot, chunk.snapshot);
    this.#snapshot = chunk.snapshot;
    if (isEdited) return this.#verify();
    await this.#save();
    return { ...done('level'), rest: chunk.rest };
  }

  async #ship(first: PreparedPart, limits: UploadLimits): Promise<UploadResult | 'again'> {
    let prepared = first;
    for (let count = 1; ; count += 1) {
      const sending = this.#put(prepared);
      const mayGoOn = prepared.chunk.more && count < limits.parts;
      const following = mayGoOn
        ? outcomeOf(this.#tools.sender.prepare(this.#source, prepared.chunk.next, limits))
        : undefined;
      if (!(await sending)) {
        await following;
        return this.#adoptSlot();
      }
      await this.#save(prepared);
      const more = prepared.chunk.more;
      if (following === undefined) return { state: 'level', more, rest: prepared.chunk.rest };
      const next = await following;
      if ('error' in next) throw next.error;
      if (isUnsteady(next.value) || next.value.chunk.lines.length === 0) return 'again';
      prepared = next.value;
    }
  }

  /** Fills the slot at the head; `false` if it was already filled. */
  async #put(prepared: PreparedPart): Promise<boolean> {
    const { clock } = this.#tools.context;
    const checkpoint = this.#checkpoint ?? emptyCheckpoint;
    // If this fails, the end of the chain is unknown until the batch was put again.
    if (this.#tools.sender.isRange) this.#checkpoint = undefined;
    if (!(await this.#tools.sender.send(checkpoint, prepared))) return false;
    this.#checkpoint = checkpoint;
    const part = preparedAs(checkpoint, prepared, clock.now(), this.#tools.sender.isRange);
    this.#tools.observations.observe(this.#source, prepared.redactedLines, part.startLine);
    this.#advance(part, prepared.chunk.next, prepared.chunk.snapshot);
    return true;
  }

  /** The slot was filled by someone else or an earlier run: continue after it, wait, or look at everything again. */
  async #adoptSlot(): Promise<UploadResult | 'again'> {
    const { bucket, prefix } = this.#tools.context;
    const checkpoint = this.#checkpoint ?? emptyCheckpoint;
    const stored = await bucket.get(prefix + nextPartName(checkpoint));
    if (stored === undefined) return 'again';
    const before = await this.#source.changed(undefined);
    const found = await compareSlot(this.#source, checkpoint, stored);
    if (found === 'gone') return done('gone');
    if (found === 'moved') return this.#verify();
    if (found === 'torn') {
      this.#isDoubted = true;
      return 'again';
    }
    this.#known = checkpoint.parts;
    if (found === 'behind') {
      this.#checkpoint = { ...checkpoint, ahead: true };
      this.#waitingAt = before?.token;
      return done('behind');
    }
    if (found === 'conflict') {
      this.#checkpoint = undefined;
      this.#mustList = true;
      return (await this.#recover()) ?? 'again';
    }
    this.#tools.observations.adopt(this.#source, found, this.#tools.context.redactor);
    this.#advance(found.part, found.position, this.#snapshot);
    await this.#save();
    return 'again';
  }

  #advance(part: ShippedPart, position: Position, snapshot: FileSnapshot | undefined): void {
    this.#checkpoint = withPart(this.#checkpoint ?? emptyCheckpoint, part, position);
    this.#snapshot = snapshot;
    this.#tools.context.onPart?.(part, this.#checkpoint);
  }

  async #save(part?: PreparedPart): Promise<void> {
    if (this.#checkpoint === undefined) return;
    await this.#tools.context.stateFile.save({
      checkpoint: this.#checkpoint,
      ...this.#tools.observations.kept(this.#checkpoint.position.line),
      snapshot: this.#snapshot,
    });
    await this.#tools.sender.forget(part);
  }
}
