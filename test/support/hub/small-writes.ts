import { openHubBucket } from '../../../src/bucket/hugging-face/bucket.js';

const [endpoint = '', token = '', bucket = '', count = '200'] = process.argv.slice(2);
const place = openHubBucket({ bucket, endpoint, token });
let peak = 0;
for (let index = 0; index < Number(count); index += 1) {
  await place.put(`p/memory/k${index % 7}.json`, Buffer.from(JSON.stringify({ index })));
  peak = Math.max(peak, process.memoryUsage.rss());
}
process.stdout.write(JSON.stringify({ peak, count: Number(count) }));
