import { expect, it } from 'vitest';
import { SentParts } from '../../src/app/sent-parts.js';
import { etagOf } from '../../src/bucket/etag.js';
import { nameOf, type ShippedPart } from '../../src/mirror/checkpoint.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import type { SentPart } from '../../src/search/published/sent-part.js';
import { MemoryStore } from '../support/memory-bucket.js';

const layout = bucketLayout('run');
const session = { harness: 'claude-code', id: 's1' };
const part: ShippedPart = {
  sequence: 0,
  generation: 0,
  startLine: 0,
  endLine: 2,
  sourceBytes: 4,
  uploadedBytes: 4,
  fingerprint: '',
  redactions: {},
  uploadedAtMs: 0,
};

function open() {
  const store = new MemoryStore(true);
  const taken: SentPart[] = [];
  return { store, taken, sent: new SentParts(store.client(), layout, (one) => taken.push(one)) };
}

it.each(['', 'subagents/agent-1'])(
  'takes a part once it was put and told (stream %o)',
  async (stream) => {
    const { store, taken, sent } = open();
    const key = layout.stream(session.harness, session.id, stream) + nameOf(part);
    expect(await sent.bucket.putIfAbsent(key, Buffer.from('a\nb\n'))).toMatchObject({
      written: true,
    });
    expect(store.objects.get(key)?.body.toString()).toBe('a\nb\n');
    expect(taken).toEqual([]);
    sent.told(session, stream, part);
    sent.told(session, stream, part);
    const { startLine, endLine } = part;
    const body = Buffer.from('a\nb\n');
    const etag = etagOf(body);
    expect(taken).toEqual([{ harness: session.harness, key, startLine, endLine, body, etag }]);
  },
);

it('takes nothing that somebody else put, or that is no part', async () => {
  const { taken, sent, store } = open();
  const key = layout.stream(session.harness, session.id, '') + nameOf(part);
  await store.client().put(key, Buffer.from('theirs\n'));
  expect(await sent.bucket.putIfAbsent(key, Buffer.from('a\nb\n'))).toEqual({ written: false });
  sent.told(session, '', part);
  await sent.bucket.put(layout.meta(session.harness, session.id), Buffer.from('{}'));
  sent.told(session, '', { ...part, sequence: 1 });
  expect(taken).toEqual([]);
});

it('holds few bodies of which nothing is told', async () => {
  const { taken, sent } = open();
  const folder = layout.stream(session.harness, session.id, '');
  for (let sequence = 0; sequence < 70; sequence += 1) {
    await sent.bucket.put(folder + nameOf({ ...part, sequence }), Buffer.from('a\n'));
  }
  for (let sequence = 0; sequence < 70; sequence += 1)
    sent.told(session, '', { ...part, sequence });
  expect(taken).toHaveLength(64);
});
