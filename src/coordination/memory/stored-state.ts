import type { Bucket } from '../../bucket/bucket.js';
import { DocumentError } from '../../protocol/documents.js';
import type { Layout } from '../../protocol/keys.js';
import { type MemoryDocument, maxMemoryBytes, parseMemory } from '../../protocol/memory.js';

export interface MemoryPlace {
  readonly bucket: Bucket;
  readonly layout: Layout;
}

/** A state as stored in the bucket. */
export interface StoredState {
  readonly document: MemoryDocument;
  readonly body: Buffer;
  /** By the store's clock. */
  readonly modifiedAt: Date;
  /** Written without a version; the document gets one from its predecessor. */
  readonly isAdopted?: boolean;
}

/** `undefined`: there is none. */
export async function readState(
  { bucket }: Pick<MemoryPlace, 'bucket'>,
  key: string,
): Promise<(StoredState & { readonly etag: string }) | DocumentError | undefined> {
  const stored = await bucket.get(key, { atMost: maxMemoryBytes });
  if (stored === undefined) return undefined;
  const { body, size, modifiedAt, etag } = stored;
  try {
    return { document: parseMemory(key, body, size), body, modifiedAt, etag };
  } catch (error) {
    if (error instanceof DocumentError) return error;
    throw error;
  }
}
