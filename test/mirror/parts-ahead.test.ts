import { expect, it } from 'vitest';
import type { Bucket, Stored } from '../../src/bucket/bucket.js';
import { openLocalBucket } from '../../src/bucket/local/bucket.js';
import { listStream } from '../../src/mirror/slots/listing.js';
import { readingAhead } from '../../src/mirror/slots/parts-ahead.js';
import { readParts } from '../../src/mirror/slots/session-streams.js';
import { partName } from '../../src/protocol/parts.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

const prefix = 'run/sessions/claude-code/one/';

/** A bucket with a stream of parts of one line each, and what is read of it. */
async function streamOf(sizes: readonly number[]) {
  const { path, remove } = await createTemporaryFolder();
  const bucket = await openLocalBucket({ root: path });
  for (const [line, size] of sizes.entries()) {
    const body = Buffer.from(`${String(line).padEnd(size, '.')}\n`);
    await bucket.put(prefix + partName(line, 0, line), body);
  }
  const asked: string[] = [];
  const watched: Bucket = {
    ...bucket,
    get: (key, options): Promise<Stored | undefined> => {
      asked.push(key.slice(prefix.length));
      return bucket.get(key, options);
    },
  };
  return { bucket: watched, asked, remove };
}

it('fetches small parts before they are asked for, each once and in order', async () => {
  const { bucket, asked, remove } = await streamOf(Array.from({ length: 40 }, () => 10));
  const read = readingAhead(bucket, await listStream(bucket, prefix));
  await read(partName(0, 0, 0));
  expect(asked).toHaveLength(17);
  const lines: string[] = [];
  asked.length = 0;
  for await (const { body, startLine } of readParts(bucket, prefix)) {
    lines.push(body.toString('utf8').slice(0, 2));
    expect(startLine).toBe(lines.length - 1);
  }
  expect(lines.map((line) => Number.parseInt(line, 10))).toEqual([...lines.keys()]);
  expect(new Set(asked).size).toBe(40);
  expect(asked).toHaveLength(40);
  await remove();
});

it('fetches as much ahead as it is told', async () => {
  const { bucket, asked, remove } = await streamOf([10, 2_000_000, 2_000_000, 2_000_000]);
  const read = readingAhead(bucket, await listStream(bucket, prefix), 4_500_000);
  await read(partName(0, 0, 0));
  expect(asked).toHaveLength(3);
  await remove();
});

it('does not fetch more than a megabyte ahead unless told', async () => {
  const { bucket, asked, remove } = await streamOf([10, 600_000, 400_000, 300_000, 10]);
  const read = readingAhead(bucket, await listStream(bucket, prefix));
  await read(partName(0, 0, 0));
  expect(asked).toHaveLength(3);
  await read(partName(1, 0, 1));
  expect(asked).toHaveLength(5);
  await remove();
});

it('reports the failure of a part when that part is asked for', async () => {
  const { bucket, remove } = await streamOf([10, 10]);
  const bad = partName(1, 0, 1);
  const failing: Bucket = {
    ...bucket,
    get: (key) => (key.endsWith(bad) ? Promise.reject(new Error('torn')) : bucket.get(key)),
  };
  const read = readingAhead(failing, await listStream(bucket, prefix));
  await expect(read(partName(0, 0, 0))).resolves.toBeDefined();
  await expect(read(bad)).rejects.toThrow('torn');
  await remove();
});
