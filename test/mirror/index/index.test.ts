import * as v from 'valibot';
import { beforeEach, describe, expect, it } from 'vitest';
import { UnreachableError } from '../../../src/errors.js';
import { IndexWriter } from '../../../src/mirror/index/index-writer.js';
import {
  encodeLines,
  indexedFields,
  listedFields,
  parseFields,
} from '../../../src/mirror/index/lines.js';
import { parsePage, rowsOf } from '../../../src/mirror/index/usage-page.js';
import {
  encodeDocument,
  type MetaDocument,
  metaSchema,
  parseDocument,
} from '../../../src/protocol/documents.js';
import { bucketLayout } from '../../../src/protocol/keys.js';
import { listIndexed, readMetas } from '../../../src/sessions/indexed.js';
import { withCounts } from '../../support/counting-bucket.js';
import { type Hooks, MemoryStore } from '../../support/memory-bucket.js';

const layout = bucketLayout('project');
const writer = '00112233aabbccdd';
const minuteMs = 60_000;

let store: MemoryStore;
beforeEach(() => {
  store = new MemoryStore(true);
});

function meta(id: string, fields: Partial<MetaDocument> = {}): MetaDocument {
  const document = {
    schema_version: 2,
    harness: 'codex',
    session_id: id,
    started_at: '2026-10-03T09:00:00.000Z',
    last_uploaded_at: '2026-11-30T10:00:00.000Z',
    ...fields,
  };
  return parseDocument(metaSchema, id, encodeDocument(document));
}

function indexWriter(hooks: Hooks = {}): IndexWriter {
  return new IndexWriter({ bucket: store.client(hooks), layout, writer: async () => writer });
}

function stored(file: string): readonly MetaDocument[] {
  const body = store.objects.get(layout.index(writer, file))?.body.toString('utf8') ?? '';
  return body.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}

function storedUsage(file: string) {
  const body = store.objects.get(layout.usagePage(writer, file))?.body;
  const page = body === undefined ? undefined : parsePage(body);
  return page === undefined ? undefined : rowsOf(page);
}

async function storeMetas(count: number): Promise<readonly MetaDocument[]> {
  const bucket = store.client();
  const all = Array.from({ length: count }, (_, at) =>
    meta(`session-${at}`, { title: `title ${at}`, last_row_at: `2026-11-29T00:00:00.${at}Z` }),
  );
  for (const one of all) {
    await bucket.put(layout.meta('codex', one.session_id), encodeDocument(one));
  }
  return all;
}

describe('the index of one machine', () => {
  it('writes no line of a session that was removed, unless it is mirrored again', async () => {
    const index = indexWriter();
    index.record(meta('kept'), 0);
    index.record(meta('removed'), 0);
    await index.write('all', () => 0);
    index.drop('codex', 'removed');
    index.record(meta('kept', { title: 'later' }), 0);
    await index.write('all', () => 0);
    expect(stored('live').map(({ session_id }) => session_id)).toEqual(['kept']);
    index.record(meta('removed'), 0);
    await index.write('all', () => 0);
    expect(stored('live').map(({ session_id }) => session_id)).toEqual(['kept', 'removed']);
  });

  it('is written once a minute, with one line per session and none of the long lists', async () => {
    const index = indexWriter();
    expect(index.nextMs).toBe(Number.POSITIVE_INFINITY);
    const stream = { name: 'agent-1', part_count: 1, total_lines: 2, total_uploaded_bytes: 3 };
    index.record(meta('a', { title: 'first', streams: [stream] }), 1_000);
    index.record(meta('b'), 2_000);
    index.record(meta('a', { title: 'second', streams: [stream] }), 3_000);
    expect(index.nextMs).toBe(1_000 + minuteMs);
    await index.write('due', () => 60_999);
    expect(store.objects.size).toBe(0);
    await index.write('due', () => 61_000);
    expect(stored('live').map(({ session_id, title }) => [session_id, title])).toEqual([
      ['a', 'second'],
      ['b', undefined],
    ]);
    expect(Object.keys(stored('live')[0] ?? {}).sort()).toEqual([
      'harness',
      'last_uploaded_at',
      'session_id',
      'started_at',
      'title',
      'total_lines',
      'total_uploaded_bytes',
      'turns',
    ]);
    index.record(meta('c'), 62_000);
    expect(index.nextMs).toBe(61_000 + minuteMs);
    await index.write('all', () => 62_000);
    expect(stored('live').map(({ session_id }) => session_id)).toEqual(['a', 'b', 'c']);
  });

  it('moves many sessions to the months they started in', async () => {
    const index = indexWriter();
    for (let at = 0; at < 150; at += 1) {
      const month = at < 70 ? '2026-09' : '2026-11';
      index.record(meta(`s${at}`, { started_at: `${month}-04T00:00:00.000Z` }), 0);
    }
    index.record(meta('undated', { started_at: null, last_uploaded_at: null }), 0);
    await index.write('all', () => 0);
    expect(stored('live')).toEqual([]);
    expect(stored('2026-09')).toHaveLength(70);
    expect(stored('2026-11')).toHaveLength(80);
    expect(stored('undated')).toHaveLength(1);
    expect(storedUsage('live')).toEqual([]);
    expect(storedUsage('2026-09')).toHaveLength(70);
    expect(storedUsage('undated')).toMatchObject([{ session_id: 'undated', used: null }]);
    index.record(meta('s0', { started_at: '2026-09-04T00:00:00.000Z', title: 'renamed' }), 1);
    await index.write('all', () => 1);
    expect(stored('2026-09')).toHaveLength(70);
    expect(stored('live').map(({ title }) => title)).toEqual(['renamed']);
  });

  it('keeps the lines of two processes of that machine', async () => {
    const one = indexWriter();
    const other = indexWriter();
    one.record(meta('a'), 0);
    await one.write('all', () => 0);
    other.record(meta('b'), 0);
    await other.write('all', () => 0);
    one.record(meta('c'), 0);
    await one.write('all', () => 0);
    expect(stored('live').map(({ session_id }) => session_id)).toEqual(['a', 'b', 'c']);
  });

  it('keeps what could not be written for a minute later', async () => {
    let isDown = true;
    const gate = async (): Promise<void> => {
      if (isDown) throw new UnreachableError('down');
    };
    const index = indexWriter({ gate });
    index.record(meta('a', { title: 'old' }), 0);
    await index.write('all', () => 5_000);
    index.record(meta('a', { title: 'new' }), 6_000);
    expect(index.nextMs).toBe(65_000);
    isDown = false;
    await index.write('due', () => 65_000);
    expect(stored('live').map(({ title }) => title)).toEqual(['new']);
    expect(storedUsage('live')).toHaveLength(1);
  });

  it('says what was used before it says that the session is newer, so a crash in between is harmless', async () => {
    let puts = 0;
    const gate = async (request: string): Promise<void> => {
      if (request === 'PUT') puts += 1;
      if (puts > 1) throw new UnreachableError('down');
    };
    const index = indexWriter({ gate });
    index.record(meta('a'), 0);
    await index.write('all', () => 0);
    expect([...store.objects.keys()]).toEqual([layout.usagePage(writer, 'live')]);
  });

  it('is not written by a machine that cannot keep its name', async () => {
    const index = new IndexWriter({
      bucket: store.client(),
      layout,
      writer: async () => undefined,
    });
    index.record(meta('a'), 0);
    await index.write('all', () => 0);
    expect([...store.objects.keys()]).toEqual([]);
    expect(index.nextMs).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('the sessions of a bucket', () => {
  it('are read one by one while they are few, whatever an index says', async () => {
    await storeMetas(3);
    const index = indexWriter();
    index.record(meta('session-1', { title: 'out of date' }), 0);
    await index.write('all', () => 0);
    const { sessions, asOf, indexed } = await listIndexed(store.client(), layout, ['codex']);
    expect(sessions.map((one) => one.meta?.title)).toEqual(['title 2', 'title 1', 'title 0']);
    expect({ asOf, indexed }).toEqual({ asOf: undefined, indexed: 0 });
  });

  it('come from the index when they are many, and from meta.json where it lacks them', async () => {
    const all = await storeMetas(230);
    store.nowMs = Date.parse('2026-11-30T12:00:00Z');
    const index = indexWriter();
    for (const one of all.slice(7)) index.record(one, 0);
    await index.write('all', () => 0);
    const bucket = withCounts(store.client());
    const listed = await listIndexed(bucket, layout, ['codex']);
    expect(listed.sessions).toHaveLength(230);
    expect(listed.sessions.every((one) => one.meta?.title?.startsWith('title '))).toBe(true);
    expect(listed.indexed).toBe(223);
    expect(listed.asOf).toEqual(new Date(store.nowMs));
    const keys = [...store.objects.keys()].filter((key) => key.includes('/_index/'));
    const files = keys.filter((key) => key.endsWith('.jsonl')).length;
    expect(bucket.counts()).toMatchObject({ list: 2, get: 7 + files });
    const [first] = await readMetas(bucket, layout, listed.sessions.slice(0, 1));
    expect(first?.meta?.parts).toEqual([]);
    expect(bucket.counts().get).toBe(8 + files);
  });

  it('take the newest of several lines, and nothing that is no line or no session', async () => {
    const all = await storeMetas(201);
    const bucket = store.client();
    const older = all.map((one) => ({ ...one, title: 'old' }));
    const newer = { ...all[5], last_uploaded_at: '2026-11-30T11:00:00.000Z', title: 'new' };
    const lines = (some: readonly object[]): Buffer =>
      Buffer.from(some.map((one) => `${JSON.stringify(one)}\n`).join(''));
    await bucket.put(layout.index('machine-1', 'live'), lines([newer]));
    const stranger = { ...all[0], session_id: 'never-mirrored' };
    const rest = Buffer.from('{"torn":\n[1]\n{"harness":5}\n{"cut');
    const body = Buffer.concat([lines([stranger, ...older]), rest]);
    await bucket.put(layout.index('machine-2', '2026-10'), body);
    const { sessions } = await listIndexed(bucket, layout, ['codex']);
    expect(sessions).toHaveLength(201);
    const titles = new Map(sessions.map(({ id, meta: one }) => [id, one?.title]));
    expect(titles.get('session-5')).toBe('new');
    expect(titles.get('session-6')).toBe('old');
  });

  it('are all listed, in stretches at once where they are more than a page, though the index lacks some', async () => {
    const bucket = withCounts(store.client());
    const ids = Array.from({ length: 2_400 }, (_, at) => {
      const name = String(Math.floor(at / 4)).padStart(4, '0');
      return [name, `${name}-fork`, `${name}.copy`, `${name}/part`][at % 4] ?? name;
    });
    for (const id of ids) await bucket.put(layout.meta('codex', id), Buffer.from('{}'));
    const known = ids.filter((_, at) => at % 50 !== 7).map((id) => meta(id));
    await bucket.put(layout.index('machine-1', '2026-10'), encodeLines(known.map(indexedFields)));
    const before = bucket.counts().list;
    const { sessions, indexed } = await listIndexed(bucket, layout, ['codex']);
    expect(sessions.map(({ id }) => id).sort()).toEqual([...ids].sort());
    expect(indexed).toBe(known.length);
    // The first page, the index, and two stretches.
    expect(bucket.counts().list - before).toBe(4);
  });
});

describe('a line of the index', () => {
  const whole = {
    ...{ schema_version: 2, harness: 'codex', session_id: 's', title: 'a title', turns: 3 },
    ...{ turn_starts: [0, 7], redaction_counts: { jwt: 2 }, streams_omitted: 4 },
    last_row_at: '2026-11-29T16:31:00Z',
  };
  const odd: readonly object[] = [
    { title: 5 },
    { title: 'x'.repeat(100_001) },
    { last_row_at: 'x'.repeat(65) },
    { turns: -1 },
    { turns: 0.5 },
    { turns: null },
    { generation: 1_000_000_000 },
    { turn_starts: [1, '2'] },
    { redaction_counts: { jwt: '2' } },
    { redaction_counts: JSON.parse('{"__proto__":1,"jwt":2}') },
    { redaction_counts: { constructor: 1 } },
    { streams: [{ name: 'a', part_count: 1, total_lines: 1, total_uploaded_bytes: 1 }] },
    { schema_version: 1, parts: [{}, {}] },
    { schema_version: '2' },
    { harness: null },
    { session_id: undefined },
    { unknown: 'field' },
  ];

  it('has the fields that a list needs, or is left out', () => {
    for (const fields of [{}, ...odd]) {
      const line = JSON.parse(JSON.stringify({ ...whole, ...fields }));
      const names = Object.keys(listedFields.entries);
      const needed = Object.entries(line).filter(([name]) => names.includes(name));
      const judged = v.safeParse(metaSchema, { schema_version: 2, ...Object.fromEntries(needed) });
      const read = parseFields(listedFields, Buffer.from(`${JSON.stringify(line)}\n`));
      expect(read.map((one) => Object.keys(one).sort())).toEqual(
        judged.success ? [[...names].sort()] : [],
      );
      if (judged.success) expect(judged.output).toMatchObject({ ...read[0] });
    }
  });
});
