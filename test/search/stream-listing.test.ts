import { beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/bucket/bucket.js';
import { listWholeStreams } from '../../src/mirror/slots/session-streams.js';
import { StreamListing } from '../../src/mirror/slots/stream-listing.js';
import type { SessionRef } from '../../src/mirror/stream.js';
import { partName } from '../../src/protocol/parts.js';
import { createMatcher } from '../../src/search/matcher.js';
import { type SearchScope, type SessionHits, scanSessions } from '../../src/search/scan.js';
import { listIndexed } from '../../src/sessions/indexed.js';
import { shortIds } from '../../src/sessions/reference.js';
import { withCounts } from '../support/counting-bucket.js';
import { layout, SharedRig, said } from './shared-rig.js';

const plain = { isAny: false, isWhole: false, isSubstring: false, isRegex: false };
const harness = 'claude-code';
const idOf = (n: number): string => `session-${String(n).padStart(4, '0')}`;
const refs = (count: number) => Array.from({ length: count }, (_, n) => ({ harness, id: idOf(n) }));

let rig: SharedRig;

beforeEach(() => {
  rig = new SharedRig();
});

/** Sessions of two parts; every third has sub-agents, one of which has a name that is two segments of a key. */
async function write(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    for (let part = 0; part < 2; part += 1) {
      await rig.send(undefined, `sessions/${harness}/${idOf(n)}`, [said(`plum ${n}.${part}`)]);
    }
    if (n % 3 !== 0) continue;
    await rig.send(undefined, `streams/${harness}/${idOf(n)}/subagents/agent-a`, [said('quince')]);
    await rig.send(undefined, `streams/${harness}/${idOf(n)}/tool-results/b.txt`, [said('quince')]);
  }
}

/** More parts of one line for a session, after its own two. */
async function writeParts(n: number, count: number): Promise<void> {
  for (let line = 2; line < count + 2; line += 1) {
    const key = `${layout.session(harness, idOf(n))}${partName(line, 0, line)}`;
    await rig.bucket.put(key, Buffer.from(`${said('more')}\n`));
  }
}

function listingOf(bucket: Bucket, sessions: readonly SessionRef[]): StreamListing {
  const listing = new StreamListing(bucket, layout, [harness]);
  listing.expect(sessions);
  return listing;
}

async function search(bucket: Bucket, words: readonly string[], scope: Partial<SearchScope> = {}) {
  const sessions = scanSessions({
    bucket,
    layout,
    matcher: createMatcher({ ...plain, words }),
    scope: { hasSubagents: true, ...scope },
    perSession: 3,
    shortIds,
    listed: listIndexed,
  });
  const found: SessionHits[] = [];
  for await (const one of sessions) found.push(one);
  return found;
}

describe('streams of many sessions', () => {
  it('are those that each session has by itself, in a few listings', async () => {
    await write(60);
    await rig.bucket.put(`${layout.sessions(harness)}stray.json`, Buffer.from('{}'));
    const bucket = withCounts(rig.bucket);
    const sessions = refs(60);
    const all = listingOf(bucket, sessions);
    const listed = await Promise.all(sessions.map((session) => all.streamsOf(session)));
    expect(bucket.counts().list).toBe(2);
    expect(listed.every(({ isShared }) => isShared)).toBe(true);
    for (const [n, session] of sessions.entries()) {
      expect(listed[n]?.streams).toEqual(await listWholeStreams(rig.bucket, layout, session));
    }
    expect(listed[9]?.streams.map(({ name }) => name)).toEqual([
      '',
      'subagents/agent-a',
      'tool-results/b.txt',
    ]);
    const other = new StreamListing(bucket, layout, ['codex']);
    const alone = await other.streamsOf({ harness, id: idOf(59) });
    expect(alone.isShared).toBe(false);
  });

  it('of the first ones are listed one by one where there is more than a page', async () => {
    await write(60);
    await writeParts(59, 1_000);
    const bucket = withCounts(rig.bucket);
    const sessions = refs(60);
    const all = listingOf(bucket, sessions);
    const listed = await Promise.all(sessions.map((session) => all.streamsOf(session)));
    expect(bucket.counts().list).toBe(2 * 8 + 2);
    expect(listed.filter(({ isShared }) => isShared)).toHaveLength(52);
    expect(listed[59]?.streams[0]?.entries).toHaveLength(1_002);
  });

  it('ask for no second page before it is known how many sessions there are', async () => {
    await write(60);
    await writeParts(0, 1_000);
    const taken = new Map<string, number>();
    const watched: Bucket = {
      ...rig.bucket,
      async *list(prefix, options) {
        for await (const entry of rig.bucket.list(prefix, options)) {
          taken.set(prefix, (taken.get(prefix) ?? 0) + 1);
          yield entry;
        }
      },
    };
    const sessions = refs(60);
    const all = new StreamListing(watched, layout, [harness]);
    await new Promise((done) => setTimeout(done, 50));
    expect(taken.get(layout.sessions(harness))).toBe(1_000);
    all.expect(sessions);
    const last = sessions.at(-1);
    if (last === undefined) throw new Error('no session');
    expect((await all.streamsOf(last)).isShared).toBe(true);
    expect(taken.get(layout.sessions(harness))).toBe(1_000 + 2 * 60);
  });

  it('are listed one by one where a session has parts without end', async () => {
    await write(20);
    await writeParts(19, 2_098);
    const sessions = refs(20);
    const listing = listingOf(rig.bucket, sessions);
    const listed = await Promise.all(sessions.map((session) => listing.streamsOf(session)));
    expect(listed.some(({ isShared }) => isShared)).toBe(false);
    expect(listed[19]?.streams[0]?.entries).toHaveLength(2100);
  });

  it('are listed one by one where there are few of a harness, and more than a page of them', async () => {
    await write(11);
    await writeParts(10, 1_000);
    const few = refs(11);
    const listing = listingOf(rig.bucket, few);
    for (const one of few) expect((await listing.streamsOf(one)).isShared).toBe(false);
  });

  it('fail for everybody who asks, and for nobody who does not', async () => {
    await write(20);
    const broken: Bucket = {
      ...rig.bucket,
      list: (prefix, options) => {
        if (prefix === layout.sessions(harness)) throw new Error('no listing today');
        return rig.bucket.list(prefix, options);
      },
    };
    const sessions = refs(20);
    const listing = listingOf(broken, sessions);
    const asked = sessions.slice(8, 10).map((session) => listing.streamsOf(session));
    const answers = await Promise.allSettled(asked);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const first = sessions[0] ?? { harness, id: '' };
    expect((await listing.streamsOf(first)).streams).toHaveLength(3);
  });
});

describe('a search', () => {
  it('lists the sessions of a store together, if it may look at all of them', async () => {
    await write(40);
    const bucket = withCounts(rig.bucket);
    const found = await search(bucket, ['plum']);
    expect(found.map(({ count }) => count)).toEqual(Array(40).fill(2));
    const together = bucket.counts().list;
    await search(bucket, ['plum'], { sinceMs: 0 });
    const alone = bucket.counts().list - together;
    expect(alone - together).toBe(2 * 40 - 2);
  });

  it('lists a session again that has grown since all were listed', async () => {
    await write(20);
    const folder = `sessions/${harness}/${idOf(4)}`;
    const [second, third] = [partName(2, 0, 2), partName(3, 0, 3)];
    const body = (text: string) => Buffer.from(`${said(text)}\n`);
    await rig.bucket.put(`${layout.root}${folder}/${third}`, body('medlar, the fourth line'));
    const late: Bucket = {
      ...rig.bucket,
      async *list(prefix, options) {
        yield* rig.bucket.list(prefix, options);
        const isShared = prefix === layout.streams(harness);
        if (isShared) await rig.bucket.put(`${layout.root}${folder}/${second}`, body('third line'));
      },
    };
    const hits = (await search(late, ['medlar'])).filter(({ count }) => count > 0);
    expect(hits.map(({ session, lines, unread }) => [session.id, lines, unread])).toEqual([
      [idOf(4), 4, undefined],
    ]);
  });

  it('lists nothing more once nobody wants an answer', async () => {
    await write(20);
    const signals: (AbortSignal | undefined)[] = [];
    const watched: Bucket = {
      ...rig.bucket,
      list: (prefix, options) => {
        if (prefix === layout.streams(harness)) signals.push(options?.signal);
        return rig.bucket.list(prefix, options);
      },
    };
    const matcher = createMatcher({ ...plain, words: ['plum'] });
    const scope = { hasSubagents: true };
    const asked = { bucket: watched, layout, matcher, scope, perSession: 3, shortIds };
    let results = 0;
    for await (const _ of scanSessions({ ...asked, listed: listIndexed })) {
      results += 1;
      if (results === 10) break;
    }
    expect(signals.map((signal) => signal?.aborted)).toEqual([true]);
  });
});
