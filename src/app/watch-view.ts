import { locationOf } from '../bucket/open.js';
import { destinationFolder } from '../config/destination.js';
import { openableTarget, type Settings } from '../config/settings.js';
import { nodeIo } from '../io.js';
import { readWatchView, type WatchView } from '../mirror/watch/watch-view.js';

/** Where this machine remembers what it sent to the bucket of these settings. */
export async function stateFolderOf(settings: Settings): Promise<string> {
  const location = await locationOf(openableTarget(settings));
  return destinationFolder(settings.stateFolder, location, settings.project);
}

/** The state of the mirror into the bucket of these settings; sends no request to the bucket. */
export async function watchViewOf(settings: Settings): Promise<WatchView | null> {
  return readWatchView(nodeIo, await stateFolderOf(settings));
}
