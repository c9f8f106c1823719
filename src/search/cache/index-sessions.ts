import type { Bucket, ObjectEntry } from '../../bucket/bucket.js';
import { UnreachableError } from '../../errors.js';
import { listWholeStreams, walkParts } from '../../mirror/slots/session-streams.js';
import type { SessionRef } from '../../mirror/stream.js';
import type { Layout } from '../../protocol/keys.js';
import { inOrder } from '../in-order.js';
import type { Coverage } from './coverage.js';
import type { PackKeeper } from './pack-keeper.js';

/** Room for a part and its rows. */
const bytesHeld = 8 * 1024 * 1024;

export interface Indexing {
  readonly bucket: Bucket;
  readonly layout: Layout;
  readonly coverage: Coverage;
  readonly keeper: PackKeeper;
  readonly signal?: AbortSignal | undefined;
}

export interface IndexedSession {
  readonly session: SessionRef;
  /** Read because no pack covered them. */
  readonly bytes: number;
  /** Why not all of it could be read. */
  readonly unread: string | undefined;
}

/** Packs what no pack covers yet. */
export async function* indexSessions(
  input: Indexing,
  sessions: readonly SessionRef[],
): AsyncGenerator<IndexedSession> {
  const { signal } = input;
  const index = (session: SessionRef) => indexed(input, session);
  yield* inOrder(sessions, index, { bytesOf: () => bytesHeld, signal });
}

async function indexed(
  { bucket, layout, coverage, keeper, signal }: Indexing,
  session: SessionRef,
): Promise<IndexedSession> {
  const { harness } = session;
  let bytes = 0;
  try {
    for (const { prefix, entries } of await listWholeStreams(bucket, layout, session)) {
      const walk = { entries, linesOf: (entry: ObjectEntry) => coverage.linesOf(entry) };
      for await (const part of walkParts(bucket, prefix, walk)) {
        signal?.throwIfAborted();
        bytes += part.body?.length ?? 0;
        keeper.add(harness, part);
      }
    }
    return { session, bytes, unread: undefined };
  } catch (error) {
    if (error instanceof UnreachableError || !(error instanceof Error)) throw error;
    if (signal?.aborted === true) throw error;
    return { session, bytes, unread: error.message };
  }
}
