import { join } from 'node:path';
import { openHubBucket } from '../../src/bucket/hugging-face/bucket.js';
import { createLocalBucketIfMissing, openLocalBucket } from '../../src/bucket/local/bucket.js';
import { withRetry } from '../../src/bucket/retry.js';
import { systemClock } from '../../src/clock.js';
import { startHub } from '../support/hub/hub.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';
import { unarbitrated } from '../support/unarbitrated.js';
import { describeCompaction } from './suite.js';

async function local() {
  const { path, remove } = await createTemporaryFolder();
  const root = join(path, 'bucket');
  await createLocalBucketIfMissing(root);
  return { bucket: await openLocalBucket({ root }), stop: remove };
}

describeCompaction('a folder', local);

describeCompaction('a store that does not arbitrate', async () => {
  const { bucket, stop } = await local();
  return { bucket: unarbitrated(bucket), stop };
});

describeCompaction('Hugging Face, by its own client', async () => {
  const hub = await startHub({ pageSize: 100 });
  hub.createBucket('ann/traces');
  const token = hub.token({ name: 'ann', role: 'write' });
  const options = { bucket: 'ann/traces', endpoint: hub.endpoint, token };
  const bucket = withRetry(openHubBucket(options), {
    clock: systemClock,
    attempts: 3,
    baseMs: 20,
    maxMs: 200,
  });
  return { bucket, stop: () => hub.stop() };
});
