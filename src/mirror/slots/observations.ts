import type { Bucket } from '../../bucket/bucket.js';
import type { StreamUsage } from '../../protocol/usage.js';
import type { Redactor } from '../../redact/redact.js';
import type { Checkpoint } from '../checkpoint.js';
import { completeLines } from '../lines.js';
import type { KeptOutline, LineOutline, StreamOutline } from '../outline.js';
import type { StreamState, StreamStateFile } from '../state/stream-state.js';
import type { SessionFacts, Stream } from '../stream.js';
import type { AdoptedSlot } from './compare-slot.js';
import { listStream } from './listing.js';
import { readChain } from './reader.js';

/** Starts a stream's outline, or continues from a state. */
export type Outliner = (state?: unknown) => LineOutline | undefined;

interface UsageStore {
  readonly bucket: Bucket;
  readonly prefix: string;
  readonly stateFile: Pick<StreamStateFile, 'load'>;
}

/**
 * What the uploaded lines of one stream say: facts, in any order, and the outline, which counts each line once and in
 * order. An outline that is out of step with the upload says nothing until it is rebuilt from the bucket.
 */
export class Observations {
  facts: SessionFacts = {};
  readonly #open: Outliner;
  /** Between two uploads only the fold's state is kept, as text: a live fold takes several times as much memory. */
  #fold: LineOutline | undefined;
  #packed: string | undefined;
  #told: StreamOutline | undefined;
  #rows = 0;

  constructor(open: Outliner) {
    this.#open = open;
  }

  /** What local state remembers. The fold's state stays on disk until it is needed. */
  restore(facts: SessionFacts, kept: KeptOutline | undefined): void {
    this.facts = facts;
    this.#told = kept?.told;
    this.#rows = kept?.told.rows ?? 0;
  }

  /** Prepares it to count more lines. */
  async wake(state: Pick<StreamStateFile, 'load'>): Promise<void> {
    if (!this.#isAsleep) return;
    const kept = (await state.load())?.outline;
    if (kept?.told.rows === this.#rows) this.#packed = JSON.stringify(kept.state);
    else this.#forget();
  }

  get #isAsleep(): boolean {
    return this.#rows > 0 && this.#fold === undefined && this.#packed === undefined;
  }

  /** Redacted lines, by the number of the first one. A pass that starts over restarts the count. */
  observe(source: Pick<Stream, 'facts'>, lines: readonly Buffer[], first: number): void {
    for (const [index, line] of lines.entries()) this.#line(source, line, first + index);
  }

  /** The lines of a slot that someone else filled. */
  adopt(source: Pick<Stream, 'facts'>, slot: AdoptedSlot, redactor: Redactor): void {
    const redacted = slot.sourceLines.map((line) => redactor.redact(line).bytes);
    this.observe(source, [...slot.shippedLines, ...redacted], slot.part.startLine);
  }

  /** The same, line by line; with a redactor, for unredacted source lines. */
  observer(
    source: Pick<Stream, 'facts'>,
    redactor?: Redactor,
  ): (line: Buffer, number: number) => void {
    return (line, number) => this.#line(source, redactor?.redact(line).bytes ?? line, number);
  }

  /** Facts come from redacted lines: if a fact were shortened first, half a secret would no longer be recognised. */
  #line(source: Pick<Stream, 'facts'>, line: Buffer, number: number): void {
    this.facts = source.facts(line, this.facts);
    if (number === 0) this.#begin(this.#open());
    if (number !== this.#rows || this.#isAsleep) return;
    const fold = this.#awake();
    fold?.row(textOf(line), number);
    this.#rows += 1;
    this.#told = undefined;
  }

  /** The upload ends at this line now: an outline that counted anything else is discarded. */
  settle(line: number): void {
    if (this.#rows !== line) this.#forget();
  }

  /** Its outline, if it covers exactly this many lines. */
  told(line: number): StreamOutline | undefined {
    if (line !== this.#rows || line === 0) return undefined;
    this.#told ??= this.#awake()?.outline();
    return this.#told;
  }

  /** For local state. */
  kept(line: number): Pick<StreamState, 'facts' | 'outline'> {
    const told = this.told(line);
    const state = this.#fold?.state() ?? (this.#packed && parsed(this.#packed));
    const isKnown = told !== undefined && state !== undefined;
    return { facts: this.facts, outline: isKnown ? { told, state } : undefined };
  }

  /** No more lines for a while. */
  pack(): void {
    if (this.#fold === undefined) return;
    this.#packed = JSON.stringify(this.#fold.state());
    this.#fold = undefined;
  }

  /** Its outline, rebuilt from what readers find in the bucket if it is not known. */
  async read(
    { bucket, prefix }: { readonly bucket: Bucket; readonly prefix: string },
    { parts, position, generation }: Checkpoint,
  ): Promise<StreamOutline | undefined> {
    const isKnown = parts.length === 0 || this.told(position.line) !== undefined;
    if (!isKnown) await this.#rebuild(bucket, prefix, generation);
    return this.told(position.line);
  }

  /** What its calls took; the fold's state is taken from disk, or rebuilt from the bucket, if it is not in memory. */
  async readUsage(
    { bucket, prefix, stateFile }: UsageStore,
    { position, generation }: Checkpoint,
  ): Promise<StreamUsage | undefined> {
    const wasAsleep = this.#isAsleep;
    await this.wake(stateFile);
    const isKnown = this.#rows === position.line && !this.#isAsleep;
    if (!isKnown) await this.#rebuild(bucket, prefix, generation);
    const packed = this.#packed;
    const fold = this.#fold ?? (packed === undefined ? undefined : this.#open(parsed(packed)));
    if (wasAsleep) this.#packed = undefined;
    return this.#rows === position.line ? fold?.usage() : undefined;
  }

  async #rebuild(bucket: Bucket, prefix: string, generation: number): Promise<void> {
    const fold = this.#open();
    if (fold === undefined) return;
    let rows = 0;
    const listing = await listStream(bucket, prefix);
    for await (const { body } of readChain(bucket, listing, generation)) {
      for (const line of completeLines(body)) {
        fold.row(textOf(line), rows);
        rows += 1;
      }
    }
    this.#begin(fold);
    this.#rows = rows;
    this.#told = fold.outline();
    this.pack();
  }

  #begin(fold: LineOutline | undefined): void {
    this.#fold = fold;
    this.#packed = undefined;
    this.#told = undefined;
    this.#rows = 0;
  }

  #forget(): void {
    this.#begin(undefined);
  }

  #awake(): LineOutline | undefined {
    if (this.#fold !== undefined || this.#packed === undefined) return this.#fold;
    this.#fold = this.#open(parsed(this.#packed));
    this.#packed = undefined;
    return this.#fold;
  }
}

function textOf(line: Buffer): string {
  return line.toString('utf8').replace(/\n$/, '');
}

function parsed(text: string): unknown {
  return JSON.parse(text);
}
