import type { Bucket, Key } from '../bucket/bucket.js';

/** Ours are far smaller; one that somebody planted must fill nobody's memory. */
const maxDocumentBytes = 64 << 20;

/** The same bucket, except that a document of an impossible size reads as empty, which no document is. */
export function withBoundedDocuments(bucket: Bucket): Bucket {
  return {
    ...bucket,
    get: async (key, options) => {
      const isBounded = options?.range !== undefined || options?.atMost !== undefined;
      if (isBounded || !isDocument(key)) return bucket.get(key, options);
      const stored = await bucket.get(key, { ...options, atMost: maxDocumentBytes });
      if (stored === undefined || stored.size <= maxDocumentBytes) return stored;
      return { ...stored, body: Buffer.alloc(0) };
    },
  };
}

/** Transcripts are lines, and an artifact may be any file. */
function isDocument(key: Key): boolean {
  return key.endsWith('.json') && key.split('/')[1] !== 'artifacts';
}
