import { openHubBucket } from '../../../src/bucket/hugging-face/bucket.js';
import { patientRetry, withRetry } from '../../../src/bucket/retry.js';
import { systemClock } from '../../../src/clock.js';
import { sendMail } from '../../../src/coordination/mail/mailbox.js';
import { bucketLayout } from '../../../src/protocol/keys.js';

/** One process of several senders, each of which sends to all, one message after the other. */
const [endpoint = '', token = '', name = '', project = '', each = '', ...senders] =
  process.argv.slice(2);
const bucket = withRetry(openHubBucket({ bucket: name, endpoint, token }), {
  clock: systemClock,
  ...patientRetry,
});
const layout = bucketLayout(project);
await Promise.all(
  senders.map(async (agent) => {
    const context = { bucket, layout, agent, host: 'box', clock: systemClock };
    for (let n = 0; n < Number(each); n += 1) {
      await sendMail(context, { to: null, message: `${agent} ${n}` });
    }
  }),
);
