import { createHash } from 'node:crypto';
import type { Etag } from '../../bucket/bucket.js';
import { UnreachableError } from '../../errors.js';
import {
  DocumentError,
  type MetaDocument,
  metaSchema,
  parseDocument,
  unknownMetaFields,
} from '../../protocol/documents.js';
import type { CountedStream } from '../../protocol/usage.js';
import type { Redactor } from '../../redact/redact.js';
import type { StreamOutline } from '../outline.js';
import type { StreamMirror } from '../slots/stream-mirror.js';
import { noSessionState, type SessionStateFile } from '../state/session-state.js';
import type { SessionFacts, SessionRef } from '../stream.js';
import { encodeMeta, mergedMeta, metaDocument, type StreamPicture } from './document.js';
import { SessionUsage, type UsageContext } from './session-usage.js';

export interface SessionMirrorContext extends UsageContext {
  readonly agent: string | null;
  readonly host: string;
  readonly redactor: Redactor;
  /** Without an arbitrating store: another machine was the last to write this session's document. */
  readonly onOtherHost?: ((session: SessionRef, other: OtherHost) => void) | undefined;
  /** The bucket now holds this document. */
  readonly onMeta?: ((document: MetaDocument) => void) | undefined;
}

/** What a session is about, redacted; `undefined` where nothing tells. */
export interface SessionSketch {
  readonly cwd: string | undefined;
  /** Its title, else the last prompt. */
  readonly title: string | undefined;
  /** When the last row of its transcript was written. */
  readonly lastRowMs: number | undefined;
}

export interface OtherHost {
  readonly host: string;
  /** ISO 8601 UTC: its last upload. */
  readonly at: string | null;
}

/** One session: the mirrors of its streams, and the `meta.json` that summarises them. */
export class SessionMirror {
  readonly ref: SessionRef;
  /** When it ended, as its harness reported (ISO 8601 UTC); `undefined` while it may continue. */
  endedAt: string | undefined;
  readonly #openState: () => SessionStateFile;
  #isLoaded = false;
  #isReopened = false;
  #etag: Etag | undefined;
  #known: MetaDocument | undefined;
  #unknown: object = nothingUnknown;
  /** Fingerprint of the document in the bucket, as far as remembered. */
  #stored: string | undefined;
  readonly #context: SessionMirrorContext;
  readonly #streams = new Map<string, StreamMirror>();
  #usage: SessionUsage | undefined;
  #written: string | undefined;

  constructor(
    context: SessionMirrorContext,
    ref: SessionRef,
    openState: () => SessionStateFile = () => noSessionState,
  ) {
    this.#context = context;
    this.#openState = openState;
    this.ref = ref;
  }

  get #stateFile(): SessionStateFile {
    return this.#openState();
  }

  /** The session continues, whatever was reported about its end. */
  reopen(): void {
    this.endedAt = undefined;
    this.#isReopened = true;
  }

  /** Loads what was reported about it before this process began. */
  async load(): Promise<void> {
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    const state = await this.#stateFile.load();
    this.endedAt ??= state?.endedAt;
    this.#stored = state?.written;
  }

  /** Whether the bucket's document says less than is known. */
  async isMetaOwed(): Promise<boolean> {
    await this.load();
    const document = await this.#document(this.endedAt, (stream) => stream.outline);
    return !isEmpty(document) && fingerprintOf(document) !== this.#stored;
  }

  /** Keeps what was reported until the bucket has it; returns whether it was kept. */
  async remember(): Promise<boolean> {
    await this.load();
    return this.#stateFile.save({ endedAt: this.endedAt, written: this.#stored });
  }

  /** Calm streams let go of what local state holds: reads it again. */
  async wake(): Promise<void> {
    for (const stream of this.#streams.values()) await stream.load();
  }

  /** By name; '' is the main stream. */
  get streams(): ReadonlyMap<string, StreamMirror> {
    return this.#streams;
  }

  add(name: string, stream: StreamMirror): void {
    this.#streams.set(name, stream);
  }

  /** As far as the lines that were sent tell, whether or not its `meta.json` says so yet. */
  sketch(): SessionSketch {
    const main = this.#streams.get('');
    const { redactor } = this.#context;
    const { cwd, named } = redactedFacts(redactor, main?.facts ?? {});
    const outline = redactedOutline(redactor, main?.outline);
    return {
      cwd,
      title: named ?? outline?.title ?? outline?.lastPrompt,
      lastRowMs: outline?.lastAtMs,
    };
  }

  /**
   * Puts `meta.json` if it would say something new. `endedAt` (ISO 8601 UTC) is for a caller that knows the session
   * ended.
   */
  async writeMeta(endedAt = this.endedAt): Promise<void> {
    await this.load();
    const document = await this.#document(endedAt, (stream) => stream.readOutline());
    const written = fingerprintOf(document);
    if (isEmpty(document) || written === this.#written) return;
    this.#usage ??= new SessionUsage(this.#context, this.ref);
    const counted = await this.#usage.count(this.#streams);
    for (let attempt = 0; !(await this.#put(document, counted)); attempt += 1) {
      if (attempt >= mostAttempts) throw new UnreachableError(`${this.#key} changes all the time`);
    }
    this.#written = written;
    this.#stored = written;
    this.#context.onMeta?.(this.#known ?? document);
    await this.#stateFile.save({ endedAt, written });
  }

  get #key(): string {
    return this.#context.layout.meta(this.ref.harness, this.ref.id);
  }

  async #document(
    endedAt: string | undefined,
    outlineOf: (stream: StreamMirror) => OutlineAnswer,
  ): Promise<MetaDocument> {
    await this.wake();
    const main = this.#streams.get('');
    const { agent, host, redactor } = this.#context;
    const pictures = new Map<string, StreamPicture>();
    for (const [name, stream] of this.#streams) {
      const outline = redactedOutline(redactor, await outlineOf(stream));
      const { checkpoint, facts } = stream;
      if (checkpoint !== undefined) pictures.set(name, { checkpoint, facts, outline });
    }
    const further = new Map([...pictures].filter(([name]) => name !== ''));
    const facts = main?.facts ?? [...this.#streams.values()][0]?.facts ?? {};
    return metaDocument({
      session: this.ref,
      agent,
      host,
      sourcePath: redactedText(redactor, main?.source.source) ?? null,
      redactorVersion: redactor.version,
      facts: redactedFacts(redactor, endedAt === undefined ? facts : { ...facts, endedAt }),
      main: pictures.get(''),
      further,
    });
  }

  /** `false`: someone else wrote it meanwhile. The stored document is read once per process, then only after it changed. */
  async #put(told: MetaDocument, counted: readonly CountedStream[]): Promise<boolean> {
    const { bucket } = this.#context;
    if (this.#written === undefined || this.#etag === undefined) await this.#readKnown();
    const usage = await this.#usage?.join(counted, this.#streams, this.#known);
    const ours = { ...told, usage: usage ?? null };
    const document =
      this.#known === undefined ? ours : mergedMeta(ours, this.#known, this.#isReopened);
    const encode = (one: MetaDocument): Buffer => encodeMeta({ ...this.#unknown, ...one });
    const body = encode(document);
    if (this.#known !== undefined && encode(this.#known).equals(body)) return true;
    const options = { contentType: 'application/json' };
    const { putIfMatch, putIfAbsent } = bucket.capabilities;
    if (!putIfMatch || !putIfAbsent) {
      await bucket.put(this.#key, body, options);
      this.#known = document;
      return true;
    }
    const outcome =
      this.#etag === undefined
        ? await bucket.putIfAbsent(this.#key, body, options)
        : await bucket.putIfMatch(this.#key, body, this.#etag, options);
    this.#etag = outcome.written ? outcome.etag : undefined;
    this.#known = outcome.written ? document : undefined;
    return outcome.written;
  }

  async #readKnown(): Promise<void> {
    const { bucket, host, onOtherHost } = this.#context;
    const stored = await bucket.get(this.#key);
    this.#etag = stored?.etag;
    this.#known = stored === undefined ? undefined : readable(this.#key, stored.body);
    this.#unknown =
      stored === undefined || this.#known === undefined ? {} : unknownMetaFields(stored.body);
    const other = this.#known?.host ?? null;
    if (other === null || other === host || bucket.capabilities.putIfAbsent) return;
    onOtherHost?.(this.ref, { host: other, at: this.#known?.last_uploaded_at ?? null });
  }
}

type OutlineAnswer = StreamOutline | undefined | Promise<StreamOutline | undefined>;

const mostAttempts = 8;
const nothingUnknown = {};

function isEmpty({ part_count, streams }: MetaDocument): boolean {
  return part_count === 0 && streams.every((stream) => stream.part_count === 0);
}

/**
 * Ignores who wrote the document: an upgrade or a renamed agent is no reason to rewrite all of them. What was used
 * follows from the lines, so it is only counted when there are new ones.
 */
function fingerprintOf(document: MetaDocument): string {
  const said = { ...document, agent_id: null, host: null, redactor_version: null, usage: null };
  return createHash('sha256').update(JSON.stringify(said)).digest('hex').slice(0, 32);
}

function readable(key: string, body: Buffer): MetaDocument | undefined {
  try {
    return parseDocument(metaSchema, key, body);
  } catch (error) {
    if (error instanceof DocumentError) return undefined;
    throw error;
  }
}

/** Redacted, because facts come from unredacted lines: a title may quote a key that someone pasted. */
function redactedFacts(redactor: Redactor, facts: SessionFacts): SessionFacts {
  const texts = Object.entries(facts).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === 'string' ? redactedText(redactor, value) : value,
  ]);
  return Object.fromEntries(texts);
}

function redactedOutline(
  redactor: Redactor,
  outline: StreamOutline | undefined,
): StreamOutline | undefined {
  if (outline === undefined) return undefined;
  const title = redactedText(redactor, outline.title);
  const lastPrompt = redactedText(redactor, outline.lastPrompt);
  return {
    ...outline,
    ...(title === undefined ? {} : { title }),
    ...(lastPrompt === undefined ? {} : { lastPrompt }),
  };
}

function redactedText(redactor: Redactor, text: string | undefined): string | undefined {
  return text === undefined ? undefined : redactor.redact(Buffer.from(text)).bytes.toString();
}
