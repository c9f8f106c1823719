import { chokidarEvents, type FileEvents } from './file-events.js';
import { folderEvents } from './folder-events.js';

/** The file events of this system. */
export function systemEvents(platform: NodeJS.Platform = process.platform): FileEvents {
  return platform === 'linux' ? folderEvents() : chokidarEvents();
}
