import { listSessionIds } from '../mirror/slots/session-listing.js';
import type { Stream } from '../mirror/stream.js';
import type { DiscoveredStream } from '../mirror/watch/session-filter.js';
import type { SessionStore } from '../sessions/conversation.js';

/**
 * The streams, of those left out as started in other folders, whose session is in the bucket all the same: mirrored there by
 * name, or by another config. No watch of this config uploads them.
 */
export async function guestStreams(
  elsewhere: readonly DiscoveredStream[],
  { bucket, layout }: SessionStore,
): Promise<readonly Stream[]> {
  const harnesses = new Set(elsewhere.map(({ stream }) => stream.session.harness));
  const ids = await listSessionIds(bucket, layout, [...harnesses]);
  return elsewhere.flatMap(({ stream }) =>
    ids.get(stream.session.harness)?.has(stream.session.id) ? [stream] : [],
  );
}
