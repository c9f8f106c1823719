import { beforeEach, describe, expect, it } from 'vitest';
import type { Turn } from '../../src/conversation/conversation.js';
import type { ListedSession } from '../../src/mirror/slots/session-listing.js';
import { encodeDocument, type MetaDocument } from '../../src/protocol/documents.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { generationName, partName } from '../../src/protocol/parts.js';
import { readConversation } from '../../src/sessions/conversation.js';
import { readLastTurns } from '../../src/sessions/last-turns.js';
import {
  answerItem,
  ClaudeRows,
  event,
  hermesMessage,
  hermesSession,
  lines,
  meta,
  openclawMessage,
  thread,
  userEvent,
  userItem,
} from '../conversation/sample-rows.js';
import { type CountingBucket, withCounts } from '../support/counting-bucket.js';
import { hasSharedFixtures, readFixtureStreams } from '../support/fixture-streams.js';
import { MemoryStore } from '../support/memory-bucket.js';
import { type StoredSession, storeSession } from '../support/stored-session.js';

const layout = bucketLayout('garden');
let bucket: CountingBucket;

beforeEach(() => {
  bucket = withCounts(new MemoryStore(true).client());
});

/** What does not depend on how much was read before. */
function comparable(turns: readonly Turn[]): readonly object[] {
  return turns.map(({ number: _number, id: _id, entries, ...turn }) => ({
    ...turn,
    entries: entries.map(({ id: _own, ...entry }) => entry),
  }));
}

/** How many of the tails could be read alone; each as the whole conversation has it. */
async function tailsTold(stored: StoredSession, linesInPart: number): Promise<number> {
  const { harness, id } = stored;
  const document = await storeSession(bucket, layout, stored, linesInPart);
  const store = { bucket, layout };
  const whole = await readConversation(store, {
    session: { harness, id, meta: document },
    stream: '',
    isDescribed: true,
  });
  let told = 0;
  for (const count of [1, 2, 3, 19, 63]) {
    const turns = await readLastTurns(store, { harness, id, meta: document }, count);
    if (turns === undefined) continue;
    told += 1;
    expect(comparable(turns), `${harness} ${id} ${count}`).toEqual(
      comparable(whole.turns.slice(-count)),
    );
  }
  return told;
}

/** Many ids of the fixtures were taken out: what had one was a response of its own. */
function withOwnIds(line: string, number: number): string {
  return line.replaceAll('"id":"[trimmed for fixture]"', `"id":"line-${number}"`);
}

/** A gardener's session of many turns: a prompt, a call, its result and an answer each. */
function gardening(turns: number): StoredSession {
  const rows = new ClaudeRows();
  for (let turn = 1; turn <= turns; turn += 1) {
    rows.user(`Water bed ${turn}`);
    rows.call(`msg_${turn}`, `toolu_${turn}`, 'Bash', { command: `water ${turn}` });
    rows.result(`toolu_${turn}`, 'wet');
    rows.assistant(`msg_${turn}b`, [{ type: 'text', text: `Bed ${turn} is wet` }]);
  }
  return { harness: 'claude-code', id: rows.session, streams: new Map([['', lines(rows.rows)]]) };
}

const openings: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>> = {
  codex: [meta()],
  openclaw: [{ type: 'session', id: thread, timestamp: '2026-11-29T08:00:00Z', cwd: '/garden' }],
  hermes: [hermesSession({ title: 'Beds' })],
};

/** One turn as each harness writes it. */
const plainTurns: Readonly<
  Record<string, (turn: number) => readonly Readonly<Record<string, unknown>>[]>
> = {
  'claude-code': (turn) => [
    {
      type: 'user',
      uuid: `u${turn}`,
      parentUuid: turn === 0 ? null : `a${turn - 1}`,
      sessionId: thread,
      message: { role: 'user', content: `Bed ${turn}` },
    },
    {
      type: 'assistant',
      uuid: `a${turn}`,
      parentUuid: `u${turn}`,
      sessionId: thread,
      message: { id: `m${turn}`, role: 'assistant', content: [{ type: 'text', text: 'Wet' }] },
    },
  ],
  codex: (turn) => [
    event({ type: 'task_started', turn_id: `t${turn}` }),
    userItem(`Bed ${turn}`),
    userEvent(`Bed ${turn}`),
    answerItem('Wet', `a${turn}`),
    event({ type: 'task_complete', turn_id: `t${turn}` }),
  ],
  openclaw: (turn) => [
    openclawMessage(`u${turn}`, { role: 'user', content: `Bed ${turn}` }),
    openclawMessage(`a${turn}`, { role: 'assistant', content: [{ type: 'text', text: 'Wet' }] }),
  ],
  hermes: (turn) => [
    hermesMessage(2 * turn + 1, 'user', `Bed ${turn}`),
    hermesMessage(2 * turn + 2, 'assistant', 'Wet'),
  ],
};

async function stored(turns: number, linesInPart: number): Promise<Required<ListedSession>> {
  const session = gardening(turns);
  const document = await storeSession(bucket, layout, session, linesInPart);
  return { harness: session.harness, id: session.id, meta: document };
}

function requests(
  before: ReturnType<CountingBucket['counts']>,
): readonly [gets: number, lists: number] {
  const { get, list } = bucket.counts();
  return [get - before.get, list - before.list];
}

async function prompts(
  session: ListedSession,
  count: number,
): Promise<readonly string[] | undefined> {
  const turns = await readLastTurns({ bucket, layout }, session, count);
  return turns?.map(({ entries: [first] }) => (first?.kind === 'prompt' ? first.text : ''));
}

function edited(session: Required<ListedSession>, meta: Partial<MetaDocument>): ListedSession {
  return { ...session, meta: { ...(session.meta as MetaDocument), ...meta } };
}

describe('the last turns of a session', () => {
  it('are read from the parts that hold them, however long the session', async () => {
    for (const turns of [30, 120]) {
      const session = await stored(turns, 4);
      const before = bucket.counts();
      expect(await prompts(session, 3)).toEqual(
        [turns - 2, turns - 1, turns].map((bed) => `Water bed ${bed}`),
      );
      // The first part, one for each turn and the one before; the next part and the next generation are not there.
      expect(requests(before)).toEqual([7, 0]);
    }
  });

  it('are found by one listing beyond the parts that meta.json names', async () => {
    const session = await stored(60, 1);
    const before = bucket.counts();
    expect(await prompts(session, 10)).toHaveLength(10);
    const [gets, lists] = requests(before);
    expect(lists).toBe(1);
    expect(gets).toBeLessThanOrEqual(1 + 20 + 32 + 2);
  });

  it('are those that came after meta.json, too', async () => {
    const session = await stored(5, 4);
    const [, , , , , ...later] = gardening(7).streams.get('') ?? [];
    await bucket.put(
      layout.session(session.harness, session.id) + partName(5, 0, 20),
      Buffer.from(
        later
          .slice(15)
          .map((line) => `${line}\n`)
          .join(''),
      ),
    );
    expect(await prompts(session, 2)).toEqual(['Water bed 6', 'Water bed 7']);
  });

  it('are left to the whole chain where meta.json is wrong', async () => {
    const session = await stored(30, 4);
    const { parts, turn_starts } = session.meta as MetaDocument;
    const moved = turn_starts.map((line) => line + 1);
    expect(await prompts(edited(session, { turn_starts: moved }), 2)).toBeUndefined();
    expect(await prompts(edited(session, { turn_starts: [10_000_000] }), 1)).toBeUndefined();
    expect(await prompts(edited(session, { parts: [] }), 1)).toBeUndefined();
    const shifted = parts.map((part) => ({
      ...part,
      cursor_range: [part.cursor_range[0] - 4, part.cursor_range[1] - 4] as [number, number],
    }));
    expect(await prompts(edited(session, { parts: shifted }), 1)).toBeUndefined();
    expect(await prompts(edited(session, { turn_starts: [] }), 1)).toBeUndefined();
  });

  it('are left to the whole chain where no part is before those that meta.json names', async () => {
    const session = await stored(30, 4);
    const prefix = layout.session(session.harness, session.id);
    const last = session.meta?.parts.at(-1);
    const name = partName(0, 0, 116);
    const { body } = (await bucket.get(prefix + (last?.name ?? ''))) ?? { body: Buffer.alloc(0) };
    await bucket.put(prefix + name, body);
    const parts = last === undefined ? [] : [{ ...last, seq: 0, name }];
    expect(await prompts(edited(session, { parts }), 2)).toBeUndefined();
  });

  it('do not take more parts into memory than they may need', async () => {
    const bed = 'wet '.repeat(256 * 1024);
    const rows = new ClaudeRows();
    for (let turn = 1; turn <= 16; turn += 1) {
      rows.user(`Bed ${turn}`);
      rows.assistant(`msg_${turn}`, [{ type: 'text', text: bed }]);
    }
    const session = { harness: 'claude-code', id: rows.session };
    const streams = new Map([['', lines(rows.rows)]]);
    const document = await storeSession(bucket, layout, { ...session, streams }, 2);
    const told = edited({ ...session, meta: document }, { parts: document.parts.slice(-2) });
    const before = bucket.counts();
    expect(await prompts(told, 4)).toHaveLength(4);
    const [gets] = requests(before);
    expect(gets).toBeLessThanOrEqual(1 + 2 + 8 + 2);
  });

  it('are left to the whole chain when a newer generation is there', async () => {
    const session = await stored(30, 4);
    const opening = { gen: 1, firstSeq: 30, base: null, reason: 'rewritten', who: 'x', at: '' };
    const key = layout.session(session.harness, session.id) + generationName(1);
    await bucket.put(key, encodeDocument(opening));
    expect(await prompts(session, 2)).toBeUndefined();
  });

  it('are left to the whole chain when a part is not there', async () => {
    const session = await stored(60, 1);
    await bucket.delete(layout.session(session.harness, session.id) + partName(210, 0, 210));
    expect(await prompts(session, 2)).toEqual(['Water bed 59', 'Water bed 60']);
    expect(await prompts(session, 10)).toBeUndefined();
  });

  it.each(Object.keys(plainTurns))(
    'say of a plain session of %s what the whole conversation says',
    async (harness) => {
      const turns = Array.from({ length: 25 }, (_, turn) => plainTurns[harness]?.(turn) ?? []);
      const texts = lines([...(openings[harness] ?? []), ...turns.flat()]);
      expect(await tailsTold({ harness, id: thread, streams: new Map([['', texts]]) }, 3)).toBe(4);
    },
  );

  it('are left to the whole where a call of theirs may have begun an agent', async () => {
    const rows = new ClaudeRows();
    for (const bed of ['1', '2', '3']) rows.user(`Plan bed ${bed}`);
    rows.call('msg_1', 'toolu_1', 'Task', { prompt: 'Count the seeds' });
    rows.result('toolu_1', 'twelve');
    const agent = new ClaudeRows(rows.session);
    agent.user('Count the seeds', { isSidechain: true, agentId: 'seed' });
    const streams = new Map([
      ['', lines(rows.rows)],
      ['subagents/agent-seed', lines(agent.rows)],
    ]);
    const session = { harness: 'claude-code', id: rows.session };
    const document = await storeSession(bucket, layout, { ...session, streams }, 2);
    const told = { ...session, meta: document };
    expect(await prompts(told, 1)).toBeUndefined();
    expect(await prompts(edited(told, { streams: [] }), 1)).toEqual(['Plan bed 3']);
  });

  it.runIf(hasSharedFixtures)('say of every fixture what the whole conversation says', async () => {
    const sessions = new Map<
      string,
      StoredSession & { readonly streams: Map<string, readonly string[]> }
    >();
    for (const { tree, harness, session: id, stream, lines: texts } of await readFixtureStreams()) {
      const key = `${tree}/${id}`;
      const known = sessions.get(key) ?? { harness, id, streams: new Map() };
      known.streams.set(stream, texts.map(withOwnIds));
      sessions.set(key, known);
    }
    let told = 0;
    for (const session of sessions.values())
      if (session.streams.has('')) told += await tailsTold(session, 5);
    expect(told).toBeGreaterThan(20);
  });
});
