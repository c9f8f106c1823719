import type { Bucket } from '../../bucket/bucket.js';
import { DocumentError, metaSchema, parseDocument } from '../../protocol/documents.js';
import type { Layout } from '../../protocol/keys.js';
import type { Redactor } from '../../redact/redact.js';
import type { Checkpoint } from '../checkpoint.js';
import type { StreamMirror } from '../slots/stream-mirror.js';
import type { SessionFacts, SessionRef } from '../stream.js';
import { encodeMeta, metaDocument } from './document.js';

export interface SessionMirrorContext {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly agent: string | null;
  readonly host: string;
  readonly redactor: Redactor;
  /** Where the store does not arbitrate: another machine was the last to write this session's document. */
  readonly onOtherHost?: ((session: SessionRef, other: OtherHost) => void) | undefined;
}

export interface OtherHost {
  readonly host: string;
  /** ISO 8601 UTC: its last upload. */
  readonly at: string | null;
}

/** One session: the mirrors of its streams, and the `meta.json` that sums them up. */
export class SessionMirror {
  readonly ref: SessionRef;
  /** When it ended, as its harness told (ISO 8601 UTC); `undefined` while it may go on. */
  endedAt: string | undefined;
  readonly #context: SessionMirrorContext;
  readonly #streams = new Map<string, StreamMirror>();
  #written: string | undefined;

  constructor(context: SessionMirrorContext, ref: SessionRef) {
    this.#context = context;
    this.ref = ref;
  }

  /** By name; '' is the main stream. */
  get streams(): ReadonlyMap<string, StreamMirror> {
    return this.#streams;
  }

  add(name: string, stream: StreamMirror): void {
    this.#streams.set(name, stream);
  }

  /** Puts `meta.json` when it would say something new. `endedAt` (ISO 8601 UTC) is for who knows that it ended. */
  async writeMeta(endedAt = this.endedAt): Promise<void> {
    for (const stream of this.#streams.values()) await stream.load();
    const main = this.#streams.get('');
    const further = new Map<string, Checkpoint>();
    for (const [name, stream] of this.#streams) {
      if (name !== '' && stream.checkpoint !== undefined) further.set(name, stream.checkpoint);
    }
    const { bucket, layout, agent, host, redactor } = this.#context;
    const facts = main?.facts ?? [...this.#streams.values()][0]?.facts ?? {};
    const document = metaDocument({
      session: this.ref,
      agent,
      host,
      sourcePath: redactedText(redactor, main?.source.source) ?? null,
      redactorVersion: redactor.version,
      facts: redactedFacts(redactor, endedAt === undefined ? facts : { ...facts, endedAt }),
      main: main?.checkpoint,
      further,
    });
    const isEmpty = document.part_count === 0 && document.streams.every((s) => s.part_count === 0);
    const encoded = encodeMeta(document);
    const text = encoded.toString('utf8');
    if (isEmpty || text === this.#written) return;
    const key = layout.meta(this.ref.harness, this.ref.id);
    if (this.#written === undefined) await this.#lookForOtherHost(key);
    await bucket.put(key, encoded, { contentType: 'application/json' });
    this.#written = text;
  }

  /** One look, before this process writes the document for the first time. */
  async #lookForOtherHost(key: string): Promise<void> {
    const { bucket, host, onOtherHost } = this.#context;
    if (onOtherHost === undefined || bucket.capabilities.putIfAbsent) return;
    const stored = await bucket.get(key);
    if (stored === undefined) return;
    const other = otherHost(key, stored.body);
    if (other !== undefined && other.host !== host) onOtherHost(this.ref, other);
  }
}

/** `undefined` where the document cannot be read, or names no machine. */
function otherHost(key: string, body: Buffer): OtherHost | undefined {
  try {
    const { host, last_uploaded_at: at } = parseDocument(metaSchema, key, body);
    return host === null ? undefined : { host, at };
  } catch (error) {
    if (error instanceof DocumentError) return undefined;
    throw error;
  }
}

/** Facts are lifted from lines as the source has them: a title may quote a key that somebody pasted. */
function redactedFacts(redactor: Redactor, facts: SessionFacts): SessionFacts {
  const texts = Object.entries(facts).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === 'string' ? redactedText(redactor, value) : value,
  ]);
  return Object.fromEntries(texts);
}

function redactedText(redactor: Redactor, text: string | undefined): string | undefined {
  return text === undefined ? undefined : redactor.redact(Buffer.from(text)).bytes.toString();
}
