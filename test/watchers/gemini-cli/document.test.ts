import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listStream, newestFirst } from '../../../src/mirror/slots/listing.js';
import { readChain } from '../../../src/mirror/slots/reader.js';
import { defaultFlushTiming } from '../../../src/mirror/watch/flush-schedule.js';
import { MirrorRig, type Run } from '../../support/mirror-rig.js';

const sessionId = 'c3a50000-1111-4222-8333-00000000000d';
const header = { sessionId, projectHash: 'p', startTime: '2026-03-04T05:06:07.000Z', kind: 'main' };
const asked = {
  id: 'q',
  timestamp: '2026-03-04T05:06:08.000Z',
  type: 'user',
  content: 'How many?',
};
const answer = { id: 'a', timestamp: '2026-03-04T05:06:09.000Z', type: 'gemini', content: 'Four' };
const counted = { ...answer, tokens: { input: 7, output: 1 } };
const thanks = { id: 't', timestamp: '2026-03-04T05:07:00.000Z', type: 'user', content: 'Thanks' };
const atOnce = {
  ...defaultFlushTiming,
  firstDelayMs: 10,
  firstIntervalMs: 20,
  longestIntervalMs: 20,
};

describe('the document of releases up to 0.38', () => {
  let rig: MirrorRig;
  let run: Run | undefined;

  beforeEach(async () => {
    rig = await MirrorRig.create();
  });

  afterEach(async () => {
    await run?.end();
    run = undefined;
    await rig.remove();
  });

  async function put(name: string, content: string): Promise<void> {
    const path = join(rig.tree.home, '.gemini', 'tmp', 'shop', 'chats', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.new`, content);
    await rename(`${path}.new`, path);
  }

  const document = (messages: readonly object[], more: object = {}): Promise<void> =>
    put(
      'session-2026-03-04T05-06-c3a50000.json',
      JSON.stringify({ ...header, lastUpdated: 'x', messages, ...more }, null, 2),
    );

  async function told(generation = 'newest'): Promise<readonly unknown[]> {
    const listing = await listStream(rig.bucket, rig.layout.session('gemini-cli', sessionId));
    const [newest = 0] = newestFirst(listing);
    const parts: string[] = [];
    const wanted = generation === 'newest' ? newest : 0;
    for await (const { body } of readChain(rig.bucket, listing, wanted)) parts.push(`${body}`);
    const lines = parts.join('').trimEnd().split('\n');
    return lines.map((line): unknown => JSON.parse(line));
  }

  it('is told in the records of later releases: each state of a message, and which ones are left', async () => {
    run = rig.watch({ sweepMs: 20, timing: atOnce });
    await document([asked]);
    await rig.untilLevel(30_000);
    await document([asked, answer]);
    await rig.untilLevel(30_000);
    await document([asked, counted], { summary: 'Counting' });
    await rig.untilLevel(30_000);
    await document([asked], { summary: 'Counting' });
    await rig.untilLevel(30_000);
    expect(await told()).toEqual([
      header,
      asked,
      answer,
      counted,
      { $set: { summary: 'Counting' } },
      { $set: { messages: [{ id: 'q', type: 'user' }] } },
    ]);
    expect(run.troubles).toEqual([]);
    expect([...(await rig.verdicts()).values()]).toMatchObject([{ state: 'ok', problem: null }]);
  });

  it('says nothing while it is half written, and adds nothing when it is read again without local state', async () => {
    await document([asked, answer]);
    await rig.once().ended;
    const before = await told();
    await put(
      'session-2026-03-04T05-06-c3a50000.json',
      `{"sessionId": "${sessionId}", "messages": [{`,
    );
    expect((await rig.once({ stateFolder: join(rig.stateFolder, 'other') }).ended).behind).toEqual(
      [],
    );
    await document([asked, answer]);
    expect((await rig.once({ stateFolder: join(rig.stateFolder, 'third') }).ended).behind).toEqual(
      [],
    );
    expect(await told()).toEqual(before);
  });

  it('gives way to the file of a later release that goes on with the session, and stays as it was', async () => {
    run = rig.watch({ sweepMs: 20, timing: atOnce });
    await document([asked, answer]);
    await rig.untilLevel(30_000);
    const rows = [header, { $set: { messages: [asked, answer] } }, thanks];
    const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    await put('session-2026-03-04T05-06-c3a50000.jsonl', lines);
    await rig.untilLevel(30_000);
    expect(await told()).toEqual(rows);
    expect(await told('first')).toEqual([header, asked, answer]);
    expect(run.generations).toEqual(['replaced']);
    const again = rig.once();
    expect((await again.ended).behind).toEqual([]);
    expect([again.parts, again.generations, run.troubles]).toEqual([[], [], []]);
  });
});
