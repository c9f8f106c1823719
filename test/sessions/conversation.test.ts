import { beforeEach, describe, expect, it } from 'vitest';
import { turnAround } from '../../src/cli/conversation-lines.js';
import { type Conversation, entriesOf } from '../../src/conversation/conversation.js';
import type { ListedSession } from '../../src/mirror/slots/session-listing.js';
import { encodeDocument } from '../../src/protocol/documents.js';
import { bucketLayout } from '../../src/protocol/keys.js';
import { generationName, partName } from '../../src/protocol/parts.js';
import { readConversation } from '../../src/sessions/conversation.js';
import { readLastTurns } from '../../src/sessions/last-turns.js';
import { ClaudeRows, lines, openclawMessage } from '../conversation/sample-rows.js';
import { type CountingBucket, withCounts } from '../support/counting-bucket.js';
import { MemoryStore } from '../support/memory-bucket.js';
import { storeSession } from '../support/stored-session.js';

const layout = bucketLayout('garden');
let bucket: CountingBucket;

beforeEach(() => {
  bucket = withCounts(new MemoryStore(true).client());
});

function resultsOf({ turns }: Pick<Conversation, 'turns'>): readonly (string | undefined)[] {
  return entriesOf({ turns }).flatMap((entry) =>
    entry.kind === 'call' ? [entry.result?.text] : [],
  );
}

/** A session whose last call has its result in a stream of its own. */
async function spilling(): Promise<ListedSession> {
  const rows = new ClaudeRows();
  for (const bed of ['1', '2', '3']) rows.user(`Count bed ${bed}`);
  rows.call('msg_1', 'toolu_1', 'Bash', { command: 'seq 9' });
  const persistedOutputPath = '/p/tool-results/b7.txt';
  rows.result('toolu_1', 'Output too large', { toolUseResult: { persistedOutputPath } });
  const spilled = lines([{ type: 'tool-result', id: 'b7', text: 'one bean\nand more' }]);
  const session = { harness: 'claude-code', id: rows.session };
  const streams = new Map([
    ['', lines(rows.rows)],
    ['tool-results', spilled],
  ]);
  return { ...session, meta: await storeSession(bucket, layout, { ...session, streams }, 2) };
}

describe('a result too long for its transcript', () => {
  it('is shown whole, also in the last turns', async () => {
    const session = await spilling();
    const store = { bucket, layout };
    const whole = await readConversation(store, { session, stream: '' });
    expect(resultsOf(whole)).toEqual(['one bean\nand more']);
    const turns = await readLastTurns(store, session, 1);
    expect(resultsOf({ turns: turns ?? [] })).toEqual(['one bean\nand more']);
  });

  it('stays as the transcript has it where its stream is gone', async () => {
    const session = await spilling();
    const prefix = layout.stream(session.harness, session.id, 'tool-results');
    await bucket.delete(prefix + partName(0, 0, 0));
    const whole = await readConversation({ bucket, layout }, { session, stream: '' });
    expect(resultsOf(whole)).toEqual(['Output too large']);
  });
});

describe('a transcript whose harness cut off its beginning', () => {
  const header = { type: 'session', id: 's1', version: 3 };
  const said = (id: string, content: string) => openclawMessage(id, { role: 'user', content });

  it('is shown from the beginning, and found by the lines that it has now', async () => {
    const id = 's1';
    const before = lines([header, said('e1', 'one'), said('e2', 'two'), said('e3', 'three')]);
    const streams = new Map([['', before]]);
    await storeSession(bucket, layout, { harness: 'openclaw', id, streams }, 2);
    const prefix = layout.session('openclaw', id);
    const opening = { gen: 1, firstSeq: 2, base: null, reason: 'rewritten', who: 'x', at: '' };
    await bucket.put(prefix + generationName(1), encodeDocument(opening));
    const now = lines([header, said('e3', 'three'), said('e4', 'four')]);
    const body = Buffer.from(now.map((line) => `${line}\n`).join(''));
    await bucket.put(prefix + partName(2, 1, 0), body);
    const session = { harness: 'openclaw', id, meta: undefined };
    const whole = await readConversation({ bucket, layout }, { session, stream: '' });
    const prompts = entriesOf(whole).flatMap((entry) =>
      entry.kind === 'prompt' ? [[entry.text, entry.isEarlier === true]] : [],
    );
    expect(prompts).toEqual([
      ['one', true],
      ['two', true],
      ['three', false],
      ['four', false],
    ]);
    expect(turnAround(whole, 1).map(({ number }) => number)).toEqual([3]);
  });
});
