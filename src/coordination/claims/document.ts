import type { Bucket, Conditional, Stored } from '../../bucket/bucket.js';
import { UnreachableError } from '../../errors.js';
import {
  type ClaimDocument,
  claimSchema,
  type StatusDocument,
  statusSchema,
} from '../../protocol/coordination.js';
import { DocumentError, encodeReadable, parseDocument } from '../../protocol/documents.js';
import type { Dated } from '../agents/liveness.js';
import type { CoordinationContext } from '../context.js';

export type StorePlace = Pick<CoordinationContext, 'bucket' | 'layout'>;

/** A claim as read: its content, when it was written, and what is needed to replace it. */
export interface ReadClaim extends Dated<ClaimDocument> {
  readonly etag: string;
}

/**
 * How long, in milliseconds, a store that arbitrates nothing is given to show concurrent writes.
 */
const visibilityDelayMs = 2_000;

/** `DocumentError` if it is unreadable: it may still be somebody's claim. */
export async function readClaim(
  { bucket, layout }: StorePlace,
  step: string,
  listedSize?: number,
): Promise<ReadClaim | undefined> {
  const key = layout.claim(step);
  const stored = await getListed(bucket, key, listedSize);
  if (stored === undefined) return undefined;
  const document = parseDocument(claimSchema, key, stored.body);
  return { document, modifiedAt: stored.modifiedAt, etag: stored.etag };
}

/** Ours are far smaller; a planted one must not fill every reader's memory. */
const maxDocumentBytes = 16 << 20;

/** Like `get`, but throws `DocumentError` if the object is too large to be a document. */
export async function getBounded(bucket: Bucket, key: string): Promise<Stored | undefined> {
  const stored = await bucket.get(key, { atMost: maxDocumentBytes });
  if (stored === undefined || stored.size <= maxDocumentBytes) return stored;
  throw new DocumentError(key, `${stored.size} bytes is too large`);
}

/** An object whose listed size is small enough is read without another check. */
export async function getListed(
  bucket: Bucket,
  key: string,
  listedSize: number | undefined,
): Promise<Stored | undefined> {
  const isSmall = listedSize !== undefined && listedSize <= maxDocumentBytes;
  return isSmall ? bucket.get(key) : getBounded(bucket, key);
}

/** An unreadable status is ignored: it follows from the claim anyway. */
export function parseStatus(
  { layout }: Pick<StorePlace, 'layout'>,
  step: string,
  stored: Stored | undefined,
): StatusDocument | undefined {
  if (stored === undefined) return undefined;
  try {
    return parseDocument(statusSchema, layout.status(step), stored.body);
  } catch (error) {
    if (error instanceof DocumentError) return undefined;
    throw error;
  }
}

/** Whether the store arbitrates between two concurrent writes of one claim. */
export function isArbitrated({ bucket }: Pick<CoordinationContext, 'bucket'>): boolean {
  return bucket.capabilities.putIfAbsent && bucket.capabilities.putIfMatch;
}

/** Where claims are written; the clock is for stores that arbitrate nothing. */
export type ClaimPlace = Pick<CoordinationContext, 'bucket' | 'layout' | 'clock'>;

/**
 * Replaces the claim that was read, or creates one. On a store that does not arbitrate: writes it,
 * waits for concurrent writes, then checks whose claim is there. After a transient error nobody
 * knows whether it was written.
 */
export async function writeClaim(
  place: ClaimPlace,
  step: string,
  document: ClaimDocument,
  over: Pick<ReadClaim, 'etag'> | undefined,
): Promise<Conditional> {
  const { bucket, layout, clock } = place;
  const key = layout.claim(step);
  const body = encodeReadable(claimSchema, document);
  if (isArbitrated(place)) {
    return over === undefined
      ? bucket.putIfAbsent(key, body)
      : bucket.putIfMatch(key, body, over.etag);
  }
  const { etag } = await bucket.put(key, body);
  await clock.sleep(visibilityDelayMs);
  const present = await readClaim(place, step);
  const isOurs = present !== undefined && present.document.nonce === document.nonce;
  return isOurs ? { written: true, etag } : { written: false };
}

/** How a failed write is reported: the outcome is neither yes nor no. */
export function unknownOutcome(error: unknown, whether: string): unknown {
  if (!(error instanceof UnreachableError)) return error;
  return new UnreachableError(`not known whether ${whether}: ${error.message}`, {
    hint: 'Ask again in a while: the bucket has the outcome.',
    cause: error,
  });
}
