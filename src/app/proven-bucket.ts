import type { Bucket } from '../bucket/bucket.js';
import { type BucketTarget, openBucket } from '../bucket/open.js';
import { probeBucket } from '../bucket/probe.js';
import { patientRetry, withRetry } from '../bucket/retry.js';
import { systemClock } from '../clock.js';
import { destinationFolder, readProven, recordProven } from '../config/destination.js';
import { openableTarget, type Settings } from '../config/settings.js';
import { nodeIo } from '../io.js';
import { bucketLayout } from '../protocol/keys.js';
import { withBoundedDocuments } from './bounded-documents.js';

/** The bucket the settings name, retrying transient failures. */
async function openSettled(settings: Settings): Promise<Bucket> {
  return retried(await openBucket(openableTarget(settings)));
}

/**
 * Like `openSettled`, for commands that mostly read: a store's arbitration counts only if it was
 * proven before. Proving it requires writes, which a reader may not be allowed.
 */
export async function openForReading(settings: Settings): Promise<Bucket> {
  const bucket = await openSettled(settings);
  if (bucket.kind !== 's3') return bucket;
  const folder = destinationFolder(settings.stateFolder, bucket.location, settings.project);
  const known = await readProven(nodeIo, folder);
  return { ...bucket, capabilities: known ?? { putIfAbsent: false, putIfMatch: false } };
}

/**
 * Like `openSettled`, with capabilities that were observed: some stores accept the headers of
 * conditional writes and ignore them. A folder's capabilities are the file system's own; a store's
 * are proven once and remembered on this machine. A failed proof is not remembered, because the
 * failure may have been temporary.
 */
export async function openProven(settings: Settings): Promise<Bucket> {
  const target = openableTarget(settings);
  if (target.backend === 'local') {
    return retried(await openBucket({ ...target, isForWriting: true }));
  }
  const bucket = await openBucket(target);
  // Nothing to prove: the Hub's API has no conditions.
  if (target.backend === 'hf') return retried(bucket);
  const { stateFolder, project } = settings;
  const folder = destinationFolder(stateFolder, bucket.location, project);
  const known = await readProven(nodeIo, folder);
  if (known !== undefined) return reopened(bucket, { ...target, capabilities: known });
  const { root } = bucketLayout(project);
  const { capabilities } = await probeBucket(retried(bucket), root);
  const isProven = capabilities.putIfAbsent && capabilities.putIfMatch;
  // Remembering is optional: an unwritable folder must not stop anyone.
  if (isProven) await recordProven(nodeIo, folder, capabilities).catch(() => undefined);
  return reopened(bucket, { ...target, capabilities });
}

async function reopened(bucket: Bucket, target: BucketTarget): Promise<Bucket> {
  await bucket.close();
  return retried(await openBucket(target));
}

function retried(bucket: Bucket): Bucket {
  return withBoundedDocuments(withRetry(bucket, { clock: systemClock, ...patientRetry }));
}
