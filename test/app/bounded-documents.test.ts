import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withBoundedDocuments } from '../../src/app/bounded-documents.js';
import type { Bucket } from '../../src/bucket/bucket.js';
import { openLocalBucket } from '../../src/bucket/local/bucket.js';
import { agentSchema, DocumentError, parseDocument } from '../../src/protocol/documents.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let bucket: Bucket;

beforeEach(async () => {
  folder = await createTemporaryFolder();
  bucket = withBoundedDocuments(await openLocalBucket({ root: folder.path }));
});

afterEach(() => folder.remove());

/** Takes no room on the disk. */
async function plantSparse(key: string, bytes: number): Promise<void> {
  const path = join(folder.path, key);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, '');
  await truncate(path, bytes);
}

describe('a document of an impossible size', () => {
  it('is not read, and is damaged for whoever parses it', async () => {
    const key = 'p/agents/mallory.json';
    // More than a buffer can hold: reading it would throw.
    await plantSparse(key, 2 ** 36);
    const stored = await bucket.get(key);
    expect(stored).toMatchObject({ size: 2 ** 36, body: Buffer.alloc(0) });
    const parse = () => parseDocument(agentSchema, key, stored?.body ?? Buffer.from('{}'));
    expect(parse).toThrow(DocumentError);
    expect(parse).toThrow(`${key}: empty, or too large to be a document`);
  });

  it('is one that says so; transcripts and artifacts may be larger', async () => {
    const large = 65 << 20;
    for (const key of ['p/artifacts/shared/model.json', 'p/sessions/codex/x/transcript.jsonl']) {
      await plantSparse(key, large);
      expect((await bucket.get(key))?.body.length).toBe(large);
    }
    await bucket.put('p/plan.json', Buffer.from('{"steps":{}}'));
    expect((await bucket.get('p/plan.json'))?.body.toString()).toBe('{"steps":{}}');
  });
});
