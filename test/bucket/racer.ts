import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { openBucket } from '../../src/bucket/open.js';
import { patientRetry, withRetry } from '../../src/bucket/retry.js';
import { systemClock } from '../../src/clock.js';

/**
 * One process of a race. Its argument is the bucket's target; each line of stdin is one conditional write, answered by one
 * line of stdout. Ends with its stdin.
 */
interface Start {
  readonly key: string;
  /** Replace the object that has this ETag; without it: create. */
  readonly etag?: string;
}

const bucket = withRetry(await openBucket(JSON.parse(process.argv[2] ?? '{}')), {
  clock: systemClock,
  ...patientRetry,
});
// Everything is loaded and connected before the first race.
await bucket.get('warm-up');
process.stdout.write('ready\n');

for await (const line of createInterface({ input: process.stdin })) {
  const { key, etag }: Start = JSON.parse(line);
  const body = Buffer.from(
    JSON.stringify({ pid: process.pid, nonce: randomBytes(8).toString('hex') }),
  );
  const outcome =
    etag === undefined
      ? await bucket.putIfAbsent(key, body)
      : await bucket.putIfMatch(key, body, etag);
  process.stdout.write(`${JSON.stringify({ ...outcome, body: body.toString() })}\n`);
}
await bucket.close();
