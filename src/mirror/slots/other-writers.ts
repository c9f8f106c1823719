import type { Bucket } from '../../bucket/bucket.js';
import { DocumentError, encodeDocument, parseDocument } from '../../protocol/documents.js';
import type { Layout } from '../../protocol/keys.js';
import { type WritersDocument, writersSchema } from '../../protocol/writers.js';

export interface Writer {
  readonly host: string;
  /** ISO 8601 UTC, by the store's clock: when it last started. */
  readonly at: string;
}

const mostHosts = 100;

/**
 * On a store that does not arbitrate: records that this machine mirrors into the project, and returns the others that
 * did, newest first. A notice for people, never a lock: of two machines that start at the same moment, one may be
 * missing until it starts again.
 */
export async function announceWriter(
  bucket: Bucket,
  layout: Layout,
  host: string,
): Promise<readonly Writer[]> {
  const key = layout.writers();
  const stored = await bucket.get(key);
  const known = stored === undefined ? [] : writersIn(key, stored.body);
  const others = known.filter((one) => one.host !== host).sort(newestFirst);
  const at = (await bucket.now()).toISOString();
  const hosts = [{ host, at }, ...others].slice(0, mostHosts);
  const document: WritersDocument = {
    schema: 1,
    hosts: Object.fromEntries(hosts.map((one) => [one.host, { at: one.at }])),
  };
  await bucket.put(key, encodeDocument(document), { contentType: 'application/json' });
  return others;
}

/** A damaged record says nothing, and is rewritten. */
function writersIn(key: string, body: Buffer): readonly Writer[] {
  try {
    const { hosts } = parseDocument(writersSchema, key, body);
    return Object.entries(hosts).map(([host, { at }]) => ({ host, at }));
  } catch (error) {
    if (error instanceof DocumentError) return [];
    throw error;
  }
}

function newestFirst(left: Writer, right: Writer): number {
  if (left.at === right.at) return 0;
  return left.at < right.at ? 1 : -1;
}
