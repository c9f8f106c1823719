import type { Bucket, Conditional, Stored } from '../../bucket/bucket.js';
import { UnreachableError } from '../../errors.js';
import {
  type ClaimDocument,
  claimSchema,
  type StatusDocument,
  statusSchema,
} from '../../protocol/coordination.js';
import { DocumentError, encodeDocument, parseDocument } from '../../protocol/documents.js';
import type { Dated } from '../agents/liveness.js';
import type { CoordinationContext } from '../context.js';

export type StorePlace = Pick<CoordinationContext, 'bucket' | 'layout'>;

/** A claim as it was read: what it says, when it was written, and what it is replaced by. */
export interface ReadClaim extends Dated<ClaimDocument> {
  readonly etag: string;
}

/** Milliseconds that a store which arbitrates nothing is given to show what others wrote at the same time. */
const visibilityDelayMs = 2_000;

/** `DocumentError` for one that nobody can read: it may be somebody's claim. */
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

/** Ours are far smaller; one that somebody planted must not fill the memory of every reader. */
const maxDocumentBytes = 16 << 20;

/** As `get`, but `DocumentError` for what is too large to be a document. */
export async function getBounded(bucket: Bucket, key: string): Promise<Stored | undefined> {
  const range = { start: 0, end: maxDocumentBytes };
  const stored = await bucket.get(key, { range });
  if (stored === undefined || stored.size <= maxDocumentBytes) return stored;
  throw new DocumentError(key, `${stored.size} bytes is too large`);
}

/** What a listing has shown to be small enough is read as it is. */
export async function getListed(
  bucket: Bucket,
  key: string,
  listedSize: number | undefined,
): Promise<Stored | undefined> {
  const isSmall = listedSize !== undefined && listedSize <= maxDocumentBytes;
  return isSmall ? bucket.get(key) : getBounded(bucket, key);
}

/** A status that cannot be read says nothing: it follows from the claim anyway. */
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

/** Whether the store decides between two who write one claim at once. */
export function isArbitrated({ bucket }: Pick<CoordinationContext, 'bucket'>): boolean {
  return bucket.capabilities.putIfAbsent && bucket.capabilities.putIfMatch;
}

/** Where claims are written: with a clock, for stores that arbitrate nothing. */
export type ClaimPlace = Pick<CoordinationContext, 'bucket' | 'layout' | 'clock'>;

/**
 * Replaces the claim that was read, or creates it. Where the store does not arbitrate: writes it, lets the others of the same
 * moment write theirs, and looks whose is there. An error that may pass means that nobody knows whether it was written.
 */
export async function writeClaim(
  place: ClaimPlace,
  step: string,
  document: ClaimDocument,
  over: Pick<ReadClaim, 'etag'> | undefined,
): Promise<Conditional> {
  const { bucket, layout, clock } = place;
  const key = layout.claim(step);
  const body = encodeDocument(document);
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

/** What a failure of such a write is told as: the answer is neither yes nor no. */
export function unknownOutcome(error: unknown, whether: string): unknown {
  if (!(error instanceof UnreachableError)) return error;
  return new UnreachableError(`not known whether ${whether}: ${error.message}`, {
    hint: 'Ask again in a while: what has become of it is in the bucket.',
    cause: error,
  });
}
