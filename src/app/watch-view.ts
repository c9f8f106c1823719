import { locationOf } from '../bucket/open.js';
import { destinationFolder } from '../config/destination.js';
import { openableTarget, type Settings } from '../config/settings.js';
import { nodeIo } from '../io.js';
import { readWatchView, type WatchView } from '../mirror/watch/watch-view.js';

/** How the mirror into the bucket of these settings is doing; the bucket itself is not asked. */
export async function watchViewOf(settings: Settings): Promise<WatchView | null> {
  const location = await locationOf(openableTarget(settings));
  return readWatchView(nodeIo, destinationFolder(settings.stateFolder, location, settings.project));
}
