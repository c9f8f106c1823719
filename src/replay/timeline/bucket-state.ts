import * as v from 'valibot';
import type {
  ClaimDocument,
  HandoffDocument,
  StatusDocument,
} from '../../protocol/coordination.js';
import type { AgentDocument, MetaDocument } from '../../protocol/documents.js';
import type { MemoryDocument } from '../../protocol/memory.js';
import type { RecordedEntry } from './recorded.js';

/** One object of the bucket as read. */
export interface Read<Document> {
  readonly key: string;
  readonly document: Document;
  /** By the store's clock. */
  readonly modifiedAt: Date;
}

const text = v.pipe(v.string(), v.maxLength(16_000_000));
const optionalText = v.optional(v.nullable(text), null);

/** The part of a message that its key does not contain. */
export const mailSchema = v.object({
  from: optionalText,
  to: optionalText,
  message: text,
  step: optionalText,
  reply_to: optionalText,
});
export type MailDocument = v.InferOutput<typeof mailSchema>;

export interface StepObjects {
  readonly step: string;
  readonly claim: Read<ClaimDocument> | undefined;
  readonly status: Read<StatusDocument> | undefined;
  readonly handoff: Read<HandoffDocument> | undefined;
}

/** What a message's key contains. */
export interface MailPlace {
  readonly key: string;
  /** Nanoseconds since the epoch, by the store's clock. */
  readonly timeNs: bigint;
  /** `null`: to all. */
  readonly to: string | null;
  readonly from: string;
}

export interface StoredMail extends MailPlace {
  /** `undefined`: not read, because an event records it, or may do so. */
  readonly document: MailDocument | undefined;
}

export interface StoredMemory extends Read<MemoryDocument> {
  /** The dotted key. */
  readonly name: string;
}

export interface StoredArtifact {
  readonly key: string;
  /** `<step|shared>/<name>`. */
  readonly name: string;
  readonly step: string;
  readonly size: number;
  readonly modifiedAt: Date;
}

export interface StoredSession {
  readonly harness: string;
  readonly id: string;
  readonly meta: Read<MetaDocument> | undefined;
}

/** Everything a project's part of a bucket says about what happened, parsed, except its events. Unordered. */
export interface RunState {
  readonly agents: readonly (Read<AgentDocument> & { readonly agent: string })[];
  readonly steps: readonly StepObjects[];
  readonly mail: readonly StoredMail[];
  readonly memories: readonly StoredMemory[];
  readonly memoryHistory: readonly (StoredMemory & { readonly timeNs: bigint })[];
  readonly artifacts: readonly StoredArtifact[];
  readonly sessions: readonly StoredSession[];
}

export interface BucketState extends RunState {
  /** In key order, which is time order. */
  readonly events: readonly RecordedEntry[];
}
