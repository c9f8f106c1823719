import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bucket, Etag, Key } from '../bucket/bucket.js';
import { LostError, PartialError, RefusedError } from '../errors.js';
import { requireKept } from '../mirror/removal/record.js';
import { type Listing, listStream } from '../mirror/slots/listing.js';
import { type CompactionDocument, compactionSchema } from '../protocol/compaction.js';
import { DocumentError, encodeDocument, parseDocument } from '../protocol/documents.js';
import type { CompactFormat, Layout } from '../protocol/keys.js';
import type { Redactor } from '../redact/redact.js';
import { type Extent, joinChain, listingDigest } from './joined.js';
import { diskTrouble, openScratch, type Scratch } from './scratch.js';
import { traceMapping } from './trace.js';
import { writeTrace } from './trace-file.js';
import { type Verified, verifyObject } from './verify-object.js';

interface CompactContext {
  readonly bucket: Bucket;
  readonly layout: Layout;
  /** On this machine's disk, for objects in transit. */
  readonly folder: string;
  readonly host: string;
  readonly redactor: Redactor;
  readonly signal?: AbortSignal;
}

export interface CompactTarget {
  readonly harness: string;
  readonly id: string;
  readonly format: CompactFormat;
}

export interface Compaction extends Extent {
  /** `empty`: the main stream has no lines, or none a trace would show; nothing is written. */
  readonly state: 'written' | 'unchanged' | 'empty';
  readonly key: Key;
  readonly bytes: number;
  /** How the written object was compared with the joined parts. */
  readonly verified: Verified | null;
}

/** Each loss means that someone else made progress. */
const maxAttempts = 6;

/**
 * Joins the parts of a session's main stream, in the order a reader follows, into one object, and
 * compares the stored object with what was joined. Safe to kill at any point and to run
 * concurrently: the record next to the object lists its sources and is replaced conditionally, so a
 * process that started from an older view finds out and starts over. Throws `PartialError` if parts
 * are missing that the existing object still has, `LostError` if others keep winning.
 */
export async function compactSession(
  context: CompactContext,
  target: CompactTarget,
): Promise<Compaction> {
  const scratch = await openScratch(context.folder);
  try {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      context.signal?.throwIfAborted();
      const outcome = await new Attempt(context, target, scratch).run();
      if (outcome !== 'again') return outcome;
    }
  } catch (error) {
    throw diskTrouble(scratch.path, error);
  } finally {
    await scratch.remove();
  }
  const key = context.layout.compacted(target.harness, target.id, target.format);
  throw new LostError(`others keep writing ${key}`, {
    hint: 'Another process is compacting the same session. Try again when it is done.',
  });
}

interface Recorded {
  readonly document: CompactionDocument | undefined;
  readonly etag: Etag | undefined;
}

interface Made extends Extent {
  readonly path: string;
  readonly bytes: number;
}

class Attempt {
  readonly #context: CompactContext;
  readonly #target: CompactTarget;
  readonly #scratch: Scratch;
  readonly #key: Key;
  readonly #recordKey: Key;
  readonly #mapping: number;

  constructor(context: CompactContext, target: CompactTarget, scratch: Scratch) {
    const { harness, id, format } = target;
    this.#context = context;
    this.#target = target;
    this.#scratch = scratch;
    this.#key = context.layout.compacted(harness, id, format);
    this.#recordKey = context.layout.compaction(harness, id, format);
    this.#mapping = format === 'trace' ? traceMapping : 0;
  }

  /**
   * The record is read before the parts are listed, so whoever replaces it has seen at least as much as it describes.
   */
  async run(): Promise<Compaction | 'again'> {
    const { bucket, layout } = this.#context;
    const { harness, id } = this.#target;
    const before = await this.#recorded();
    const listing = await listStream(bucket, layout.session(harness, id));
    const digest = listingDigest(listing);
    const present = await this.#presentEtag();
    const { document } = before;
    const isSame =
      document?.listing === digest &&
      document.mapping === this.#mapping &&
      document.etag === present;
    if (document !== undefined && isSame) return this.#done('unchanged', document, null);
    const made = await this.#make(listing);
    if (present !== undefined && document !== undefined) this.#assertForwards(made, document);
    if (made.bytes === 0) return this.#done('empty', made, null);
    if ((await this.#recorded()).etag !== before.etag) return 'again';
    await requireKept(this.#context, this.#target);
    const { etag } = await bucket.putFile(this.#key, made.path, { signal: this.#context.signal });
    const verified = await verifyObject(bucket, this.#key, etag, made.path, this.#scratch.path);
    if (verified === 'replaced') return 'again';
    if (!(await this.#record(before.etag, { ...made, listing: digest, etag }))) return 'again';
    if ((await this.#presentEtag()) !== etag) return 'again';
    await this.#requireStillKept();
    return this.#done('written', made, verified);
  }

  /** A session may be removed while its copy is on the way. */
  async #requireStillKept(): Promise<void> {
    try {
      await requireKept(this.#context, this.#target);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      for (const key of [this.#key, this.#recordKey]) await this.#context.bucket.delete(key);
      throw error;
    }
  }

  async #make(listing: Listing): Promise<Made> {
    const { bucket, redactor, signal } = this.#context;
    const { harness, id, format } = this.#target;
    const joined = join(this.#scratch.path, 'transcript.jsonl');
    const extent = await joinChain(bucket, listing, joined, signal);
    if (format === 'raw') return { ...extent, path: joined, bytes: (await stat(joined)).size };
    const to = join(this.#scratch.path, 'trace.jsonl');
    const aborting = signal === undefined ? {} : { signal };
    await writeTrace({ harness, sessionId: id, from: joined, to, redactor, ...aborting });
    return { ...extent, path: to, bytes: (await stat(to)).size };
  }

  /** The joined parts are shorter than the existing copy, which may be the only place that still has the rest. */
  #assertForwards(made: Made, document: CompactionDocument): void {
    const isOlder = made.generation < document.generation;
    const isShorter = made.generation === document.generation && made.lines < document.lines;
    if (!isOlder && !isShorter) return;
    throw new PartialError(
      `the parts of ${this.#target.harness}/${this.#target.id} give ${made.lines} lines, but ${this.#key} has ${document.lines}: left as it is`,
      {
        hint: `"tracecraft watch --once --all" restores parts from the transcript. If they were deleted on purpose, delete ${this.#key} too and compact again.`,
      },
    );
  }

  async #presentEtag(): Promise<Etag | undefined> {
    const range = { start: 0, end: 0 };
    return (await this.#context.bucket.get(this.#key, { range }))?.etag;
  }

  async #recorded(): Promise<Recorded> {
    const stored = await this.#context.bucket.get(this.#recordKey);
    if (stored === undefined) return { document: undefined, etag: undefined };
    try {
      const document = parseDocument(compactionSchema, this.#recordKey, stored.body);
      return { document, etag: stored.etag };
    } catch (error) {
      if (error instanceof DocumentError) return { document: undefined, etag: stored.etag };
      throw error;
    }
  }

  /** Returns whether it was recorded: not if somebody else did so meanwhile. */
  async #record(
    before: Etag | undefined,
    made: Made & Pick<CompactionDocument, 'listing' | 'etag'>,
  ): Promise<boolean> {
    const { bucket, host } = this.#context;
    const { generation, parts, lines, bytes, etag, listing } = made;
    const document: CompactionDocument = {
      schema: 1,
      generation,
      parts,
      lines,
      bytes,
      etag,
      listing,
      mapping: this.#mapping,
      at: (await bucket.now()).toISOString(),
      host,
      nonce: randomBytes(8).toString('hex'),
    };
    const body = encodeDocument(document);
    const options = { contentType: 'application/json' };
    const { putIfAbsent, putIfMatch } = bucket.capabilities;
    if (before === undefined && putIfAbsent) {
      return (await bucket.putIfAbsent(this.#recordKey, body, options)).written;
    }
    if (before !== undefined && putIfMatch) {
      return (await bucket.putIfMatch(this.#recordKey, body, before, options)).written;
    }
    // The store does not arbitrate: we check before and after, which leaves a gap of one request.
    if ((await this.#recorded()).etag !== before) return false;
    await bucket.put(this.#recordKey, body, options);
    return (await this.#recorded()).document?.nonce === document.nonce;
  }

  #done(
    state: Compaction['state'],
    { generation, parts, lines, bytes }: Omit<Made, 'path'>,
    verified: Verified | null,
  ): Compaction {
    return { state, key: this.#key, generation, parts, lines, bytes, verified };
  }
}
