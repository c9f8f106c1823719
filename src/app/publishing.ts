import type { Bucket } from '../bucket/bucket.js';
import { systemClock } from '../clock.js';
import type { Settings } from '../config/settings.js';
import { nodeIo } from '../io.js';
import { indexWriterName } from '../mirror/index/writer-name.js';
import { bucketLayout } from '../protocol/keys.js';
import type { Redactor } from '../redact/redact.js';
import { PackPublisher } from '../search/published/pack-publisher.js';
import { reclaimingBuffers } from '../v8-heap.js';

/** What buffers of a pack may leave behind before it is collected, which takes some 10 ms. */
const mostLeftBytes = 8 * 1024 * 1024;

interface Publishing {
  readonly bucket: Bucket;
  readonly settings: Pick<Settings, 'project'>;
  /** Where this destination's local state is kept. */
  readonly folder: string;
  readonly redactor: Redactor;
  readonly onTrouble: (error: Error) => void;
}

/** Puts packs of what a watch sends into the bucket. */
export function openPublisher(publishing: Publishing): PackPublisher {
  const { bucket, settings, folder, redactor, onTrouble } = publishing;
  return new PackPublisher({
    bucket,
    layout: bucketLayout(settings.project),
    indexer: () => indexWriterName(nodeIo, folder),
    redactor,
    clock: systemClock,
    reclaim: reclaimingBuffers(mostLeftBytes),
    onTrouble,
  });
}
