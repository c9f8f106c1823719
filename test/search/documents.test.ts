import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { openLocalBucket } from '../../src/bucket/local/bucket.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { type DocumentSearch, searchDocuments } from '../../src/search/documents.js';
import { type DocumentKind, documentKinds } from '../../src/search/kinds.js';
import { createMatcher } from '../../src/search/matcher.js';
import { writeObject } from '../support/generated-run.js';
import { createTemporaryFolder } from '../support/temporary-folder.js';

let bucket: Bucket;
let root: string;
let remove: () => Promise<void>;

beforeEach(async () => {
  const folder = await createTemporaryFolder();
  remove = folder.remove;
  root = join(folder.path, 'run');
  await mkdir(root);
  bucket = await openLocalBucket({ root: folder.path });
});

afterEach(async () => {
  await bucket.close();
  await remove();
});

const stamp = (second: number, agent: string, id: string) =>
  `${1_793_000_000 + second}000000000_${agent}_${id}`;

async function write(key: string, document: unknown): Promise<void> {
  await writeObject(root, key, typeof document === 'string' ? document : JSON.stringify(document));
}

async function search(words: string, more: Partial<DocumentSearch> = {}) {
  const matcher = createMatcher({
    words: words.split(' '),
    isAny: false,
    isWhole: false,
    isSubstring: false,
    isRegex: false,
  });
  const kinds: readonly DocumentKind[] = documentKinds;
  const layout = bucketLayout('run');
  return searchDocuments({ bucket, layout, matcher, kinds, perKind: 3, ...more });
}

async function idsOf(words: string, more: Partial<DocumentSearch> = {}) {
  const found = await search(words, more);
  return found.flatMap(({ kind, hits }) => hits.map(({ id, open }) => [kind, id, open]));
}

it('finds mail to one and to all, whoever searches', async () => {
  await write(`messages/ben/${stamp(1, 'anna', '0000000a')}.json`, {
    message: 'The checkoutTotal is wrong',
    step: 'review',
  });
  await write(`messages/_broadcast/${stamp(2, 'anna', '0000000b')}.json`, { message: 'checkout' });
  await write('messages/ben/_cursor.json', { message: 'checkout' });
  const [mail] = await search('checkout', { kinds: ['mail'] });
  expect(mail?.hits).toMatchObject([
    { id: '0000000b', by: 'anna', to: null, atMs: 1_793_000_002_000 },
    { id: '0000000a', by: 'anna', to: 'ben', step: 'review', text: 'The checkoutTotal is wrong' },
  ]);
  expect(mail).toMatchObject({ count: 2, documents: 2, unread: [] });
});

it('finds what a memory is and was, by its key and its value, each state once', async () => {
  const old = { value: { port: 8080, note: 'for checkout' }, version: 1, set_by: 'anna' };
  await write(`memory/_history/shop.port/${stamp(1, 'anna', '0000000a')}.json`, old);
  const now = { value: 'nine', version: 2, set_by: 'ben', set_at: '2026-11-02T00:00:00Z' };
  await write('memory/shop.port.json', now);
  await write('memory/shop/port.json', now);
  expect(await idsOf('8080')).toEqual([
    ['memory', 'shop.port', 'tracecraft memory history shop.port'],
  ]);
  expect(await idsOf('port nine')).toEqual([
    ['memory', 'shop.port', 'tracecraft memory get shop.port'],
  ]);
});

it('finds the handoff of a step, and among the events those of its earlier holders', async () => {
  const first = { from_agent: 'anna', note: 'the migration is half done', epoch: 1 };
  const second = { from_agent: 'ben', note: 'the migration is done', epoch: 2 };
  await write('steps/build/handoff.json', second);
  await write('steps/build/status.json', { status: 'complete', note: 'migration' });
  for (const [at, handoff] of [first, second].entries()) {
    await write(`events/${stamp(at, 'anna', `0000000${at}`)}.json`, {
      type: 'step.completed',
      step: 'build',
      data: { handoff },
    });
  }
  expect(await idsOf('migration', { kinds: ['handoff'] })).toEqual([
    ['handoff', 'build', 'tracecraft handoff build --epoch 2'],
  ]);
  expect(await idsOf('migration', { kinds: ['event'] })).toEqual([
    ['event', '00000001', 'tracecraft handoff build --epoch 2'],
    ['event', '00000000', 'tracecraft handoff build --epoch 1'],
  ]);
  expect(await idsOf('migration', { kinds: ['handoff'], agent: 'anna' })).toEqual([]);
});

it('narrows by time, keeps the newest, and counts the others', async () => {
  for (let n = 0; n < 5; n += 1) {
    const key = `messages/ben/${stamp(n, 'anna', `0000000${n}`)}.json`;
    await write(key, { message: `lunch number ${n}` });
  }
  const [mail] = await search('lunch', { kinds: ['mail'], perKind: 2, untilMs: 1_793_000_004_000 });
  expect(mail?.hits.map(({ id }) => id)).toEqual(['00000003', '00000002']);
  expect(mail?.count).toBe(4);
});

it('says what could not be read, and skips what is none of ours', async () => {
  await write(`messages/ben/${stamp(1, 'anna', '0000000a')}.json`, '{"message": 4}');
  await write('memory/broken.json', 'not JSON');
  await write('memory/deep/_x.json', '{}');
  await write('steps/..bad/handoff.json', '{"note":"lunch"}').catch(() => undefined);
  const found = await search('lunch');
  expect(found.flatMap(({ unread }) => unread)).toEqual([
    expect.stringContaining('messages/ben/'),
    expect.stringContaining('memory/broken.json'),
  ]);
  expect(found.flatMap(({ hits }) => hits)).toEqual([]);
});
