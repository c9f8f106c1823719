import type { Bucket } from '../../bucket/bucket.js';
import type { Clock } from '../../clock.js';
import { rangePartName } from '../../protocol/parts.js';
import type { Redactor } from '../../redact/redact.js';
import { compareStored, isUnsteady, stillShipped, type Unsteady } from './reconcile.js';
import type { StreamCache } from '../state/stream-state.js';
import { emptyHead, type Head, nextPartName, type ShippedPart, withPart } from '../checkpoint.js';
import { inMode, openGeneration } from './generations.js';
import { completeLines, fingerprint } from '../lines.js';
import { memoryOutbox, type Outbox } from '../state/pending-put.js';
import { type Prepared, prepare } from './prepare-part.js';
import { mostRangeLines } from './range-path.js';
import { foldedPart, recoverLines, recoverRecords } from './recovery.js';
import type { Chunk, Look, Position, SessionFacts, Stream } from '../stream.js';

/** What one stream's mirror works with. */
export interface StreamMirrorContext {
  readonly bucket: Bucket;
  readonly redactor: Redactor;
  readonly clock: Clock;
  /** Named in generation records, e.g. `alex@laptop`. */
  readonly who: string;
  readonly cache: StreamCache;
  /** Used where the store cannot arbitrate. */
  readonly outbox?: Outbox;
  /** Where the stream's parts lie in the bucket. */
  readonly prefix: string;
  /** `false` when the bucket is known to hold nothing of this stream: the first part is then put without a listing. */
  readonly listed: boolean;
  /** Compare content, also where local state says that a part was shipped as the source still is. */
  readonly isThorough: boolean;
  readonly onPart?: (part: ShippedPart, head: Head) => void;
  readonly onGeneration?: (head: Head, reason: string) => void;
  /**
   * Asked before a new generation is opened: 'fork' lets it happen, 'yield' leaves the chain alone, because another source
   * of the same session may be the true one.
   */
  readonly onConflict: () => Promise<'fork' | 'yield'>;
}

export interface DrainLimits {
  /** Source bytes per part, at most (a longer line is a part of its own). */
  readonly partBytes: number;
  /** Return after this many parts with `more: true`. */
  readonly parts: number;
}

export interface Drained {
  /**
   * `level`: every complete line is in the bucket, or will be with the next drain (`more`). `behind`: the bucket has more
   * than the source, which agrees as far as it goes. `conflict`: it contradicts the chain and `onConflict` said 'yield'.
   * `unsteady`: it changes faster than it can be read; look again in a moment.
   */
  readonly state: 'level' | 'behind' | 'conflict' | 'gone' | 'unsteady';
  readonly more: boolean;
  /** Bytes of an unterminated last line; it waits for its newline. */
  readonly rest: number;
}

const maxAttempts = 8;
const contentType = 'application/x-ndjson';

/**
 * Brings one stream of one session into the bucket, exactly once, by filling slots (docs/guarantees.md). All its I/O goes
 * through the stream, the bucket and the cache it was given, and it can be dropped at any await: whoever comes next finds
 * the same state again.
 */
export class StreamMirror {
  readonly #context: StreamMirrorContext;
  readonly #outbox: Outbox;
  readonly #isRange: boolean;
  #source: Stream;
  #head: Head | undefined;
  /** What was shipped as far as anyone remembers, for quick comparison; believed only where the source agrees. */
  #known: readonly ShippedPart[] = [];
  #remembered: Head | undefined;
  #facts: SessionFacts = {};
  #look: Look | undefined;
  /** The look at which the source was found behind; until it changes there is nothing to ask the bucket. */
  #waitingAt: string | undefined;
  #listed: boolean;
  #loaded = false;

  constructor(context: StreamMirrorContext, source: Stream) {
    this.#context = context;
    this.#outbox = context.outbox ?? memoryOutbox();
    this.#isRange = !context.bucket.capabilities.putIfAbsent;
    this.#source = source;
    this.#listed = context.listed;
  }

  /** How far the stream has come, as far as is known (from local state, before the first drain). */
  get head(): Head | undefined {
    return this.#head ?? this.#remembered;
  }

  get facts(): SessionFacts {
    return this.#facts;
  }

  /** The source as it was when it was last mirrored; `changed(look)` tells whether there is anything to do. */
  get look(): Look | undefined {
    return this.#look;
  }

  get source(): Stream {
    return this.#source;
  }

  /** The same stream from another place: the file was moved. */
  moveTo(source: Stream): void {
    this.#source = source;
    this.#waitingAt = undefined;
  }

  /** Reads what local state remembers, without any request. */
  async load(): Promise<void> {
    if (this.#loaded) return;
    this.#loaded = true;
    const cached = await this.#context.cache.load();
    if (cached === undefined) return;
    this.#remembered = cached.head;
    this.#known = cached.head.parts;
    this.#facts = cached.facts;
    this.#look = cached.look;
  }

  /** Ships what is new. Bounded by `limits.parts`; one request per part when nothing is amiss. */
  async drain(limits: DrainLimits): Promise<Drained> {
    let attempts = 0;
    while (attempts < maxAttempts) {
      const before = this.#head?.sequence;
      const drained = await this.#tryDrain(limits);
      if (drained !== 'again') return drained;
      attempts = this.#head?.sequence === before ? attempts + 1 : 0;
    }
    return done('unsteady');
  }

  /** Compares the whole source with what was shipped; a difference leads to recovery. For quiet moments. */
  async audit(): Promise<Drained> {
    this.#waitingAt = undefined;
    const state = await this.#verify();
    if (state !== 'again') return state;
    return this.drain({ partBytes: 1 << 20, parts: 1 });
  }

  async #tryDrain(limits: DrainLimits): Promise<Drained | 'again'> {
    const ready = await this.#ready();
    if (ready !== undefined) return ready;
    const head = this.#head ?? emptyHead;
    const first = await this.#prepare(head.position, limits);
    if (first === 'gone') return done('gone');
    if (first === 'moved') return this.#verify();
    if (first.chunk.lines.length === 0) return this.#nothingNew(first.chunk);
    return this.#ship(first, limits);
  }

  /** Makes sure that there is a head to go on from; returns an outcome when there is nothing to do. */
  async #ready(): Promise<Drained | undefined> {
    await this.load();
    if (this.#head?.ahead && this.#waitingAt !== undefined) {
      const look = await this.#source.changed(undefined);
      if (look?.token === this.#waitingAt) return done('behind');
    }
    if (this.#isRange && this.#head === undefined) await this.#replay();
    if (this.#head === undefined || this.#head.ahead) return this.#recover();
    return undefined;
  }

  /** What was replayed may be more than is remembered, so the bucket is asked. */
  async #replay(): Promise<void> {
    if (!(await this.#outbox.replay(this.#context.bucket))) return;
    this.#listed = true;
    this.#remembered = undefined;
  }

  async #recover(): Promise<Drained | undefined> {
    const { bucket, prefix } = this.#context;
    if (!this.#listed && this.#known.length === 0) {
      this.#listed = true;
      this.#head = emptyHead;
      return undefined;
    }
    if (this.#source.kind === 'records') {
      const observe = (line: Buffer): void => this.#observe(line);
      this.#head = await recoverRecords(bucket, prefix, this.#source, this.#remembered, observe);
      return undefined;
    }
    const before = await this.#source.changed(undefined);
    const context = this.#alignContext();
    const known = this.#context.isThorough ? [] : this.#known;
    const recovery = await recoverLines(context, prefix, this.#source, known, !this.#isRange);
    if (isUnsteady(recovery)) return done(recovery === 'gone' ? 'gone' : 'unsteady');
    if (recovery.found === 'chain') {
      const head = await inMode(bucket, prefix, recovery.head, this.#context.who);
      if (head === 'lost') return this.#recover();
      if (head !== recovery.head) this.#context.onGeneration?.(head, 'mode');
      return this.#adoptHead(head, before);
    }
    if ((await this.#context.onConflict()) === 'yield') return done('conflict');
    const reason = recovery.best.parts.length === 0 ? 'replaced' : 'rewritten';
    const { listing, best } = recovery;
    const opened = await openGeneration(bucket, listing, best, reason, this.#context.who);
    if (opened === 'lost') return this.#recover();
    this.#context.onGeneration?.(opened, reason);
    return this.#adoptHead(opened, before);
  }

  #adoptHead(head: Head, look: Look | undefined): Drained | undefined {
    this.#head = head;
    this.#known = head.parts;
    this.#waitingAt = head.ahead ? look?.token : undefined;
    return head.ahead ? done('behind') : undefined;
  }

  /** Whether the source still holds what was shipped. 'again': go on (with a fresh position, or through recovery). */
  async #verify(): Promise<Drained | 'again'> {
    const head = this.#head;
    if (head === undefined || head.ahead || this.#source.kind === 'records') {
      return 'again';
    }
    const position = await stillShipped(this.#source, head);
    if (position === 'gone') return done('gone');
    if (position === 'moved') return 'again';
    if (position !== 'differs') {
      this.#head = { ...head, position };
      return 'again';
    }
    this.#known = head.parts;
    this.#head = undefined;
    this.#listed = true;
    return (await this.#recover()) ?? 'again';
  }

  /** Nothing to ship. A source that changed without growing may have been edited: it is compared before it is believed. */
  async #nothingNew(chunk: Chunk): Promise<Drained | 'again'> {
    const before = this.#look;
    const shrankOrEdited =
      before !== undefined &&
      before.token !== chunk.look.token &&
      before.size >= chunk.look.size &&
      this.#source.kind === 'lines';
    this.#look = chunk.look;
    if (shrankOrEdited) return this.#verify();
    await this.#save();
    return { ...done('level'), rest: chunk.rest };
  }

  async #ship(first: Prepared, limits: DrainLimits): Promise<Drained | 'again'> {
    let prepared = first;
    for (let count = 1; ; count += 1) {
      const sending = this.#put(prepared);
      const mayGoOn = prepared.chunk.more && count < limits.parts;
      const following = mayGoOn ? settled(this.#prepare(prepared.chunk.next, limits)) : undefined;
      if (!(await sending)) {
        await following;
        return this.#adoptSlot();
      }
      await this.#save();
      const more = prepared.chunk.more;
      if (following === undefined) return { state: 'level', more, rest: prepared.chunk.rest };
      const next = await following;
      if ('error' in next) throw next.error;
      if (isUnsteady(next.value) || next.value.chunk.lines.length === 0) return 'again';
      prepared = next.value;
    }
  }

  /** Fills the slot at the head; `false` when it was filled before. */
  async #put(prepared: Prepared): Promise<boolean> {
    const { clock } = this.#context;
    const head = this.#head ?? emptyHead;
    if (!(await this.#send(head, prepared))) return false;
    const lines = prepared.plainLines;
    const part: ShippedPart = {
      sequence: head.sequence,
      generation: head.generation,
      startLine: head.position.line,
      endLine: prepared.chunk.next.line,
      sourceBytes: prepared.chunk.sourceBytes,
      uploadedBytes: prepared.body.length,
      fingerprint: lines.length === prepared.chunk.lines.length ? fingerprint(lines) : '',
      redactions: prepared.counts,
      uploadedAtMs: clock.now(),
      ...(this.#isRange ? { isRange: true } : {}),
    };
    this.#advance(part, prepared.chunk.next, prepared.chunk.look);
    for (const line of prepared.redactedLines) this.#observe(line);
    return true;
  }

  async #send(head: Head, { body, chunk }: Prepared): Promise<boolean> {
    const { bucket, prefix } = this.#context;
    if (!this.#isRange) {
      const slot = prefix + nextPartName(head);
      return (await bucket.putIfAbsent(slot, body, { contentType })).written;
    }
    const { sequence, generation, position } = head;
    const name = rangePartName(sequence, generation, position.line, chunk.next.line);
    // Should it fail, nobody knows how far the chain goes until the batch was put again.
    this.#head = undefined;
    await this.#outbox.put(bucket, prefix + name, body);
    this.#head = head;
    return true;
  }

  /** The slot was filled by somebody else, or by an earlier self: go on after it, wait, or look at everything again. */
  async #adoptSlot(): Promise<Drained | 'again'> {
    const { bucket, prefix } = this.#context;
    const head = this.#head ?? emptyHead;
    const stored = await bucket.get(prefix + nextPartName(head));
    if (stored === undefined) return 'again';
    const slot = {
      sequence: head.sequence,
      generation: head.generation,
      startLine: head.position.line,
    };
    if (this.#source.kind === 'records') {
      const lines = completeLines(stored.body);
      const position = this.#source.fold(head.position, lines);
      for (const line of lines) this.#observe(line);
      const part = foldedPart(slot, position.line, stored.body, stored.modifiedAt);
      this.#advance(part, position, this.#look);
      await this.#save();
      return 'again';
    }
    const before = await this.#source.changed(undefined);
    const comparison = await compareStored(this.#source, head.position, stored.body);
    if (comparison === 'gone') return done('gone');
    if (comparison === 'moved') return this.#verify();
    if (comparison === 'behind') {
      this.#head = { ...head, ahead: true };
      this.#known = head.parts;
      this.#waitingAt = before?.token;
      return done('behind');
    }
    if (comparison === 'conflict') {
      this.#known = head.parts;
      this.#head = undefined;
      this.#listed = true;
      return (await this.#recover()) ?? 'again';
    }
    const part: ShippedPart = {
      ...foldedPart(slot, comparison.position.line, stored.body, stored.modifiedAt),
      sourceBytes: comparison.sourceBytes,
      fingerprint: fingerprint(comparison.lines),
    };
    this.#advance(part, comparison.position, this.#look);
    for (const line of comparison.lines) this.#observeSource(line);
    await this.#save();
    return 'again';
  }

  #advance(part: ShippedPart, position: Position, look: Look | undefined): void {
    this.#head = withPart(this.#head ?? emptyHead, part, position);
    this.#look = look;
    this.#context.onPart?.(part, this.#head);
  }

  #prepare(from: Position, { partBytes }: DrainLimits): Promise<Prepared | Unsteady> {
    const lines = this.#isRange ? { lines: mostRangeLines } : {};
    return prepare(this.#source, this.#context.redactor, from, { bytes: partBytes, ...lines });
  }

  /** Facts are lifted from redacted lines: cut short, half a secret would no longer be known as one. */
  #observe(redacted: Buffer): void {
    this.#facts = this.#source.facts(redacted, this.#facts);
  }

  #observeSource(line: Buffer): void {
    this.#observe(this.#context.redactor.redact(line).bytes);
  }

  #alignContext() {
    const { bucket, redactor } = this.#context;
    return { bucket, redactor, observe: (line: Buffer) => this.#observeSource(line) };
  }

  async #save(): Promise<void> {
    if (this.#head === undefined) return;
    await this.#context.cache.save({ head: this.#head, facts: this.#facts, look: this.#look });
    if (this.#isRange) await this.#outbox.forget();
  }
}

function done(state: Drained['state']): Drained {
  return { state, more: false, rest: 0 };
}

/** A promise that is looked at later must not count as unhandled meanwhile. */
function settled<T>(promise: Promise<T>): Promise<{ value: T } | { error: unknown }> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}
