import { createInterface } from 'node:readline';
import { openHubBucket } from '../../../src/bucket/hugging-face/bucket.js';
import { patientRetry, withRetry } from '../../../src/bucket/retry.js';
import { systemClock } from '../../../src/clock.js';
import { acquire } from '../../../src/coordination/claims/claims.js';
import { bucketLayout } from '../../../src/protocol/keys.js';
import { rememberedHere } from '../agents-rig.js';

/** One process of a race for claims: each line of stdin is a step, answered by one line of stdout. Ends with its stdin. */
const [endpoint = '', token = '', name = '', agent = ''] = process.argv.slice(2);
const bucket = withRetry(openHubBucket({ bucket: name, endpoint, token }), {
  clock: systemClock,
  ...patientRetry,
});
const context = { bucket, layout: bucketLayout('race'), agent, host: 'box', clock: systemClock };
// Loaded and connected before the first race.
await bucket.get('race/warm-up');
process.stdout.write('ready\n');

for await (const step of createInterface({ input: process.stdin })) {
  const alone = async (): Promise<void> => undefined;
  const request = { step, ttlMs: 600_000, reopen: false, alongside: alone };
  try {
    const result = await acquire(context, rememberedHere(), request);
    process.stdout.write(`${result.outcome}\n`);
  } catch (error) {
    process.stdout.write(`failed: ${String(error).replaceAll('\n', ' ')}\n`);
  }
}
