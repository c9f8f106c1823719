import { beforeEach, describe, expect, it } from 'vitest';
import { bucketLayout } from '../../src/protocol/keys.js';
import { readConversation } from '../../src/sessions/conversation.js';
import { findSession } from '../../src/sessions/find.js';
import { ClaudeRows, lines, userItem } from '../conversation/sample-rows.js';
import { type CountingBucket, withCounts } from '../support/counting-bucket.js';
import { MemoryStore } from '../support/memory-bucket.js';
import { storeSession } from '../support/stored-session.js';

const layout = bucketLayout('garden');
const harnesses = ['claude-code', 'codex', 'pi'];
const [first, second] = [
  '8b418ea5-895d-4ad5-abe8-4489d36e454f',
  '8b418ea5-895d-4ad5-abe8-4489d36e0000',
];
let bucket: CountingBucket;

beforeEach(() => {
  bucket = withCounts(new MemoryStore(true).client());
});

function scope(current: readonly string[] = []) {
  return { harnesses, current, folder: '/garden', listed: [] };
}

async function store(harness: string, id: string): Promise<void> {
  await storeSession(
    bucket,
    layout,
    { harness, id, streams: new Map([['', lines([userItem('Water')])]]) },
    1,
  );
}

/** What a word finds, and the requests it takes. */
async function found(word: string, current: readonly string[] = []) {
  const before = bucket.counts();
  const { harness, id, meta } = await findSession({ bucket, layout }, word, scope(current));
  const { get, list } = bucket.counts();
  const requests = { gets: get - before.get, lists: list - before.list };
  return { name: `${harness}/${id}`, lines: meta?.total_lines, ...requests };
}

describe('a session in a bucket', () => {
  it('of a whole id is read where it must be, and nothing is listed', async () => {
    await store('codex', first);
    await store('codex', second);
    const wanted = { name: `codex/${first}`, lines: 1, lists: 0 };
    expect(await found(first)).toEqual({ ...wanted, gets: 3 });
    expect(await found(`codex/${first}`)).toEqual({ ...wanted, gets: 1 });
  });

  it('of the shell is read once', async () => {
    await store('pi', second);
    expect(await found('.', [second])).toEqual({
      name: `pi/${second}`,
      lines: 1,
      gets: 3,
      lists: 0,
    });
  });

  it('of the beginning of an id takes a short listing for each harness, and one read', async () => {
    await store('codex', first);
    expect(await found('8b418ea5')).toEqual({
      name: `codex/${first}`,
      lines: 1,
      gets: 1,
      lists: 3,
    });
  });

  it('without a meta.json is found by its parts', async () => {
    await store('codex', first);
    await bucket.delete(layout.meta('codex', first));
    expect(await found(first)).toMatchObject({ name: `codex/${first}`, lines: undefined });
  });

  it('that several harnesses have is not chosen among them', async () => {
    await store('codex', first);
    await store('pi', first);
    await expect(found(first)).rejects.toThrow(`${first} could be any of 2 sessions`);
    await expect(found('.', [first])).rejects.toThrow('. could be any of 2 sessions');
    expect(await found(`pi/${first}`)).toMatchObject({ name: `pi/${first}` });
  });

  it('that is in none of them is named', async () => {
    await store('codex', first);
    await expect(found(second)).rejects.toThrow(`session not found: ${second}`);
    await expect(found(`pi/${first}`)).rejects.toThrow(`session not found: pi/${first}`);
  });
});

describe('a conversation', () => {
  it('with sub-agents takes two listings for all of them', async () => {
    const rows = new ClaudeRows();
    rows.user('Water both beds');
    const main = lines(rows.rows);
    const agent = (name: string): readonly [string, readonly string[]] => {
      const own = new ClaudeRows();
      own.user(`Water ${name}`);
      return [`subagents/agent-${name}`, lines(own.rows)];
    };
    const streams = new Map([['', main], agent('a1'), agent('b2'), agent('c3')]);
    const session = { harness: 'claude-code', id: rows.session };
    const meta = await storeSession(bucket, layout, { ...session, streams }, 1);
    const before = bucket.counts();
    const place = { bucket, layout };
    await readConversation(place, { session: { ...session, meta }, stream: '' });
    const { get, list } = bucket.counts();
    expect({ gets: get - before.get, lists: list - before.list }).toEqual({ gets: 4, lists: 2 });
  });
});
