import { expect, it } from 'vitest';
import { type Io, nodeIo } from '../../src/io.js';
import { pendingPutFile } from '../../src/mirror/state/pending-put.js';
import { MemoryStore } from '../support/memory-bucket.js';

it('makes a batch durable before it is put', async () => {
  const steps: string[] = [];
  const io: Io = {
    ...nodeIo,
    replaceFile: async (_path, _data, durability) => {
      steps.push(`kept, ${durability}`);
    },
  };
  const client = new MemoryStore(true).client({});
  const bucket = {
    ...client,
    put: async (...put: Parameters<typeof client.put>) => {
      steps.push('put');
      return client.put(...put);
    },
  };
  await pendingPutFile(io, '/state/pending').put(bucket, 'p/part.jsonl', Buffer.from('{}\n'));
  expect(steps).toEqual(['kept, flushed', 'put']);
});
